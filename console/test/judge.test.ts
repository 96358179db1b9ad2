import assert from "node:assert/strict";
import { test } from "node:test";
import type { Judged, Question } from "../src/playground/engine.js";
import { Judge, type Judging, type Outcome } from "../src/playground/judge.js";
import type { Said } from "../src/playground/worker.js";

const JUDGED: Judged = {
  policy: { hash: null, problems: [], warnings: [] },
  report: null,
  more: { findings: 0, troubles: 0, notJudged: 0 },
  explanations: [],
};

function question(manifest: string): Question {
  return { policy: "", manifest, namespace: "", user: "", groups: [], now: 0 };
}

/** A worker that does what the test says. */
class Fake implements Judging {
  onmessage: ((event: MessageEvent<Said>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  asked: string[] = [];
  isEnded = false;
  postMessage({ manifest }: Question): void {
    this.asked.push(manifest);
  }
  terminate(): void {
    this.isEnded = true;
  }
  say(data: Said): void {
    this.onmessage?.({ data } as MessageEvent<Said>);
  }
}

/** A judge with its workers, and a promise of the next outcome. */
function stage(patience = { loading: 60_000, judging: 60_000 }) {
  const workers: Fake[] = [];
  const heard: Outcome[] = [];
  let tell = () => {};
  const begin = () => {
    const worker = new Fake();
    workers.push(worker);
    return worker;
  };
  const judge = new Judge(begin, (outcome) => {
    heard.push(outcome);
    tell();
  }, patience);
  const next = () => new Promise<void>((resolve) => (tell = resolve));
  return { judge, workers, heard, next };
}

test("one question at a time, and of those that wait the newest alone", () => {
  const { judge, workers, heard } = stage();
  judge.ask(question("a"));
  judge.ask(question("b"));
  assert.deepEqual(workers[0]?.asked, [], "it is not ready");
  workers[0]?.say({ kind: "ready" });
  judge.ask(question("c"));
  judge.ask(question("d"));
  assert.deepEqual(workers[0]?.asked, ["b"]);
  workers[0]?.say({ kind: "answered", answer: JUDGED });
  workers[0]?.say({ kind: "answered", answer: { fault: { message: "too large", hint: null } } });
  assert.deepEqual(heard.map(({ of, fault }) => [of.manifest, fault?.message]), [["b", undefined], ["d", "too large"]]);
  assert.equal(workers.length, 1);
  judge.end();
  assert.ok(workers[0]?.isEnded);
});

test("a question without an answer is ended, and the next one has another worker", async () => {
  const { judge, workers, heard, next } = stage({ loading: 60_000, judging: 5 });
  judge.ask(question("a"));
  workers[0]?.say({ kind: "ready" });
  judge.ask(question("b"));
  await next();
  assert.match(heard[0]?.fault?.message ?? "", /^judging was ended after/);
  assert.deepEqual([heard[0]?.of.manifest, workers[0]?.isEnded, workers.length], ["a", true, 2]);
  workers[1]?.say({ kind: "ready" });
  workers[1]?.say({ kind: "answered", answer: JUDGED });
  assert.deepEqual([heard[1]?.of.manifest, heard[1]?.judged], ["b", JUDGED]);
  judge.end();
});

test("a question that breaks the engine is told, and the next one has another", () => {
  const { judge, workers, heard } = stage();
  judge.ask(question("a"));
  workers[0]?.say({ kind: "ready" });
  workers[0]?.say({ kind: "failed", why: "RuntimeError: unreachable" });
  judge.ask(question("b"));
  assert.deepEqual([workers[0]?.isEnded, workers.length], [true, 2]);
  workers[1]?.say({ kind: "ready" });
  workers[1]?.say({ kind: "answered", answer: JUDGED });
  assert.match(heard[0]?.fault?.message ?? "", /^the engine failed on this.*unreachable/);
  assert.equal(heard[1]?.fault, null);
  judge.end();
});

test("an engine that is not there is told, and looked for again with the next question", async () => {
  const { judge, workers, heard, next } = stage({ loading: 5, judging: 60_000 });
  judge.ask(question("a"));
  workers[0]?.say({ kind: "missing", why: "the server answered 404" });
  judge.ask(question("b"));
  workers[1]?.onerror?.({} as ErrorEvent);
  judge.ask(question("c"));
  await next();
  const said = heard.map(({ of, fault }) => [of.manifest, fault?.message.split(": ")[1]]);
  assert.deepEqual(said, [["a", "the server answered 404"], ["b", "its script does not run"], ["c", "it took too long"]]);
  assert.equal(workers.filter(({ isEnded }) => isEnded).length, 3);
});

test("a browser without workers is told so", () => {
  const heard: Outcome[] = [];
  const judge = new Judge(() => { throw new Error("no workers"); }, (outcome) => heard.push(outcome));
  judge.ask(question("a"));
  assert.match(heard[0]?.fault?.message ?? "", /no workers/);
});
