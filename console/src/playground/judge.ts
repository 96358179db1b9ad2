/** Asks the worker: the newest question alone, with an end to each. */

import type { Fault } from "../api.js";
import type { Judged, Question } from "./engine.js";
import type { Said } from "./worker.js";

/** As much of a worker as is used. */
export interface Judging {
  onmessage: ((event: MessageEvent<Said>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  postMessage(question: Question): void;
  terminate(): void;
}

export interface Outcome {
  of: Question;
  judged: Judged | null;
  fault: Fault | null;
}

export interface Patience {
  loading: number;
  judging: number;
}

/** In milliseconds. What takes longer than this is nothing that somebody waits for. */
export const PATIENCE: Patience = { loading: 30_000, judging: 5_000 };

const SLOW = "the text may be too large for this page: imagegate check in a terminal has no such limit";
const DEFECT = "this is a defect of ImageGate: please report it with the two texts, if you may";

export class Judge {
  readonly #begin: () => Judging;
  readonly #hear: (outcome: Outcome) => void;
  readonly #patience: Patience;
  #worker: Judging | null = null;
  #isReady = false;
  #asked: Question | null = null;
  #next: Question | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(begin: () => Judging, hear: (outcome: Outcome) => void, patience = PATIENCE) {
    this.#begin = begin;
    this.#hear = hear;
    this.#patience = patience;
  }

  /** What was asked before and is not begun yet is forgotten. */
  ask(question: Question): void {
    this.#next = question;
    if (!this.#worker) this.#load();
    this.#go();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#worker?.terminate();
    this.#worker = null;
    this.#isReady = false;
    this.#asked = null;
  }

  #load(): void {
    let worker: Judging;
    try {
      worker = this.#begin();
    } catch (error) {
      this.#lose(absent(String(error)));
      return;
    }
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#heard(data);
    worker.onerror = () => this.#lose(absent("its script does not run"));
    this.#timer = setTimeout(() => this.#lose(absent("it took too long")), this.#patience.loading);
  }

  #go(): void {
    if (!this.#worker || !this.#isReady || this.#asked || !this.#next) return;
    this.#asked = this.#next;
    this.#next = null;
    this.#timer = setTimeout(() => {
      const seconds = this.#patience.judging / 1_000;
      this.#lose({ message: `judging was ended after ${seconds} s, and begins anew with the next change`, hint: SLOW });
    }, this.#patience.judging);
    this.#worker.postMessage(this.#asked);
  }

  #heard(said: Said): void {
    clearTimeout(this.#timer);
    if (said.kind === "missing") {
      this.#lose(absent(said.why));
      return;
    }
    if (said.kind === "failed") {
      this.#lose({ message: `the engine failed on this, and begins anew with the next change: ${said.why}`, hint: DEFECT });
      return;
    }
    if (said.kind === "ready") {
      this.#isReady = true;
    } else if (this.#asked) {
      const of = this.#asked;
      this.#asked = null;
      const { answer } = said;
      this.#hear("fault" in answer ? { of, judged: null, fault: answer.fault } : { of, judged: answer, fault: null });
    }
    this.#go();
  }

  /** The worker is of no use any more; a question that waits gets another one. */
  #lose(fault: Fault): void {
    const isJudging = this.#asked !== null;
    const of = this.#asked ?? this.#next;
    if (!isJudging) this.#next = null;
    this.end();
    if (of) this.#hear({ of, judged: null, fault });
    if (this.#next) this.ask(this.#next);
  }
}

function absent(why: string): Fault {
  return {
    message: `the engine cannot be loaded: ${why}`,
    hint: "this page needs imagegate.wasm beside it, and a browser that runs WebAssembly",
  };
}
