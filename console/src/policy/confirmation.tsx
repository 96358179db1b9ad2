/** The dialog before an edit is put in force: it repeats what changes and whom it hits. */

import { useEffect, useRef, useState } from "preact/hooks";
import { apply, check, Unanswered, type Change, type Checked, type Policy, type Wanted } from "../api.js";
import { Loading } from "../state.js";
import { shown } from "../words.js";
import { Does } from "./effect.js";
import { Lines } from "./way.js";

interface ConfirmationProps {
  title: string;
  /** What the button says that does it. */
  yes: string;
  wanted: Wanted;
  policy: Policy;
  close: () => void;
  stored: (change: Change) => void;
}

export function Confirmation({ title, yes, wanted, policy, close, stored }: ConfirmationProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [checked, setChecked] = useState<Checked | null>(null);
  const [fault, setFault] = useState<Unanswered | null>(null);
  const [isSending, setSending] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  // Asked anew, so that what is confirmed is what is there now and not what was there a while ago.
  useEffect(() => {
    const end = new AbortController();
    check(policy.token, wanted, end.signal, true).then(setChecked, (fault: Unanswered) => {
      if (!end.signal.aborted) setFault(fault);
    });
    return () => end.abort();
  }, []);
  const isOvertaken = checked !== null && checked.resourceVersion !== policy.resourceVersion;
  const refused = fault?.reason ?? null;
  const isOver = isOvertaken || refused === "conflict" || refused === "locked";

  const send = async (confirm: string | null) => {
    if (!checked?.confirms || !checked.resourceVersion) return;
    setSending(true);
    setFault(null);
    const { confirms, resourceVersion } = checked;
    try {
      stored(await apply(policy.token, { wanted, resourceVersion, confirms, confirm }));
    } catch (error) {
      setFault(Unanswered.of(error));
      setSending(false);
    }
  };

  return (
    <dialog
      ref={dialog}
      aria-labelledby="confirm"
      onCancel={(event) => {
        event.preventDefault();
        if (!isSending) close();
      }}
    >
      <h2 id="confirm">{shown(title)}</h2>
      <div class="body" tabIndex={0} role="group" aria-label="What it does">
        {checked ? (
          checked.isValid ? (
            <>
              <Does checked={checked} />
              {checked.floor.length > 0 && <Lines lines={checked.floor} label="The floor" />}
            </>
          ) : (
            <p class="is-wrong">{checked.problems.map(({ message }) => shown(message)).join("; ")}</p>
          )
        ) : (
          !fault && <Loading label="Judging what is in use" />
        )}
      </div>
      {isOvertaken && !fault && (
        <p class="gap" role="alert">
          Somebody else has changed the policy since this page read it. Nothing was overwritten; close this, and look at
          what is there now.
        </p>
      )}
      {fault && (
        <div class="gap is-refusal" role="alert">
          <strong>{TITLES[refused ?? "failed"]}</strong>
          <p class="lines">{fault.message.split("\n").map(shown).join("\n")}</p>
          {fault.hint && <p>{shown(fault.hint)}</p>}
        </div>
      )}
      <div class="buttons">
        <button type="button" autofocus disabled={isSending} onClick={close}>
          {isOver ? "Close" : "Cancel"}
        </button>
        {!isOver &&
          (refused === "guard" && fault?.confirm ? (
            <button type="button" class="main is-wrong" disabled={isSending} onClick={() => send(fault.confirm)}>
              Do it all the same
            </button>
          ) : (
            <button
              type="button"
              class="main"
              disabled={isSending || !checked?.isValid || checked.isSame}
              onClick={() => send(null)}
            >
              {isSending ? "Storing…" : yes}
            </button>
          ))}
      </div>
    </dialog>
  );
}

const TITLES = {
  locked: "It cannot be put in force here",
  conflict: "Somebody else came first, and nothing was overwritten",
  guard: "The gate refuses this edit, since it refuses more than the policy in force lets an edit refuse",
  failed: "It was not stored",
};
