/** An exemption for an image that was refused, written into the text of the policy. */

import { useState } from "preact/hooks";
import { exempted, Unanswered, type Terms } from "../api.js";
import { shown } from "../words.js";

/** What somebody wants to exempt, as a link of another page has it. */
export interface Wish {
  image: string;
  namespace: string;
}

const USUAL_DAYS = 30;
const PAGE = "#policy";

/** A link to the form for an image. */
export function exemptionLink({ image, namespace }: Wish): string {
  return `${PAGE}?${new URLSearchParams({ exempt: image, namespace })}`;
}

/** What such a link wants. */
export function wishOf(hash: string): Wish | null {
  if (!hash.startsWith(`${PAGE}?`)) return null;
  const query = new URLSearchParams(hash.slice(PAGE.length + 1));
  const [image, namespace] = [query.get("exempt"), query.get("namespace")];
  return image && namespace ? { image, namespace } : null;
}

/** `2027-01-31`, so many days from now. */
export function dayIn(days: number, now: number): string {
  return new Date(now + days * 86_400_000).toISOString().slice(0, 10);
}

interface ExemptionProps {
  wish: Wish;
  token: string;
  text: string;
  written: (text: string) => void;
  close: () => void;
}

export function ExemptionForm({ wish, token, text, written, close }: ExemptionProps) {
  const [terms, setTerms] = useState<Terms>({ reason: "", expires: dayIn(USUAL_DAYS, Date.now()), owner: "" });
  const [fault, setFault] = useState<Unanswered | null>(null);
  const set = (change: Partial<Terms>) => setTerms({ ...terms, ...change });
  const write = async (event: Event) => {
    event.preventDefault();
    setFault(null);
    try {
      written((await exempted(token, text, wish, terms)).text);
    } catch (error) {
      setFault(Unanswered.of(error));
    }
  };
  return (
    <section class="card" aria-labelledby="exemption">
      <h2 id="exemption">Exempt an image for a while</h2>
      <p>
        The repository of <span class="code">{shown(wish.image)}</span>, whatever the tag, in the namespace{" "}
        <b>{shown(wish.namespace)}</b>. It is written into the text below, where you see what it does before it is put in
        force.
      </p>
      <form class="filters exemption" onSubmit={write}>
        <label class="find">
          <span>Why</span>
          <input type="text" required value={terms.reason} placeholder="INC-1234" onInput={(event) => set({ reason: event.currentTarget.value })} />
        </label>
        <label>
          <span>Who answers for it</span>
          <input type="text" value={terms.owner} placeholder="optional" onInput={(event) => set({ owner: event.currentTarget.value })} />
        </label>
        <label>
          <span>The last day</span>
          <input type="date" required value={terms.expires} onInput={(event) => set({ expires: event.currentTarget.value })} />
        </label>
        <div class="buttons">
          <button type="button" onClick={close}>
            Never mind
          </button>
          <button type="submit" class="main">
            Write it into the text
          </button>
        </div>
      </form>
      {fault && (
        <p class="gap" role="alert">
          {shown(fault.message)}
          {fault.hint && `. ${shown(fault.hint)}`}
        </p>
      )}
    </section>
  );
}
