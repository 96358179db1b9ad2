/** What was seen and what runs, brought together. Pure. */

import type { Answer, Images, RunningUse, SeenUse } from "../api.js";

/** Which of the two is looked at. */
export type View = "seen" | "running" | "both";

/** A row of the table. What was not seen has no times, and what does not run no Pods. */
export interface Use {
  where: "seen" | "runs" | "both";
  image: string;
  registry: string | null;
  repository: string | null;
  tag: string | null;
  pinned: boolean;
  namespace: string;
  owner: string;
  user: string;
  count: number | null;
  firstSeen: string | null;
  lastSeen: string | null;
  refused: boolean | null;
  pods: number | null;
  digests: string;
  /** If it started again. */
  answer: Answer | "not judged" | null;
  rule: string | null;
}

/** The rows of a view. Where it is not known what runs, only what was seen. */
export function usesOf({ images, running }: Images, view: View): Use[] {
  if (view === "seen" || running === null) return images.map(seen);
  const seenAt = new Map<string, SeenUse[]>();
  for (const use of images) {
    const key = keyOf(use);
    const others = seenAt.get(key);
    if (others) others.push(use);
    else seenAt.set(key, [use]);
  }
  const runs = running.images.map((use) => joined(use, seenAt.get(keyOf(use)) ?? []));
  if (view === "running") return runs;
  const isRunning = new Set(running.images.map(keyOf));
  return [...runs, ...images.filter((use) => !isRunning.has(keyOf(use))).map(seen)];
}

/** Neither a namespace nor an owner has a line break. */
function keyOf({ image, namespace, owner }: { image: string; namespace: string; owner: string }): string {
  return `${namespace}\n${owner}\n${image}`;
}

function seen(use: SeenUse): Use {
  return { ...use, where: "seen", pods: null, digests: "", answer: null, rule: null };
}

/** What runs, with all that was seen of it, by whomever it was asked for. */
function joined({ outOfReach, digests, answer, ...use }: RunningUse, others: SeenUse[]): Use {
  const [last] = [...others].sort((one, other) => compared(other.lastSeen, one.lastSeen));
  const [first] = others.map(({ firstSeen }) => firstSeen).sort(compared);
  return {
    ...use,
    where: last ? "both" : "runs",
    user: [...new Set(others.map(({ user }) => user).filter(Boolean))].join(", "),
    count: last ? others.reduce((sum, { count }) => sum + count, 0) : null,
    firstSeen: first ?? null,
    lastSeen: last?.lastSeen ?? null,
    refused: last?.refused ?? null,
    digests: digests.join(" "),
    answer: outOfReach ? "not judged" : answer,
    rule: outOfReach ?? use.rule,
  };
}

type Value = string | number | boolean | null;

/**
 * By code units: of texts that users wrote, any order will do, and this one is quick. What there is nothing of comes
 * before the rest.
 */
export function compared(one: Value, other: Value): number {
  if (one === null || other === null) return Number(other === null) - Number(one === null);
  return one < other ? -1 : one > other ? 1 : 0;
}
