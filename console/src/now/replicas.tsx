/** What each replica says of itself, and whether they agree. */

import type { Replica } from "../api.js";
import { Empty } from "../state.js";
import { counted, days, moment, shown, whole } from "../words.js";

/** A certificate that ends within so many days is a problem, as `status` has it. */
export const SOON_DAYS = 14;

/** Loud where replicas enforce different policies: the same Pod is then admitted or refused by chance. */
export function Agreement({ replicas }: { replicas: Replica[] }) {
  const byHash = new Map<string, string[]>();
  for (const { name, policyHash } of replicas) {
    if (policyHash) byHash.set(policyHash, [...(byHash.get(policyHash) ?? []), name]);
  }
  if (byHash.size < 2) return null;
  return (
    <div class="disagree" role="alert">
      <h2>The replicas do not enforce the same policy</h2>
      <p>The same Pod is admitted or refused by chance, until they agree.</p>
      <ul>
        {[...byHash].map(([hash, names]) => (
          <li key={hash}>
            <code>{shown(hash)}</code> {names.map(shown).join(", ")}
          </li>
        ))}
      </ul>
    </div>
  );
}

export function ReplicaTable({ replicas, at }: { replicas: Replica[]; at: number }) {
  if (replicas.length === 0) return <Empty title="No replicas">No Pod of the gate was found.</Empty>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-labelledby="replicas">
      <table class="replicas">
        <thead>
          <tr>
            <th scope="col">Replica</th>
            <th scope="col">Policy</th>
            <th scope="col">Generation</th>
            <th scope="col">In force since</th>
            <th scope="col">Candidate</th>
            <th scope="col">Certificate</th>
            <th scope="col">Allowed</th>
            <th scope="col">Denied</th>
            <th scope="col">Version</th>
          </tr>
        </thead>
        <tbody>
          {replicas.map((replica) => (
            <Row key={replica.name} replica={replica} at={at} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ replica, at }: { replica: Replica; at: number }) {
  if (replica.error !== undefined) {
    return (
      <tr class="is-lost">
        <th scope="row">{shown(replica.name)}</th>
        <td colSpan={8}>
          <strong>does not answer:</strong> {shown(replica.error)}
        </td>
      </tr>
    );
  }
  const { policyHash, mode, generation, appliedAt, failingSince, candidate, certificateNotAfter } = replica;
  const left = certificateNotAfter ? days(at, certificateNotAfter) : null;
  return (
    <tr>
      <th scope="row">
        {shown(replica.name)}
        {replica.ready === false && <span class="tag is-wrong">not ready</span>}
        {(replica.restarts ?? 0) > 0 && <span class="tag">{counted(replica.restarts ?? 0, "restart")}</span>}
      </th>
      <td data-label="Policy">
        {policyHash ? <code>{shown(policyHash)}</code> : <span class="tag is-wrong">no valid policy</span>}
        {mode && mode !== "enforce" && <span class="tag">{shown(mode)}</span>}
        {failingSince && <span class="tag is-wrong">edit refused</span>}
      </td>
      <td data-label="Generation">{generation}</td>
      <td data-label="In force since">{moment(appliedAt ?? null)}</td>
      <td data-label="Candidate">
        {candidate ? (
          <span title={`${whole(candidate.evaluated)} evaluated`}>
            {whole(candidate.flippedToDeny)} would be denied, {whole(candidate.flippedToAllow)} allowed
          </span>
        ) : (
          "–"
        )}
      </td>
      <td data-label="Certificate" class={left !== null && left <= SOON_DAYS ? "is-wrong" : undefined}>
        {left === null ? "–" : left < 0 ? "expired" : counted(left, "day")}
      </td>
      <td data-label="Allowed">{replica.counted ? whole(replica.counted.allowed) : "–"}</td>
      <td data-label="Denied">{replica.counted ? whole(replica.counted.denied) : "–"}</td>
      <td data-label="Version">{shown(replica.version ?? "–")}</td>
    </tr>
  );
}
