/** The last decisions, as they come. */

import { useState } from "preact/hooks";
import type { Decision, Gap, Item, Note } from "../api.js";
import { Empty } from "../state.js";
import { clock, counted, shown } from "../words.js";
import { ExplanationOf } from "./explanation.js";

/** Decisions that are shown at first, and by how many more at a time. */
const STEP = 20;

type Choice = "denied" | "all";

function isDecision(item: Item): item is Decision {
  return "decision" in item;
}

export function DecisionList({ items, fault }: { items: Item[]; fault: string | null }) {
  const [choice, setChoice] = useState<Choice>("denied");
  const [most, setMost] = useState(STEP);
  const wanted = items.filter((item) => choice === "all" || !isDecision(item) || item.decision === "deny");
  const latest = wanted.slice(-most).reverse();
  return (
    <>
      <div class="head">
        <h2 id="decisions">Last decisions</h2>
        <fieldset class="choice">
          <legend class="hidden">Which decisions are shown</legend>
          <Chosen choice="denied" chosen={choice} choose={setChoice} label="Denied" />
          <Chosen choice="all" chosen={choice} choose={setChoice} label="Warned, exempt and flipped too" />
        </fieldset>
      </div>
      {fault && <p class="gap">no replica tells its decisions at the moment: {shown(fault)}</p>}
      {latest.length === 0 ? (
        <Empty title={choice === "denied" ? "Nothing was denied" : "Nothing to show"}>
          The replicas keep their last 1,024 decisions that were no plain admissions; new ones appear here by
          themselves.
        </Empty>
      ) : (
        <ol class="decisions" reversed>
          {latest.map((item) => (
            <li key={item.number}>{isDecision(item) ? <Entry decision={item} /> : <Break item={item as Gap | Note} />}</li>
          ))}
        </ol>
      )}
      {wanted.length > most && (
        <button type="button" class="more" onClick={() => setMost(most + STEP)}>
          Show {Math.min(STEP, wanted.length - most)} more of {wanted.length - most}
        </button>
      )}
    </>
  );
}

interface ChosenProps {
  choice: Choice;
  chosen: Choice;
  choose: (choice: Choice) => void;
  label: string;
}

function Chosen({ choice, chosen, choose, label }: ChosenProps) {
  return (
    <label>
      <input type="radio" name="choice" checked={choice === chosen} onChange={() => choose(choice)} />
      <span>{label}</span>
    </label>
  );
}

/** What is missing between two decisions, or became of a connection. */
function Break({ item }: { item: Gap | Note }) {
  return <p class="gap">{shown("gap" in item ? item.gap.message : item.note)}</p>;
}

const WORDS: Record<string, string> = {
  deny: "denied",
  warn: "warned",
  audit: "logged",
  exempt: "exempt",
  allow: "flip",
};

function Entry({ decision }: { decision: Decision }) {
  const [isOpen, setOpen] = useState(false);
  const { at, namespace = "", owner = "", image = "", rule, user = "", violations = 0 } = decision;
  const word = decision.decision ?? "";
  const place = owner.replace("/", " ");
  const id = `decision-${decision.number}`;
  return (
    <article class={`decision is-${word}`}>
      <button type="button" aria-expanded={isOpen} aria-controls={id} onClick={() => setOpen(!isOpen)}>
        <span class="time">{at ? clock(Date.parse(at) / 1000) : "–"}</span>
        <span class="word">{WORDS[word] ?? shown(word)}</span>
        <span class="image code">{shown(image)}</span>
        <span class="rule">{shown(rule ?? decision.candidateRule ?? "")}</span>
        <span class="place">
          {namespace && <b>{shown(namespace)}</b>} {shown(place)}
        </span>
        <span class="by">{user && `by ${shown(user)}`}</span>
        {violations > 1 && <span class="tag">{counted(violations, "image")}</span>}
        {decision.dryRun && <span class="tag">dry run</span>}
      </button>
      {isOpen && (
        <div id={id}>
          <ExplanationOf decision={decision} />
        </div>
      )}
    </article>
  );
}
