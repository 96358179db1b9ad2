/**
 * The engine: what `imagegate check` does to a text, compiled to WebAssembly. JSON goes in and JSON comes out; nothing
 * of the browser is within its reach.
 */

import type { Fault, Wrong } from "../api.js";
import type { Finding, FindingsOfImageGate, NotJudged, Trouble } from "../findings.js";
import type { Reasoning } from "../reasons.js";

/** What is asked of it. */
export interface Question {
  /** Empty for the defaults. */
  policy: string;
  /** An image, or whatever `imagegate check` reads. */
  manifest: string;
  namespace: string;
  user: string;
  groups: string[];
  /** In Unix seconds; exemptions end by it. */
  now: number;
}

export type { Finding, NotJudged, Trouble };
export type Report = FindingsOfImageGate;

/** Where something stands in the text. */
export interface Spot {
  /** From 1. */
  line?: number;
  column?: number;
}

export interface Judged {
  policy: { hash: string | null; problems: Wrong[]; warnings: Wrong[] };
  /** `null` where the policy has problems. */
  report: Report | null;
  /** How many were left out of the lists; the summary counts all of them. */
  more: { findings: number; troubles: number; notJudged: number };
  /** One for each finding, by its place in the list of them. */
  explanations: (Reasoning & { finding: number })[];
}

export type Answer = Judged | { fault: Fault };

interface Exports {
  memory: WebAssembly.Memory;
  /** 0 where there is no room for so much; `judge` says so then. */
  input(length: number): number;
  judge(): void;
  output(): number;
  output_len(): number;
}

export class Engine {
  readonly #exports: Exports;

  constructor(instance: WebAssembly.Instance) {
    this.#exports = instance.exports as unknown as Exports;
  }

  /** Throws where the engine fails; it is of no use then. */
  judge(question: Question): Answer {
    const { memory, input, judge, output, output_len } = this.#exports;
    const asked = new TextEncoder().encode(JSON.stringify(question));
    // An address is unsigned; and the memory may be another one after each call.
    const place = input(asked.length) >>> 0;
    if (place !== 0) new Uint8Array(memory.buffer, place, asked.length).set(asked);
    judge();
    const answered = new Uint8Array(memory.buffer, output() >>> 0, output_len() >>> 0);
    return JSON.parse(new TextDecoder().decode(answered)) as Answer;
  }
}
