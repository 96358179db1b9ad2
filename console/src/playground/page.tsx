/** The playground: a manifest, a policy, and what the one becomes by the other. */

import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import type { Fault } from "../api.js";
import { Frame, type Revealed } from "../editor/frame.js";
import { Empty, Loading, State } from "../state.js";
import { shown } from "../words.js";
import type { Spot } from "./engine.js";
import { EXAMPLES, POLICY } from "./examples.js";
import { FindingsOf } from "./findings.js";
import { Header } from "./header.js";
import { contentOf, type Content } from "./permalink.js";
import { Problems } from "./problems.js";
import { Share } from "./share.js";
import { useJudge, type Hearing } from "./use-judge.js";
import { groupsOf, marksOf, verdictOf } from "./verdict.js";

const NOTHING: Content = { policy: POLICY, manifest: "", namespace: "default", user: "", groups: [] };
/** What the console puts in place of a policy that it cannot read. */
const NO_POLICY = "#no-policy";
const NOT_IN_FORCE = "The policy in force could not be handed over: this one is an example.";
const FROM_LINK = "Manifest and policy are those of the link that led here.";

/** What the page begins with. */
interface Start {
  content: Content;
  note: string | null;
  fault: Fault | null;
}

export function Playground() {
  const [start, setStart] = useState<Start | null>(null);
  useEffect(() => {
    const read = async () => {
      if (location.hash === NO_POLICY) {
        setStart({ content: NOTHING, note: NOT_IN_FORCE, fault: null });
        return;
      }
      const content = await contentOf(location.hash.slice(1));
      if (content === null) setStart({ content: NOTHING, note: null, fault: null });
      else if ("message" in content) setStart({ content: NOTHING, note: null, fault: content });
      else setStart({ content, note: FROM_LINK, fault: null });
    };
    void read();
    // Another link, put into the address bar.
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  return (
    <>
      <Header />
      <main id="main" tabIndex={-1}>
        {start ? <Trying start={start} /> : <Loading label="Reading the link" />}
      </main>
      <footer>
        <p>
          All of it happens in this page: what you write here is sent to nobody, and a link has it behind the #, which
          browsers keep to themselves. <a href="licences.txt">Licences</a>,{" "}
          <a href="editor.licences.txt">those of the editor</a>.
        </p>
      </footer>
    </>
  );
}

function Trying({ start }: { start: Start }) {
  const [content, setContent] = useState(start.content);
  const [groups, setGroups] = useState("");
  /** Texts that are not typed: from a link, or an example. */
  const [given, setGiven] = useState(0);
  const [note, setNote] = useState<string | null>(null);
  const [revealed, setRevealed] = useState<Revealed | null>(null);
  const [shownInPolicy, setShownInPolicy] = useState<Revealed | null>(null);
  useEffect(() => {
    setContent(start.content);
    setGroups(start.content.groups.join(", "));
    setNote(start.note);
    setGiven((given) => given + 1);
  }, [start]);
  const edit = useCallback((change: Partial<Content>) => setContent((content) => ({ ...content, ...change })), []);
  const editPolicy = useCallback((policy: string) => edit({ policy }), [edit]);
  const editManifest = useCallback((manifest: string) => edit({ manifest }), [edit]);
  const begin = (manifest: string) => {
    edit({ manifest });
    setNote(null);
    setGiven(given + 1);
  };
  const show = useCallback((spot: Spot, isFocused: boolean) => {
    if (spot.line !== undefined) setRevealed({ line: spot.line, column: spot.column ?? null, isFocused });
  }, []);

  const hearing = useJudge(content);
  const { judged, isLate } = hearing;
  const report = judged?.report ?? null;
  const marks = useMemo(() => (isLate ? null : report ? marksOf(report) : []), [report, isLate]);
  const policyMarks = useMemo(() => {
    if (isLate || !judged) return isLate ? null : [];
    const warnings = judged.policy.warnings.map((each) => ({ ...each, severity: "warning" as const }));
    return [...judged.policy.problems, ...warnings];
  }, [judged, isLate]);

  return (
    <>
      {start.fault && <State trouble={start.fault} />}
      <Headline content={content} hearing={hearing} />
      {note && <p class="gap note">{note}</p>}
      <div class="texts">
        <section class="card" aria-labelledby="manifest">
          <div class="head">
            <h2 id="manifest">Image or manifest</h2>
            <span class="grow" />
            <Examples begin={begin} />
          </div>
          <Frame
            text={content.manifest}
            generation={`${given}`}
            label="Image or manifest"
            language="manifest"
            marks={marks}
            revealed={revealed}
            changed={editManifest}
          />
          <div class="filters">
            <Field label="Namespace" value={content.namespace} changed={(namespace) => edit({ namespace })} />
            <Field label="User" value={content.user} hint="anybody" changed={(user) => edit({ user })} />
            <Field
              label="Groups"
              value={groups}
              hint="with commas"
              changed={(text) => {
                setGroups(text);
                edit({ groups: groupsOf(text) });
              }}
            />
          </div>
        </section>
        <section class="card" aria-labelledby="policy">
          <div class="head">
            <h2 id="policy">Policy</h2>
            <span class="grow" />
            {judged?.policy.hash && <span class="tag code">{shown(judged.policy.hash)}</span>}
          </div>
          <Frame
            text={content.policy}
            generation={`${given}`}
            label="Policy"
            language="policy"
            marks={policyMarks}
            revealed={shownInPolicy}
            changed={editPolicy}
          />
          {judged && (
            <Problems
              problems={judged.policy.problems}
              warnings={judged.policy.warnings}
              show={(spot) => setShownInPolicy({ ...spot, isFocused: true })}
            />
          )}
          <p id="editor-keys" class="quiet">
            Ctrl-Space shows what may stand here. Tab indents; Escape, then Tab, leaves an editor.
          </p>
        </section>
      </div>
      <section class="card" aria-labelledby="images" aria-busy={isLate}>
        <h2 id="images">Images</h2>
        <Result manifest={content.manifest} hearing={hearing} show={show} />
      </section>
    </>
  );
}

interface ResultProps {
  manifest: string;
  hearing: Hearing;
  show: (spot: Spot, isFocused: boolean) => void;
}

function Result({ manifest, hearing, show }: ResultProps) {
  const { judged, fault, isLate, again } = hearing;
  if (fault) {
    return (
      <div class="empty" role="alert">
        <strong>{shown(fault.message)}</strong>
        {fault.hint && <p>{shown(fault.hint)}</p>}
        <button type="button" onClick={again}>
          Try again
        </button>
      </div>
    );
  }
  if (!judged) return <Loading label="Loading the engine" />;
  const { report, more, explanations } = judged;
  if (!report) {
    return <Empty title="Nothing is judged by a policy that is not valid">Its problems stand below its text.</Empty>;
  }
  if (manifest.trim() === "") {
    return (
      <Empty title="Nothing to judge yet">
        Paste an image, a Pod, a Deployment, or all that helm template writes: what the gate would say of each image
        appears here, with the reason and the place.
      </Empty>
    );
  }
  return (
    <div class={isLate ? "is-late" : undefined}>
      <FindingsOf report={report} more={more} explanations={explanations} show={show} />
      {report.findings.length === 0 && report.troubles.length === 0 && (
        <Empty title="There is no image in this">Objects without containers are none of the gate's business.</Empty>
      )}
    </div>
  );
}

function Headline({ content, hearing }: { content: Content; hearing: Hearing }) {
  const { judged, fault, isLate } = hearing;
  const verdict = verdictOf(content.manifest, judged, fault);
  const counts = verdict?.counts.join(" · ") ?? "";
  return (
    <div class="headline">
      <h1 class={`verdict is-${verdict?.tone ?? "quiet"}`}>
        {verdict?.words ?? "Judge an image by a policy"}
        {counts && <span class="counts">{counts}</span>}
      </h1>
      <p class="hidden" role="status">
        {!isLate && verdict && `${verdict.words}. ${counts}`}
      </p>
      <Share content={content} />
    </div>
  );
}

function Examples({ begin }: { begin: (manifest: string) => void }) {
  return (
    <div class="examples" role="group" aria-labelledby="examples">
      <span id="examples" class="quiet">
        Examples:
      </span>
      {EXAMPLES.map(({ label, manifest }) => (
        <button key={label} type="button" class="link" onClick={() => begin(manifest)}>
          {label}
        </button>
      ))}
    </div>
  );
}

interface FieldProps {
  label: string;
  value: string;
  hint?: string;
  changed: (value: string) => void;
}

function Field({ label, value, hint = "", changed }: FieldProps) {
  return (
    <label>
      <span>{label}</span>
      <input
        type="text"
        value={value}
        placeholder={hint}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => changed(event.currentTarget.value)}
      />
    </label>
  );
}
