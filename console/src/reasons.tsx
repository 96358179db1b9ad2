/** Why an image is judged as it is, rule by rule: the same beside a decision and in the playground. */

import type { Explanation } from "./api.js";
import { shown } from "./words.js";

/** What of an explanation is told alike wherever it is from. */
export type Reasoning = Pick<Explanation, "steps" | "accepted" | "remedies" | "nearMisses" | "exemptions" | "notes">;

export function Reasons({ reasoning }: { reasoning: Reasoning }) {
  const { steps, accepted, remedies, nearMisses, exemptions, notes } = reasoning;
  return (
    <>
      <ol class="steps">
        {steps.map((step) => (
          <li key={step.rule} class={step.passed ? "is-passed" : "is-failed"}>
            <span class="outcome">{step.passed ? "pass" : "FAIL"}</span>
            <span class="code">{shown(step.rule)}</span>
            <span>{shown(step.detail)}</span>
          </li>
        ))}
      </ol>
      <Lines title="Would be accepted" lines={[...accepted, ...remedies]} />
      <Lines title="Looks alike, and does not cover it" lines={nearMisses} />
      <Lines title="Exemptions" lines={exemptions} />
      <Lines title="Notes" lines={notes} />
    </>
  );
}

function Lines({ title, lines }: { title: string; lines: string[] }) {
  if (lines.length === 0) return null;
  return (
    <div>
      <h3>{title}</h3>
      <ul>
        {lines.map((line) => (
          <li key={line}>{shown(line)}</li>
        ))}
      </ul>
    </div>
  );
}

/** Names and what they stand for; those without a value are left out. */
export function Facts({ facts }: { facts: readonly (readonly [string, string | null | undefined])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) =>
        value ? (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{shown(value)}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}
