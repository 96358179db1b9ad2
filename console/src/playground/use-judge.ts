/** The verdict on what is written, a moment after the last key. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Fault } from "../api.js";
import { begin } from "./begin.js";
import type { Judged, Question } from "./engine.js";
import { Judge, type Outcome } from "./judge.js";
import type { Content } from "./permalink.js";
import { placed } from "./verdict.js";

/** The pause after a key. */
const PAUSE_MILLISECONDS = 150;

export interface Hearing {
  judged: Judged | null;
  fault: Fault | null;
  /** Whether that is of an older text. */
  isLate: boolean;
  again: () => void;
}

export function useJudge(content: Content): Hearing {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [tries, setTries] = useState(0);
  const [contents] = useState(() => new WeakMap<Question, Content>());
  const judge = useRef<Judge | null>(null);
  useEffect(() => {
    judge.current = new Judge(begin, (outcome) => setOutcome(withPlaces(outcome)));
    return () => judge.current?.end();
  }, []);
  useEffect(() => {
    const asking = setTimeout(() => {
      const question = questionOf(content, Date.now());
      contents.set(question, content);
      judge.current?.ask(question);
    }, PAUSE_MILLISECONDS);
    return () => clearTimeout(asking);
  }, [content, contents, tries]);
  return {
    judged: outcome?.judged ?? null,
    fault: outcome?.fault ?? null,
    isLate: outcome === null || contents.get(outcome.of) !== content,
    again: () => {
      setOutcome(null);
      setTries(tries + 1);
    },
  };
}

function withPlaces(outcome: Outcome): Outcome {
  const { of, judged } = outcome;
  if (!judged?.report) return outcome;
  const findings = placed(of.manifest, judged.report.findings);
  return { ...outcome, judged: { ...judged, report: { ...judged.report, findings } } };
}

function questionOf(content: Content, milliseconds: number): Question {
  // Half a character is no text, and no JSON either.
  const whole = (text: string) => text.replace(/\p{Cs}/gu, "\ufffd");
  return {
    policy: whole(content.policy),
    manifest: whole(content.manifest),
    namespace: whole(content.namespace),
    user: whole(content.user),
    groups: content.groups.map(whole),
    now: Math.floor(milliseconds / 1_000),
  };
}
