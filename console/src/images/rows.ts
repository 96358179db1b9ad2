/** Which uses of images are shown, in which order. Pure. */

import { compared, type Use } from "./join.js";

export type Column = "where" | "refused" | "answer" | "image" | "namespace" | "owner" | "pods" | "count" | "lastSeen";

export interface Order {
  column: Column;
  descending: boolean;
}

/** What is asked for; what is empty asks for all. */
export interface Wanted {
  /** Words that all have to be somewhere in the row. */
  text: string;
  registry: string;
  namespace: string;
  /** `=latest` for a tag, `none` for an image without one. */
  tag: string;
  unpinned: boolean;
  decision: "" | "admitted" | "refused";
  /** If it started again. */
  again: "" | "admitted" | "refused" | "not judged";
}

export const ALL: Wanted = {
  text: "",
  registry: "",
  namespace: "",
  tag: "",
  unpinned: false,
  decision: "",
  again: "",
};

/** What stands for the registry of an image that is no reference. */
export const UNREADABLE = "not a reference";

export function registryOf(use: Use): string {
  return use.registry ?? UNREADABLE;
}

/** The uses that are wanted, in the order in which they were. */
export function filtered(uses: Use[], wanted: Wanted): Use[] {
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  return uses.filter(
    (use) =>
      (wanted.registry === "" || registryOf(use) === wanted.registry) &&
      (wanted.namespace === "" || use.namespace === wanted.namespace) &&
      (wanted.tag === "" || (wanted.tag === "none" ? use.tag === null : `=${use.tag}` === wanted.tag)) &&
      (!wanted.unpinned || !use.pinned) &&
      (wanted.decision === "" || use.refused === (wanted.decision === "refused")) &&
      (wanted.again === "" || againOf(use) === wanted.again) &&
      (words.length === 0 || hasAll(use, words)),
  );
}

/** What would become of it if it started again; `null` where that is not known. */
export function againOf({ answer }: Use): Exclude<Wanted["again"], ""> | null {
  if (answer === null || answer === "not judged") return answer;
  return answer === "deny" ? "refused" : "admitted";
}

function hasAll(use: Use, words: string[]): boolean {
  const text = textOf(use);
  return words.every((word) => text.includes(word));
}

/** What is searched; made once for each row, since each key looks through all of them. */
const texts = new WeakMap<Use, string>();

function textOf(use: Use): string {
  let text = texts.get(use);
  if (text === undefined) {
    text = `${use.image}\n${use.namespace}\n${use.owner}\n${use.user}\n${use.digests}`.toLowerCase();
    texts.set(use, text);
  }
  return text;
}

export function sorted(uses: Use[], { column, descending }: Order): Use[] {
  const sign = descending ? -1 : 1;
  const value = (use: Use) => (column === "answer" ? weightOf(use) : use[column]);
  const compare = (one: Use, other: Use) => sign * compared(value(one), value(other)) || compared(one.image, other.image);
  return [...uses].sort(compare);
}

const BY_WEIGHT = ["not judged", "allow", "exempt", "audit", "warn", "deny"];

function weightOf({ answer }: Use): number | null {
  return answer === null ? null : BY_WEIGHT.indexOf(answer);
}

/** A value with how many uses have it. */
export type Share = [value: string, count: number];

/** How often each value occurs, the most first. */
export function shares(uses: Use[], value: (use: Use) => string): Share[] {
  const counts = new Map<string, number>();
  for (const use of uses) {
    const key = value(use);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].sort((one, other) => other[1] - one[1] || compared(one[0], other[0]));
}
