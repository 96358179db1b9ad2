/** The policy: what is in force, what an edit of it would do, and the edit itself. */

import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { ask, check, Unanswered, type Change, type Checked, type Fault, type Policy, type Wanted } from "../api.js";
import { usePolling } from "../poll.js";
import { Loading, State } from "../state.js";
import { shown } from "../words.js";
import { Confirmation } from "./confirmation.js";
import { Drafts, type Document } from "./drafts.js";
import { EffectOf } from "./effect.js";
import { ExemptionForm, wishOf } from "./exemption.js";
import { Frame } from "../editor/frame.js";
import { HistoryOf } from "./history.js";
import { Newest, unlessLate } from "./newest.js";
import { OnItsWay } from "./way.js";

const AGAIN_MILLISECONDS = 15_000;
/** The pause after a key before anybody is asked. */
const PAUSE_MILLISECONDS = 200;
/** The pause before a check that got no answer is tried again. */
const RETRY_MILLISECONDS = 3_000;

const DROP = { title: "Take the candidate away?", yes: "Yes, take it away", wanted: { candidate: "" } };
const PROMOTE = {
  title: "Make the candidate the policy in force?",
  yes: "Yes, put it in force",
  wanted: "promote" as const,
};

const drafts = new Drafts(storage());

export function PolicyPage() {
  const [policy, setPolicy] = useState<Policy | null>(null);
  const once = useCallback(async () => setPolicy(await ask<Policy>("/api/policy")), []);
  const trouble = usePolling(once, AGAIN_MILLISECONDS);
  return (
    <div class={trouble ? "is-old" : undefined}>
      {trouble && <State trouble={{ message: trouble.message, hint: trouble.hint }} />}
      {policy ? <Editing policy={policy} again={once} /> : !trouble && <Loading label="Reading the policy" />}
    </div>
  );
}

/** A browser may be told to keep nothing. */
function storage(): Storage | null {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

function originalOf(policy: Policy, document: Document): string {
  return document === "policy" ? policy.text : (policy.candidate ?? "");
}

/** The text of a new candidate: the policy in force, to be changed. */
function beginning(policy: Policy, document: Document): string {
  return originalOf(policy, document) || policy.text;
}

function Editing({ policy, again }: { policy: Policy; again: () => Promise<void> }) {
  const [document, setDocument] = useState<Document>("policy");
  const original = originalOf(policy, document);
  const [, redraw] = useState(0);
  const [drops, setDrops] = useState(0);
  const kept = drafts.get(document);
  const isTouched = kept !== undefined && kept.text !== kept.original;
  const text = isTouched ? kept.text : beginning(policy, document);
  const isOvertaken = isTouched && kept.original !== beginning(policy, document);
  const edit = useCallback(
    (text: string) => {
      const before = drafts.get(document);
      const from = before && before.text !== before.original ? before.original : beginning(policy, document);
      drafts.set(document, { text, original: from });
      redraw((count) => count + 1);
    },
    [document, policy],
  );
  const drop = () => {
    drafts.delete(document);
    setDrops(drops + 1);
  };

  const wanted = useMemo((): Wanted => (document === "policy" ? { policy: text } : { candidate: text }), [document, text]);
  const isNew = text !== original;
  const { checked, fault, isLate } = useCheck(policy, wanted, isNew);
  // The same as long as the answer is, so that a key draws nothing anew but itself.
  const marks = useMemo(
    () => (checked && !isLate ? checked.problems.filter(({ document: of }) => isIn(of, document)) : null),
    [checked, isLate, document],
  );
  const effect = useMemo(
    () => <EffectOf checked={isNew ? checked : null} fault={fault} isLate={isLate} isNew={isNew} />,
    [checked, fault, isLate, isNew],
  );
  const [isCompared, setCompared] = useState(false);
  const [asked, setAsked] = useState<{ title: string; yes: string; wanted: Wanted } | null>(null);
  const [change, setChange] = useState<Change | null>(null);
  const [wish, setWish] = useState(() => wishOf(location.hash));
  const forget = () => {
    setWish(null);
    history.replaceState(null, "", "#policy");
  };
  const isReady = isNew && checked?.isValid === true && !checked.isSame && !isLate && policy.locked === null;

  return (
    <>
      <h1 class="verdict">
        {policy.policyHash === null ? (
          <span class="is-wrong">The policy in the ConfigMap is not valid</span>
        ) : (
          <>
            The policy in force is <span class="code">{shown(policy.policyHash)}</span>
          </>
        )}
      </h1>
      {policy.locked && <Locked fault={policy.locked} />}
      {policy.notes.map((note) => (
        <p key={note} class="gap">
          {shown(note)}
        </p>
      ))}
      <OnItsWay latest={change ?? policy.change} ended={again} />
      {wish && document === "policy" && (
        <ExemptionForm
          wish={wish}
          token={policy.token}
          text={text}
          close={forget}
          written={(text) => {
            edit(text);
            setDrops(drops + 1);
            forget();
          }}
        />
      )}
      <div class={`editing ${isCompared ? "is-compared" : ""}`}>
        <section class="card" aria-label="The text">
          <div class="head">
            <div class="choice" role="group" aria-label="What is edited">
              {(["policy", "candidate"] as const).map((each) => (
                <label key={each}>
                  <input type="radio" name="document" checked={each === document} onChange={() => setDocument(each)} />
                  <span>{each === "policy" ? "Policy" : policy.candidate === null ? "New candidate" : "Candidate"}</span>
                </label>
              ))}
            </div>
            <span class="grow" />
            <button type="button" aria-pressed={isCompared} onClick={() => setCompared(!isCompared)}>
              Compare with the policy in force
            </button>
            <button type="button" disabled={!isTouched} onClick={drop}>
              Start over
            </button>
          </div>
          {isOvertaken && (
            <p class="gap" role="alert">
              Somebody else has changed it since you began. Your text is still here, and nothing is overwritten.{" "}
              <button type="button" class="link" onClick={drop}>
                Take what is there now
              </button>
            </p>
          )}
          <Frame
            key={document}
            text={text}
            generation={`${drops} ${beginning(policy, document)}`}
            label={document === "policy" ? "Policy" : "Candidate"}
            language="policy"
            marks={marks}
            original={isCompared ? policy.text : null}
            changed={edit}
          />
          <p id="editor-keys" class="quiet">
            Ctrl-Space shows what may stand here. Tab indents; Escape, then Tab, leaves the editor.
          </p>
        </section>
        <section class="card" aria-labelledby="effect" aria-busy={isLate}>
          <div class="head">
            <h2 id="effect">What it would do</h2>
            <span class="grow" />
            {document === "candidate" && policy.candidate !== null && !policy.locked && (
              <>
                <button type="button" onClick={() => setAsked(DROP)}>
                  Drop
                </button>
                <button
                  type="button"
                  disabled={isNew}
                  onClick={() => setAsked(PROMOTE)}
                >
                  Promote
                </button>
              </>
            )}
            {!policy.locked && (
              <button
                type="button"
                class="main"
                disabled={!isReady}
                onClick={() =>
                  setAsked(
                    document === "policy"
                      ? { title: "Put this policy in force?", yes: "Yes, put it in force", wanted }
                      : { title: "Put this candidate on trial?", yes: "Yes, put it on trial", wanted },
                  )
                }
              >
                {document === "policy" ? "Put in force…" : "Put on trial…"}
              </button>
            )}
          </div>
          {effect}
        </section>
      </div>
      <HistoryOf
        policy={policy}
        goBack={(revision, hash) =>
          setAsked({ title: `Go back to ${hash}?`, yes: "Yes, go back to it", wanted: { revision } })
        }
      />
      {asked && (
        <Confirmation
          {...asked}
          policy={policy}
          close={() => {
            setAsked(null);
            void again().catch(() => undefined);
          }}
          stored={(change) => {
            drafts.clear();
            setDrops(drops + 1);
            setAsked(null);
            setChange(change);
            void again().catch(() => undefined);
          }}
        />
      )}
    </>
  );
}

/** A policy in simple form has a document for each of its keys. */
function isIn(of: string, document: Document): boolean {
  return document === "candidate" ? of === "candidate.yaml" : of !== "candidate.yaml";
}

function Locked({ fault }: { fault: Fault }) {
  return (
    <p class="gap is-locked">
      <strong>Nothing can be put in force here: {shown(fault.message)}</strong>
      {fault.hint && <span class="hint">{shown(fault.hint)}</span>}
    </p>
  );
}

interface Outcome {
  checked: Checked | null;
  fault: Unanswered | null;
  /** Whether the answer is to an older text. */
  isLate: boolean;
}

/** What the server says of a text, a moment after the last key. */
function useCheck(policy: Policy, wanted: Wanted, isNew: boolean): Outcome {
  const { token, resourceVersion } = policy;
  const [newest] = useState(() => new Newest());
  const [outcome, setOutcome] = useState<Omit<Outcome, "isLate"> & { of: Wanted | null }>({
    checked: null,
    fault: null,
    of: null,
  });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (!isNew) {
      newest.drop();
      setOutcome({ checked: null, fault: null, of: wanted });
      return;
    }
    let retry: ReturnType<typeof setTimeout> | undefined;
    const asking = setTimeout(() => {
      const signal = newest.ask();
      unlessLate(signal, check(token, wanted, signal)).then(
        (checked) => {
          if (checked) setOutcome({ checked, fault: null, of: wanted });
        },
        (fault: Unanswered) => {
          setOutcome((before) => ({ ...before, fault, of: wanted }));
          retry = setTimeout(() => setTries((tries) => tries + 1), RETRY_MILLISECONDS);
        },
      );
    }, PAUSE_MILLISECONDS);
    return () => {
      clearTimeout(asking);
      clearTimeout(retry);
      newest.drop();
    };
  }, [token, resourceVersion, wanted, isNew, newest, tries]);
  return { checked: outcome.checked, fault: outcome.fault, isLate: isNew && outcome.of !== wanted };
}
