/** What is shown where there is nothing, or nothing new; and what both pages draw. */

import type { ComponentChildren } from "preact";
import type { Fault } from "./api.js";
import { shown } from "./words.js";

/** Why the gate, or the console, does not answer. */
export function State({ trouble }: { trouble: Fault }) {
  return (
    <div class="state is-trouble" role="alert">
      <strong>{shown(trouble.message)}</strong>
      {trouble.hint && <span>{shown(trouble.hint)}</span>}
    </div>
  );
}

/** Nothing to show, and why that is. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children && <p>{children}</p>}
    </div>
  );
}

/** A part of a whole, beside the number that says it. */
export function Bar({ share }: { share: number }) {
  return (
    <span class="bar" aria-hidden="true">
      <span style={{ width: `${share * 100}%` }} />
    </span>
  );
}

export function Loading({ label }: { label: string }) {
  return (
    <div class="empty" role="status">
      <span class="spinner" aria-hidden="true" />
      <strong>{label}</strong>
    </div>
  );
}
