import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding, Judged, Report, Trouble } from "../src/playground/engine.js";
import { groupsOf, inOrder, marksOf, placed, verdictOf } from "../src/playground/verdict.js";

const SUMMARY: Report["summary"] = {
  policy: { source: "policy.yaml", hash: "abc" },
  objects: 0,
  images: 0,
  allowed: 0,
  denied: 0,
  warned: 0,
  audited: 0,
  exempted: 0,
  known: 0,
  outOfReach: 0,
  skipped: 0,
  notJudged: 0,
  notUnderstood: 0,
  unreadable: 0,
};
const TROUBLE: Trouble = { kind: "unreadable", line: 8, column: 14, message: "a quote is not closed", hint: "close it" };

function judged(summary: Partial<Report["summary"]>, rest: Partial<Report> = {}): Judged {
  const report = { summary: { ...SUMMARY, ...summary }, findings: [], troubles: [], ...rest };
  const more = { findings: 0, troubles: 0, notJudged: 0 };
  return { policy: { hash: "abc", problems: [], warnings: [] }, report, more, explanations: [] };
}

function finding(decision: Finding["decision"], rest: Partial<Finding> = {}): Finding {
  return { decision, mode: "enforce", image: "a", ...rest };
}

test("the verdict is one line", () => {
  const rows: [Judged | null, string | undefined, string[]][] = [
    [null, undefined, []],
    [judged({ images: 1, allowed: 1 }), "The image is admitted", []],
    [judged({ images: 1, denied: 1 }), "The image is denied", []],
    [judged({ images: 3, allowed: 3 }), "All 3 images are admitted", []],
    [judged({ images: 3, denied: 1 }), "1 of 3 images is denied", ["2 admitted"]],
    [judged({ images: 3, denied: 3 }), "3 of 3 images are denied", []],
    [
      judged({ images: 1200, denied: 2, warned: 3, audited: 4, exempted: 1 }, { troubles: [TROUBLE] }),
      "2 of 1,200 images are denied",
      ["1,198 admitted", "3 with a warning", "4 logged", "1 exempt", "1 place not understood"],
    ],
    [judged({}, { troubles: [TROUBLE] }), "This cannot be read", []],
    [judged({ objects: 1 }), "There is no image in this", []],
    [{ ...judged({}), report: null }, "The policy is not valid", []],
  ];
  for (const [answer, words, counts] of rows) {
    const verdict = verdictOf("kind: Pod", answer, null);
    assert.deepEqual([verdict?.words, verdict?.counts ?? []], [words, counts]);
  }
  assert.equal(verdictOf(" \n", judged({}), null)?.words, "Paste an image or a manifest");
  assert.equal(verdictOf("a", judged({}), { message: "no", hint: null })?.words, "This could not be judged");
});

test("what is denied comes first, and the rest as it was read", () => {
  const findings = ["allow", "warn", "deny", "exempt", "allow", "deny"].map((each) => finding(each as Finding["decision"]));
  assert.deepEqual(inOrder(findings), [2, 5, 1, 3, 0, 4]);
});

test("each place is marked by what becomes of it", () => {
  const { report } = judged({}, {
    findings: [
      finding("deny", { line: 3, column: 12, message: "untrusted", hint: "a copy" }),
      finding("warn", { line: 4, column: 5, message: "no tag" }),
      finding("exempt", { line: 5, message: "untrusted", exemption: { name: "a", reason: "INC-1" } }),
      finding("allow", { line: 6 }),
    ],
    troubles: [TROUBLE],
    notJudged: [{ line: 9, column: 1, field: "spec.image", image: "x" }],
  });
  assert.ok(report);
  const marks = marksOf(report).map(({ line, column, severity = "error", message, hint }) => [line, column, severity, message, hint]);
  assert.deepEqual(marks, [
    [3, 12, "error", "untrusted", "a copy"],
    [4, 5, "warning", "no tag", null],
    [5, null, "info", "exempt by a: INC-1", null],
    [8, 14, "error", "a quote is not closed", "close it"],
    [9, 1, "info", "this looks like an image, in a field that is not known to hold any: spec.image", null],
  ]);
});

test("images in lines have the places of their lines", () => {
  const findings = [finding("deny"), finding("allow")];
  const spots = placed(" nginx\r\n\n  \nredis:7\n", findings).map(({ line, column }) => [line, column]);
  assert.deepEqual(spots, [[1, 2], [4, 1]]);
  const inManifest = [finding("deny", { line: 7, column: 3, field: "spec.containers[0].image" }), finding("deny", { field: "spec.x" })];
  assert.deepEqual(placed("kind: Pod\n", inManifest), inManifest);
});

test("groups are what stands between commas", () => {
  assert.deepEqual(groupsOf(" dev, , system:masters,"), ["dev", "system:masters"]);
  assert.deepEqual(groupsOf(""), []);
});
