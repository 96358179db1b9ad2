/** What becomes of each image, and why. */

import { useState } from "preact/hooks";
import { Facts, Reasons } from "../reasons.js";
import { counted, shown } from "../words.js";
import type { Finding, Judged, Report, Spot, Trouble } from "./engine.js";
import { doubt, inOrder } from "./verdict.js";

/** Findings that are shown at first, and by how many more at a time. */
const STEP = 50;

const WORDS: Record<Finding["decision"], string> = {
  deny: "denied",
  warn: "warned",
  audit: "logged",
  exempt: "exempt",
  allow: "admitted",
};

interface FindingsProps {
  report: Report;
  more: Judged["more"];
  explanations: Judged["explanations"];
  show: (spot: Spot, isFocused: boolean) => void;
}

export function FindingsOf({ report, more, explanations, show }: FindingsProps) {
  const { findings, troubles, notJudged = [] } = report;
  const [most, setMost] = useState(STEP);
  const order = inOrder(findings);
  return (
    <>
      <Troubles troubles={troubles} more={more.troubles} show={show} />
      <ol class="decisions">
        {order.slice(0, most).map((index) => {
          const finding = findings[index];
          if (!finding) return null;
          const explanation = explanations.find((each) => each.finding === index);
          const isAlone = findings.length === 1;
          return (
            <li key={`${index} ${isAlone}`}>
              <Entry index={index} finding={finding} explanation={explanation} isAlone={isAlone} show={show} />
            </li>
          );
        })}
      </ol>
      {order.length > most && (
        <button type="button" class="more" onClick={() => setMost(most + STEP)}>
          Show {Math.min(STEP, order.length - most)} more of {order.length - most}
        </button>
      )}
      <Troubles
        isNote
        troubles={notJudged.map((each) => ({ ...each, message: doubt(each) }))}
        more={more.notJudged}
        show={show}
      />
      {more.findings > 0 && (
        <p class="gap">
          {counted(more.findings, "image")} more {more.findings === 1 ? "is" : "are"} counted above and not listed here:
          imagegate check in a terminal has no such limit.
        </p>
      )}
    </>
  );
}

interface TroublesProps {
  troubles: (Spot & Pick<Trouble, "message" | "hint">)[];
  more: number;
  isNote?: boolean;
  show: FindingsProps["show"];
}

function Troubles({ troubles, more, isNote = false, show }: TroublesProps) {
  if (troubles.length === 0) return null;
  const left = Math.max(troubles.length - STEP, 0) + more;
  const style = isNote ? "is-note" : undefined;
  return (
    <ul class="problems">
      {troubles.slice(0, STEP).map((trouble, index) => (
        <li key={index} class={style}>
          <strong>
            <PlaceLink spot={trouble} show={show} /> {shown(trouble.message)}
          </strong>
          {trouble.hint && <span>{shown(trouble.hint)}</span>}
        </li>
      ))}
      {left > 0 && <li class={style}>and {counted(left, "place")} more</li>}
    </ul>
  );
}

/** Leads to a place in the text. */
function PlaceLink({ spot, show }: { spot: Spot; show: FindingsProps["show"] }) {
  if (spot.line === undefined) return null;
  return (
    <button type="button" class="link" onClick={() => show(spot, true)}>
      Line {spot.line}
    </button>
  );
}

interface EntryProps {
  index: number;
  finding: Finding;
  explanation: Judged["explanations"][number] | undefined;
  isAlone: boolean;
  show: FindingsProps["show"];
}

function Entry({ index, finding, explanation, isAlone, show }: EntryProps) {
  const [isOpen, setOpen] = useState(isAlone);
  const id = `finding-${index}`;
  const { decision, image, kind, name, container, rule, line, message } = finding;
  const turn = () => {
    setOpen(!isOpen);
    if (!isOpen) show(finding, false);
  };
  return (
    <article class={`decision finding is-${decision}`}>
      <button type="button" aria-expanded={isOpen} aria-controls={id} onClick={turn}>
        <span class="word">{WORDS[decision]}</span>
        <span class="image code">{image === null ? "no image" : shown(image)}</span>
        <span class="rule">{shown(rule ?? "")}</span>
        <span class="place">
          {name && <b>{shown(name)}</b>} {shown([kind, container].filter(Boolean).join(", "))}
        </span>
        <span class="time">{line === undefined ? "" : `line ${line}`}</span>
      </button>
      {isOpen && (
        <div id={id} class="explanation">
          <div class="why">
            {message !== undefined && <p class="message">{shown(message)}</p>}
            {finding.hint && <p>{shown(finding.hint)}</p>}
            {explanation && <Reasons reasoning={explanation} />}
          </div>
          <div>
            <Facts facts={factsOf(finding)} />
            <PlaceLink spot={finding} show={show} />
          </div>
        </div>
      )}
    </article>
  );
}

function factsOf(finding: Finding): [string, string | undefined][] {
  const { kind, name, namespace, container, field, reference, mode, override, exemption } = finding;
  const tag = reference?.tag ? `:${reference.tag}` : "";
  const digest = reference?.digest ? `@${reference.digest}` : "";
  return [
    ["Object", [kind, name].filter(Boolean).join(" ")],
    ["Namespace", namespace],
    ["Container", container],
    ["Field", field],
    ["In full", reference && `${reference.registry}/${reference.repository}${tag}${digest}`],
    ["Mode", mode],
    ["Override", override],
    ["Exemption", exemption && `${exemption.name}: ${exemption.reason}`],
  ];
}
