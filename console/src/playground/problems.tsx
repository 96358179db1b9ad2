/** What is wrong with the policy, below its text. */

import type { Wrong } from "../api.js";
import { shown } from "../words.js";

interface ProblemsProps {
  problems: Wrong[];
  warnings: Wrong[];
  show: (spot: { line: number; column: number | null }) => void;
}

export function Problems({ problems, warnings, show }: ProblemsProps) {
  const all = [...problems.map((each) => ({ ...each, isNote: false })), ...warnings.map((each) => ({ ...each, isNote: true }))];
  if (all.length === 0) return null;
  return (
    <ul class="problems">
      {all.map(({ line, column, path, message, hint, isNote }, index) => (
        <li key={index} class={isNote ? "is-note" : undefined}>
          <strong>
            {line !== null && (
              <button type="button" class="link" onClick={() => show({ line, column })}>
                Line {line}
              </button>
            )}{" "}
            {path && <span class="code">{shown(path)}</span>} {shown(message)}
          </strong>
          {hint && <span>{shown(hint)}</span>}
        </li>
      ))}
    </ul>
  );
}
