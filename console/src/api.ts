/**
 * The JSON of the console's server, in `crates/kubectl-imagegate/src/console/`. `test/shapes.test.ts` holds these
 * types to the answers in `test/answers/`, which a test of the server keeps as they are.
 */

import type { Finding } from "./findings.js";

export interface Fault {
  message: string;
  hint: string | null;
}

export interface Problem {
  severity: "problem" | "note";
  message: string;
  hint: string;
}

export interface Candidate {
  hash: string;
  evaluated: number;
  flippedToAllow: number;
  flippedToDeny: number;
}

/** A replica that answers has all of these; one that does not has an `error`. */
export interface Replica {
  name: string;
  state: string | null;
  ready: boolean | null;
  restarts: number | null;
  /** What it counted since it started; `null` where it does not say. */
  counted: { allowed: number; denied: number } | null;
  error?: string;
  version?: string | null;
  policyHash?: string | null;
  mode?: string;
  generation?: number;
  appliedAt?: string | null;
  failingSince?: string | null;
  problems?: string[];
  candidate?: Candidate | null;
  candidateProblems?: string[];
  /** In Unix seconds. */
  certificateNotAfter?: number | null;
}

/** What one replica counted between two looks at it. */
export interface Sample {
  /** The end of the time, in Unix seconds. */
  at: number;
  seconds: number;
  replica: string;
  allowed: number;
  denied: number;
  violations: Record<string, number>;
  /** Reviews in each bucket: one more than there are bounds. */
  latency: number[];
}

export interface Now {
  version: string;
  readOnly: boolean;
  /** When the console was started, in Unix seconds. */
  begunAt: number;
  everySeconds: number;
  keptSeconds: number;
  /** When the replicas were looked at last; `null` before the first look. */
  at: number | null;
  /** Why the last look failed. */
  fault: Fault | null;
  namespace: string | null;
  verdict: string | null;
  replicas: Replica[];
  problems: Problem[];
  /** Upper bounds of the buckets, in seconds. */
  latencyBounds: number[];
  samples: Sample[];
}

/** As a replica tells it. One of another version may leave out any of it. */
export interface Decision {
  number: number;
  replica: string;
  id?: number;
  at?: string;
  decision?: string;
  operation?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  owner?: string;
  user?: string;
  uid?: string;
  dryRun?: boolean;
  rule?: string | null;
  container?: string;
  image?: string;
  violations?: number;
  exemption?: string | null;
  override?: string | null;
  candidate?: string | null;
  candidateRule?: string | null;
  policyHash?: string;
}

export interface Gap {
  number: number;
  replica: string;
  gap: { missed: number | null; message: string };
}

export interface Note {
  number: number;
  note: string;
}

export type Item = Decision | Gap | Note;

export interface Decisions {
  last: number;
  fault: string | null;
  items: Item[];
}

export interface Explanation {
  image: string;
  canonical: string | null;
  unreadable: string | null;
  namespace: string;
  user: string;
  override: string | null;
  policyHash: string;
  origin: string;
  notes: string[];
  steps: { rule: string; passed: boolean; detail: string }[];
  verdict: string;
  messages: string[];
  exemptions: string[];
  nearMisses: string[];
  accepted: string[];
  remedies: string[];
}

/** What an image says. */
interface Parts {
  /** Empty where an object leaves it out. */
  image: string;
  /** `null` where the image is no reference. */
  registry: string | null;
  repository: string | null;
  tag: string | null;
  pinned: boolean;
}

/** One use of an image, as the replicas remember it. */
export interface SeenUse extends Parts {
  namespace: string;
  /** `Job/nightly`; where it is known what runs, the owner at the top. */
  owner: string;
  user: string;
  count: number;
  firstSeen: string | null;
  lastSeen: string | null;
  refused: boolean;
}

/** What becomes of an image. */
export type Answer = Finding["decision"];

/** One use of an image by an owner that runs. */
export interface RunningUse extends Parts {
  namespace: string;
  owner: string;
  /** None of a workload that has no Pod at this time. */
  pods: number;
  digests: string[];
  /** If it started again; `null` where no policy is known. */
  answer: Answer | null;
  rule: string | null;
  /** Why the gate is not asked about it. */
  outOfReach: NonNullable<Finding["outOfReach"]> | null;
}

export interface Running {
  /** In Unix seconds. */
  at: number;
  gaps: string[];
  /** Of the policy that judged it. */
  policyHash: string | null;
  images: RunningUse[];
}

export interface Images {
  /** In Unix seconds. */
  at: number;
  notes: string[];
  gaps: string[];
  images: SeenUse[];
  /** `null` where it was not asked for, or is not known. */
  running: Running | null;
  /** Why it is not known. */
  runningFault: Fault | null;
}

/** A policy that is or was in force; the first one of a history is the present one. */
export interface Revision {
  policyHash: string;
  candidateHash: string;
  /** When another took its place. */
  until: string | null;
  changes: string[];
  changesLeftOut: number;
  loosens: boolean;
  data: Record<string, string>;
}

/** How an edit gets on once it is stored. */
export interface Change {
  number: number;
  isRunning: boolean;
  outcome: "done" | "incomplete" | "failed" | null;
  lines: Line[];
}

/** A line of what was done, or a word beside it. */
export interface Line {
  text: string;
  isAside: boolean;
}

export interface Policy {
  /** Of the ConfigMap; `null` where there is none to be read. */
  name: string | null;
  namespace: string | null;
  resourceVersion: string | null;
  /** `null` where the policy is not valid. */
  policyHash: string | null;
  text: string;
  /** The same where the text is in simple form; `null` where that is not valid. */
  fullForm: string | null;
  candidate: string | null;
  owner: string | null;
  /** Why an edit cannot be put in force. */
  locked: Fault | null;
  history: Revision[];
  notes: string[];
  change: Change | null;
  /** For a header of each POST. */
  token: string;
}

/** What is wrong with an edit, and where. */
export interface Wrong {
  document: string;
  path: string;
  /** From 1. */
  line: number | null;
  column: number | null;
  message: string;
  hint: string | null;
}

/** An image that is hit. */
export interface Hit {
  image: string | null;
  /** Whether it runs; or else it is remembered. */
  runs: boolean;
  /** Pods of what runs; times of what is remembered. */
  count: number;
  lastSeen: string | null;
  owners: string[];
  moreOwners: number;
  rule: string | null;
}

export interface Newly {
  images: number;
  rows: Hit[];
  namespaces: { namespace: string; images: number }[];
  allNamespaces: number;
}

export interface Hits {
  judged: { uses: number; images: number };
  newlyDenied: Newly;
  newlyAdmitted: Newly;
  byLabels: number;
}

/** What an edit does to the policy, or would do once its candidate is promoted. */
export interface Effect {
  of: "policy" | "candidate";
  oldHash: string | null;
  newHash: string;
  changes: { text: string; loosens: boolean }[];
  changesLeftOut: number;
  changesLeftOutLoosening: number;
  hits: Hits | null;
}

export interface Checked {
  isValid: boolean;
  problems: Wrong[];
  warnings: Wrong[];
  resourceVersion: string | null;
  isSame: boolean;
  policyHash: string | null;
  /** What is confirmed with it. */
  confirms: string | null;
  candidate: "none" | "begins" | "ends" | "changes" | "stays" | null;
  effects: Effect[];
  /** What becomes of the floor in the API server, where that was asked for. */
  floor: Line[];
  gaps: string[];
  /** Why it is not known whom it hits. */
  fault: Fault | null;
}

/** What is to be in force. */
export type Wanted = { policy: string } | { candidate: string } | { revision: number } | "promote";

/** Why an edit was not stored. */
export interface Refused extends Fault {
  reason: "locked" | "conflict" | "guard" | "failed";
  /** The hash that would confirm it. */
  confirm: string | null;
}

/** Why there is no answer, in words for the page. */
export class Unanswered extends Error {
  readonly hint: string | null;
  readonly reason: Refused["reason"] | null;
  readonly confirm: string | null;
  constructor(fault: Fault & Partial<Refused>) {
    super(fault.message);
    this.hint = fault.hint;
    this.reason = fault.reason ?? null;
    this.confirm = fault.confirm ?? null;
  }

  /** Whatever was thrown. */
  static of(error: unknown): Unanswered {
    return error instanceof Unanswered ? error : new Unanswered({ message: String(error), hint: null });
  }
}

const PATIENCE_MILLISECONDS = 90_000;

/** Asks the console's server. */
export async function ask<T>(path: string): Promise<T> {
  return answered<T>(path, { signal: AbortSignal.timeout(PATIENCE_MILLISECONDS) });
}

/** What an edit would do; with what becomes of the floor for a dialog, since that is tried out. */
export async function check(token: string, wanted: Wanted, signal: AbortSignal, withFloor = false): Promise<Checked> {
  const patience = AbortSignal.timeout(PATIENCE_MILLISECONDS);
  return post<Checked>("/api/policy/check", token, { wanted, withFloor }, AbortSignal.any([signal, patience]));
}

/** What whoever confirmed an edit has seen of it. */
export interface Confirmed {
  wanted: Wanted;
  resourceVersion: string;
  confirms: string;
  confirm: string | null;
}

/** Puts an edit in force; answers once it is stored. */
export async function apply(token: string, confirmed: Confirmed): Promise<Change> {
  return post<Change>("/api/policy/apply", token, confirmed, AbortSignal.timeout(PATIENCE_MILLISECONDS));
}

/** What an exemption says beside the image and the namespace. */
export interface Terms {
  reason: string;
  /** `2027-01-31` */
  expires: string;
  owner: string;
}

/** A text with an exemption more. */
export async function exempted(
  token: string,
  text: string,
  { image, namespace }: { image: string; namespace: string },
  { reason, expires, owner }: Terms,
): Promise<{ text: string }> {
  const terms = { reason, expires, owner: owner === "" ? null : owner, name: null };
  const body = { text, image, namespace, terms };
  return post("/api/policy/exemption", token, body, AbortSignal.timeout(PATIENCE_MILLISECONDS));
}

async function post<T>(path: string, token: string, body: unknown, signal: AbortSignal): Promise<T> {
  const headers = { "content-type": "application/json", "x-console-token": token };
  return answered<T>(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

async function answered<T>(path: string, request: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, request);
  } catch {
    throw new Unanswered({
      message: "the console does not answer",
      hint: "it may have ended: start kubectl imagegate console again, and open the address that it prints",
    });
  }
  if (response.ok) {
    return (await response.json()) as T;
  }
  if (response.status === 403) {
    throw new Unanswered({
      message: "the console was started anew",
      hint: "open the address that it printed; each start has a new one",
    });
  }
  const fault = (await response.json().catch(() => null)) as Fault | null;
  throw new Unanswered(fault ?? { message: `the console answered ${response.status}`, hint: null });
}
