/** The policies before the present one, each with a way back. */

import type { Policy, Revision } from "../api.js";
import { moment, shown } from "../words.js";

interface HistoryProps {
  policy: Policy;
  /** By the position among those that are kept. */
  goBack: (revision: number, hash: string) => void;
}

export function HistoryOf({ policy, goBack }: HistoryProps) {
  const { history, locked, resourceVersion } = policy;
  if (resourceVersion === null) return null;
  return (
    <section class="card" aria-labelledby="history">
      <h2 id="history">History</h2>
      {history.length < 2 ? (
        <p class="quiet">
          No policy before this one is kept. The last ten that are replaced here, or by kubectl imagegate, will be.
        </p>
      ) : (
        <ol class="history">
          {history.map((revision, index) => (
            <li key={index}>
              <span class="code">{shown(revision.policyHash)}</span>
              <span class="quiet">{revision.until === null ? "now" : `until ${moment(revision.until)}`}</span>
              <span class="what">{what(revision)}</span>
              {index > 0 && !locked && (
                <button type="button" onClick={() => goBack(index - 1, revision.policyHash)}>
                  Go back<span class="hidden"> to {shown(revision.policyHash)}</span>…
                </button>
              )}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** What it changed, in one line. */
function what({ changes, changesLeftOut, loosens, candidateHash }: Revision): string {
  const more = changesLeftOut > 0 ? `; ${changesLeftOut} more` : "";
  const text = changes.length > 0 ? `${changes.map(shown).join("; ")}${more}${loosens ? " (loosens)" : ""}` : "";
  const candidate = candidateHash === "none" ? "" : `candidate ${shown(candidateHash)}`;
  return [text, candidate].filter(Boolean).join(" · ");
}
