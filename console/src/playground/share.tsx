/** A link to what is on the page. The address changes when it is asked for, and only then. */

import { useEffect, useState } from "preact/hooks";
import { shown, whole } from "../words.js";
import { fragmentOf, type Content } from "./permalink.js";

/** From this length on, some of what a link is pasted into cuts it. */
const LONG = 2_000;

export function Share({ content }: { content: Content }) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => setSaid(null), [content]);
  const share = async () => {
    const fragment = await fragmentOf(content);
    if (typeof fragment !== "string") {
      setSaid(`${fragment.message}; ${fragment.hint ?? ""}`);
      return;
    }
    const { href } = new URL(`#${fragment}`, location.href);
    history.replaceState(null, "", href);
    const isCopied = await navigator.clipboard?.writeText(href).then(() => true, () => false);
    const where = isCopied ? "The link is copied, and in the address bar" : "The link is in the address bar";
    const isLong = href.length > LONG ? ", which some programs cut off" : "";
    setSaid(`${where}: ${whole(href.length)} characters${isLong}. Whoever has it can read all of this.`);
  };
  return (
    <div class="share">
      <p class="quiet" role="status">
        {said && shown(said)}
      </p>
      <button type="button" onClick={share}>
        Copy a link to this
      </button>
    </div>
  );
}
