/** The way from the console to its playground, which is a document of its own: what is handed over is in the link. */

import type { ComponentChildren } from "preact";
import { ask, type Policy } from "./api.js";
import { fragmentOf, type Content } from "./playground/permalink.js";

const PLAYGROUND = "/playground/?console";
/** As long as somebody waits for a page. */
const PATIENCE_MILLISECONDS = 5_000;
const NO_CONTENT: Content = { policy: "", manifest: "", namespace: "default", user: "", groups: [] };

/** Leads to the playground, with the policy in force and what is given. A new tab begins with an example. */
export function PlaygroundLink({ given = {}, children }: { given?: Partial<Content>; children: ComponentChildren }) {
  const follow = async (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    location.assign(await addressOf(given));
  };
  return (
    <a href={PLAYGROUND} onClick={follow}>
      {children}
    </a>
  );
}

async function addressOf(given: Partial<Content>): Promise<string> {
  try {
    const late = new Promise<never>((_, reject) => setTimeout(reject, PATIENCE_MILLISECONDS));
    const { fullForm: policy } = await Promise.race([ask<Policy>("/api/policy"), late]);
    const fragment = policy === null ? null : await fragmentOf({ ...NO_CONTENT, ...given, policy });
    if (typeof fragment === "string") return `${PLAYGROUND}#${fragment}`;
  } catch {
    // The playground says that it was not to be had.
  }
  return `${PLAYGROUND}#no-policy`;
}
