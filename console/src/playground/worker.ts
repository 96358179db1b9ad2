/**
 * Judges apart from the page, so that a large text never makes it stand still, and can be ended in the middle.
 *
 * A worker that comes from a server has the content security policy of its own answer, and not the page's. So the page
 * itself may run no WebAssembly and connect to nobody: only this file may, once, for the engine beside it.
 * Source: <https://www.w3.org/TR/CSP3/#initialize-global-object-csp>.
 */

import { Engine, type Answer, type Question } from "./engine.js";

/** What the page is told. */
export type Said =
  | { kind: "ready" }
  /** The engine is not there, or nothing that runs. */
  | { kind: "missing"; why: string }
  | { kind: "answered"; answer: Answer }
  /** The engine failed on a question, and is of no use. */
  | { kind: "failed"; why: string };

const say = (said: Said) => postMessage(said);

async function load(): Promise<Engine> {
  const response = await fetch(new URL("imagegate.wasm", location.href));
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  // Not while it streams: that takes a media type which not every server knows.
  const { instance } = await WebAssembly.instantiate(await response.arrayBuffer());
  return new Engine(instance);
}

load().then(
  (engine) => {
    addEventListener("message", ({ data }: MessageEvent<Question>) => {
      try {
        say({ kind: "answered", answer: engine.judge(data) });
      } catch (error) {
        say({ kind: "failed", why: wordsOf(error) });
      }
    });
    say({ kind: "ready" });
  },
  (error: unknown) => say({ kind: "missing", why: wordsOf(error) }),
);

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
