import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Engine, type Answer, type Judged, type Question } from "../src/playground/engine.js";
import { EXAMPLES, POLICY } from "../src/playground/examples.js";
import { placed, verdictOf } from "../src/playground/verdict.js";
import judged from "./answers/judged.json" with { type: "json" };

const { instance } = await WebAssembly.instantiate(readFileSync("../docs/playground/imagegate.wasm"));
const engine = new Engine(instance);

function ask(manifest: string, rest: Partial<Question> = {}): Answer {
  return engine.judge({ policy: POLICY, manifest, namespace: "default", user: "", groups: [], now: 1_795_820_000, ...rest });
}

function judge(manifest: string, rest: Partial<Question> = {}): Judged {
  const answer = ask(manifest, rest);
  if ("fault" in answer) throw new Error(answer.fault.message);
  return answer;
}

test("each example shows what it is for", () => {
  const said = EXAMPLES.map(({ label, manifest }) => {
    const verdict = verdictOf(manifest, judge(manifest), null);
    return [label, verdict?.words, verdict?.counts];
  });
  assert.deepEqual(said, [
    ["Image", "The image is denied", []],
    ["Deployment", "2 of 3 images are denied", ["1 admitted"]],
    ["Helm output", "1 of 4 images is denied", ["3 admitted", "1 exempt"]],
    ["Broken YAML", "This cannot be read", []],
  ]);
  const [trouble] = judge(EXAMPLES[3]?.manifest ?? "").report?.troubles ?? [];
  assert.ok((trouble?.line ?? 0) > 0, JSON.stringify(trouble));
});

test("images in lines are found where they stand", () => {
  const manifest = "\n  docker.io/library/nginx:1\nnginx\n";
  const findings = placed(manifest, judge(manifest).report?.findings ?? []);
  assert.deepEqual(findings.map(({ image, line, column }) => [image, line, column]), [
    ["docker.io/library/nginx:1", 2, 3],
    ["nginx", 3, 1],
  ]);
});

test("the engine and the page agree on the form of what they say", () => {
  const answer = judge(EXAMPLES[2]?.manifest ?? "");
  assert.deepEqual(missing(judged, answer), []);
  const invalid = judge("nginx", { policy: "mode: wran\n" });
  assert.equal(invalid.report, null);
  assert.deepEqual([invalid.policy.problems[0]?.line, invalid.policy.problems[0]?.column], [1, 7]);
  assert.ok("fault" in ask("nginx", { policy: `# ${"a".repeat(2 << 20)}\n` }));
  assert.ok("fault" in ask("a".repeat(33 << 20)));
});

/** What of one value another one has not, or has of another type. Texts and numbers may differ. */
function missing(wanted: unknown, found: unknown, path = ""): string[] {
  const kind = (value: unknown) => (value === null ? "null" : Array.isArray(value) ? `${value.length} of a list` : typeof value);
  if (kind(wanted) !== kind(found)) return [`${path}: ${kind(found)} in place of ${kind(wanted)}`];
  if (wanted === null || typeof wanted !== "object") return [];
  const of = Object(found) as Record<string, unknown>;
  return Object.entries(wanted).flatMap(([name, value]) => missing(value, of[name], `${path}/${name}`));
}

/** The compiler holds the types of the page to it. Those of the report are generated of its schema. */
judged satisfies Omit<Judged, "report">;
