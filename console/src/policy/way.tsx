/** An edit on its way to the replicas. */

import { useEffect, useState } from "preact/hooks";
import { ask, type Change, type Line } from "../api.js";
import { shown } from "../words.js";

const AGAIN_MILLISECONDS = 1_000;

export function OnItsWay({ latest, ended }: { latest: Change | null; ended: () => Promise<void> }) {
  const [change, setChange] = useState(latest);
  useEffect(() => setChange(latest), [latest]);
  const isRunning = change?.isRunning === true;
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => {
      ask<Change | null>("/api/policy/change").then(
        (change) => {
          setChange(change);
          if (!change?.isRunning) void ended().catch(() => undefined);
        },
        // That the console does not answer is said by the frame of the page.
        () => undefined,
      );
    }, AGAIN_MILLISECONDS);
    return () => clearInterval(timer);
  }, [isRunning, ended]);
  if (!change || (change.lines.length === 0 && !isRunning)) return null;
  const title = isRunning ? "On its way to the replicas" : change.outcome === "done" ? "Done" : "Not all of it is done";
  return (
    <section class={`card way is-${isRunning ? "running" : change.outcome}`} role="status" aria-labelledby="way">
      <h2 id="way">
        {isRunning && <span class="spinner" aria-hidden="true" />} {title}
      </h2>
      <Lines lines={change.lines} />
    </section>
  );
}

export function Lines({ lines, label }: { lines: Line[]; label?: string }) {
  return (
    <ul aria-label={label}>
      {lines.map(({ text, isAside }, index) => (
        <li key={index} class={isAside ? "quiet lines" : "lines"}>
          {text.split("\n").map(shown).join("\n")}
        </li>
      ))}
    </ul>
  );
}
