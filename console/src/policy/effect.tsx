/** What an edit would do: the difference in words, and the images and namespaces that it hits. */

import { useMemo } from "preact/hooks";
import type { Checked, Effect, Fault, Hit, Hits, Newly, Wrong } from "../api.js";
import { Bar, Empty, Loading } from "../state.js";
import { counted, moment, shown } from "../words.js";

interface EffectProps {
  checked: Checked | null;
  fault: Fault | null;
  isLate: boolean;
  isNew: boolean;
}

export function EffectOf({ checked, fault, isLate, isNew }: EffectProps) {
  // A key makes what is shown late, and draws nothing of it anew.
  const does = useMemo(
    () => checked && (checked.isValid ? <Does checked={checked} /> : <Problems problems={checked.problems} />),
    [checked],
  );
  if (fault) {
    return (
      <div class="empty" role="alert">
        <strong>{shown(fault.message)}</strong>
        {fault.hint && <p>{shown(fault.hint)}</p>}
        <p>It is tried again every few seconds.</p>
      </div>
    );
  }
  if (!isNew) {
    return (
      <Empty title="Nothing is changed yet">
        Edit the text: what it would change, and which images it would newly refuse or admit, appears here as you type.
      </Empty>
    );
  }
  if (!checked) return <Loading label="Judging what is in use" />;
  return (
    <div class={isLate ? "is-late" : undefined}>
      <p class="hidden" role="status">
        {isLate ? "" : inOneLine(checked)}
      </p>
      {does}
    </div>
  );
}

/** For whoever hears it. */
export function inOneLine(checked: Checked): string {
  if (!checked.isValid) return `${counted(checked.problems.length, "problem")}`;
  const hits = checked.effects.flatMap(({ hits }) => (hits ? [hits] : []));
  const sum = (of: (hits: Hits) => Newly) => hits.reduce((sum, each) => sum + of(each).images, 0);
  const [denied, admitted] = [sum((each) => each.newlyDenied), sum((each) => each.newlyAdmitted)];
  return `Valid. ${counted(denied, "image")} newly denied, ${counted(admitted, "image")} newly admitted.`;
}

function Problems({ problems }: { problems: Wrong[] }) {
  return (
    <>
      <h3 class="is-wrong">It is not valid</h3>
      <ul class="problems">
        {problems.map((problem, index) => (
          <li key={index}>
            <strong>
              <span class="code">{placeOf(problem)}</span> {shown(problem.message)}
            </strong>
            {problem.hint && <span>{shown(problem.hint)}</span>}
          </li>
        ))}
      </ul>
    </>
  );
}

function placeOf({ document, line, column, path }: Wrong): string {
  const place = line === null ? document : `${document}:${line}:${column ?? 1}`;
  return path ? `${shown(place)} ${shown(path)}` : shown(place);
}

/** The same in the panel and in the dialog that asks for a confirmation. */
export function Does({ checked }: { checked: Checked }) {
  const { effects, candidate, warnings, gaps, fault, isSame, policyHash } = checked;
  return (
    <>
      {isSame ? (
        <p>This is what is in force.</p>
      ) : (
        effects.every(({ of }) => of !== "policy") && (
          <p>
            The policy stays <span class="code">{shown(policyHash ?? "")}</span>.
          </p>
        )
      )}
      {effects.map((effect) => (
        <One key={effect.of} effect={effect} />
      ))}
      {candidate && CANDIDATE[candidate] && <p>{CANDIDATE[candidate]}</p>}
      {warnings.map((warning, index) => (
        <p key={index} class="gap">
          {placeOf(warning)}: {shown(warning.message)}
        </p>
      ))}
      {fault && (
        <p class="gap" role="alert">
          Whom it hits is not known: {shown(fault.message)}
        </p>
      )}
      {gaps.map((gap) => (
        <p key={gap} class="gap">
          {shown(gap)}
        </p>
      ))}
    </>
  );
}

const CANDIDATE: Partial<Record<string, string>> = {
  begins: "A candidate goes on trial.",
  ends: "The candidate goes.",
  changes: "The candidate changes.",
};

function One({ effect }: { effect: Effect }) {
  const { of, oldHash, newHash, changes, changesLeftOut, changesLeftOutLoosening, hits } = effect;
  return (
    <div class="effect">
      <h3>
        {of === "candidate" ? (
          <>
            If the candidate <span class="code">{shown(newHash)}</span> were promoted
          </>
        ) : oldHash === null ? (
          <>
            The policy was not valid, and would be <span class="code">{shown(newHash)}</span>
          </>
        ) : (
          <>
            From <span class="code">{shown(oldHash)}</span> to <span class="code">{shown(newHash)}</span>
          </>
        )}
      </h3>
      <ul class="changes">
        {changes.map(({ text, loosens }) => (
          <li key={text} class={loosens ? "is-loose" : undefined}>
            <span class="code">{shown(text)}</span>
            {loosens && <span class="tag">loosens</span>}
          </li>
        ))}
        {changesLeftOut > 0 && (
          <li class="quiet">
            and {counted(changesLeftOut, "more change")}
            {changesLeftOutLoosening > 0 && `, of which ${changesLeftOutLoosening} loosen`}
          </li>
        )}
      </ul>
      {hits && <Hit hits={hits} />}
    </div>
  );
}

function Hit({ hits }: { hits: Hits }) {
  const { judged, newlyDenied, newlyAdmitted, byLabels } = hits;
  return (
    <>
      {newlyDenied.images + newlyAdmitted.images === 0 ? (
        <p class="nobody">Nothing that is in use is hit.</p>
      ) : (
        <>
          <These newly={newlyDenied} word="newly be denied" kind="deny" />
          <These newly={newlyAdmitted} word="newly be admitted" kind="allow" />
        </>
      )}
      {byLabels > 0 && (
        <p class="gap">
          {counted(byLabels, "image")} may be decided otherwise, by labels that the replicas do not remember
        </p>
      )}
      <p class="quiet">
        Judged anew: what runs, and {counted(judged.uses, "use")} of {counted(judged.images, "image")} that the replicas
        remember.
      </p>
    </>
  );
}

function These({ newly, word, kind }: { newly: Newly; word: string; kind: "deny" | "allow" }) {
  const { images, rows, namespaces, allNamespaces } = newly;
  if (images === 0) return null;
  const most = namespaces[0]?.images ?? 1;
  return (
    <div class={`hits is-${kind}`}>
      <h4>
        {counted(images, "image")} would {word}, in {counted(allNamespaces, "namespace")}
      </h4>
      <ul class="bars">
        {namespaces.slice(0, 5).map(({ namespace, images }) => (
          <li key={namespace}>
            <span class="name code">{shown(namespace) || "(none)"}</span>
            <span class="count">{images}</span>
            <Bar share={images / most} />
          </li>
        ))}
      </ul>
      <ul class="rows-of-hits" tabIndex={0} aria-label={`Images that would ${word}`}>
        {rows.map((row, index) => (
          <Row key={index} row={row} />
        ))}
        {images > rows.length && <li class="quiet">and {counted(images - rows.length, "more image")}</li>}
      </ul>
    </div>
  );
}

function Row({ row }: { row: Hit }) {
  const { image, runs, count, lastSeen, owners, moreOwners, rule } = row;
  const often = runs ? counted(count, "Pod") : count === 1 ? "once" : `${count} times`;
  return (
    <li>
      <span class="code">{image === null ? "(no image)" : shown(image)}</span>
      <span class="quiet">
        {rule && `${shown(rule)} · `}
        {runs ? (count === 0 ? "no Pod of it runs" : `runs in ${often}`) : `seen ${often}${lastSeen ? `, last ${moment(lastSeen)}` : ""}`}
        {owners.length > 0 && ` · ${owners.map(shown).join(", ")}`}
        {moreOwners > 0 && ` and ${moreOwners} more`}
      </span>
    </li>
  );
}
