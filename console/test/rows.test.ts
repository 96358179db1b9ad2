import assert from "node:assert/strict";
import { test } from "node:test";
import type { Images, RunningUse, SeenUse } from "../src/api.js";
import { toCsv, toJson } from "../src/images/export.js";
import { usesOf, type Use } from "../src/images/join.js";
import { ALL, filtered, registryOf, shares, sorted } from "../src/images/rows.js";

function use(image: string, change: Partial<Use> = {}): Use {
  return { ...seen(image), where: "seen", pods: null, digests: "", answer: null, rule: null, ...change };
}

function seen(image: string, change: Partial<SeenUse> = {}): SeenUse {
  return {
    image,
    registry: "quay.io",
    repository: "acme/web",
    tag: "1",
    pinned: false,
    namespace: "ci",
    owner: "Job/nightly",
    user: "kim",
    count: 1,
    firstSeen: null,
    lastSeen: null,
    refused: false,
    ...change,
  };
}

const USES = [
  use("quay.io/acme/web:1", { count: 5 }),
  use("nginx", { registry: "docker.io", tag: null, namespace: "web", refused: true }),
  use("a b", { registry: null, repository: null, tag: null }),
  use("quay.io/acme/web@sha256:0", { tag: null, pinned: true, lastSeen: "2026-11-27T09:00:00Z" }),
];

test("each condition narrows down, and words may stand anywhere in the row", () => {
  const found = (change: Partial<typeof ALL>) =>
    filtered(USES, { ...ALL, ...change }).map(({ image }) => USES.findIndex((use) => use.image === image));
  assert.deepEqual(found({}), [0, 1, 2, 3]);
  assert.deepEqual(found({ registry: "docker.io" }), [1]);
  assert.deepEqual(found({ registry: "not a reference" }), [2]);
  assert.deepEqual(found({ namespace: "web" }), [1]);
  assert.deepEqual(found({ tag: "=1" }), [0]);
  assert.deepEqual(found({ tag: "none" }), [1, 2, 3]);
  assert.deepEqual(found({ unpinned: true }), [0, 1, 2]);
  assert.deepEqual(found({ decision: "refused" }), [1]);
  assert.deepEqual(found({ decision: "admitted" }), [0, 2, 3]);
  assert.deepEqual(found({ text: "KIM acme" }), [0, 3]);
  assert.deepEqual(found({ text: "acme docker" }), []);
});

test("rows are sorted either way, and by image where they are alike", () => {
  const images = (column: "count" | "lastSeen", descending: boolean) =>
    sorted(USES, { column, descending }).map(({ image }) => image);
  assert.equal(images("count", true)[0], "quay.io/acme/web:1");
  assert.equal(images("count", false).at(-1), "quay.io/acme/web:1");
  assert.equal(images("lastSeen", true)[0], "quay.io/acme/web@sha256:0");
  assert.deepEqual(images("count", true).slice(1, 3), ["a b", "nginx"]);
  assert.deepEqual(shares(USES, registryOf), [["quay.io", 2], ["docker.io", 1], ["not a reference", 1]]);
});

test("a spreadsheet finds no formula in a saved file", () => {
  const csv = toCsv([use("=cmd|' /C calc'!A0", { owner: 'a,"b"', user: "+1", namespace: "a\r\nb" })]);
  const lines = csv.split("\r\n");
  assert.equal(lines[0], "image,registry,repository,tag,pinned,namespace,owner,user,count,firstSeen,lastSeen,refused,where,pods,digests,answer,rule");
  assert.ok(csv.includes(`'=cmd|' /C calc'!A0,`), csv);
  assert.ok(csv.includes(`"a,""b"""`) && csv.includes(`'+1`) && csv.includes(`"a\r\nb"`), csv);
  assert.deepEqual(JSON.parse(toJson(USES)).images, USES);
});

function running(image: string, change: Partial<RunningUse> = {}): RunningUse {
  const { registry, repository, tag, pinned, namespace, owner } = seen(image);
  const known = { image, registry, repository, tag, pinned, namespace, owner };
  return { ...known, pods: 2, digests: [], answer: "allow", rule: null, outOfReach: null, ...change };
}

const IMAGES: Images = {
  at: 0,
  notes: [],
  gaps: [],
  images: [
    seen("a", { user: "kim", count: 3, firstSeen: "2026-11-27T08:00:00Z", lastSeen: "2026-11-27T10:00:00Z", refused: true }),
    seen("a", { user: "lee", count: 4, firstSeen: "2026-11-27T07:00:00Z", lastSeen: "2026-11-27T09:00:00Z" }),
    seen("a", { namespace: "web" }),
    seen("gone"),
  ],
  running: {
    at: 0,
    gaps: [],
    policyHash: "0",
    images: [
      running("a", { answer: "deny", rule: "untrusted-registry", digests: ["sha256:1", "sha256:2"] }),
      running("system", { namespace: "kube-system", outOfReach: "excluded", answer: "deny", rule: "latest-tag" }),
      running("quiet", { pods: 0, answer: null }),
    ],
  },
  runningFault: null,
};

test("what runs has all that was seen of it, and each use is there once", () => {
  const where = (view: Parameters<typeof usesOf>[1]) => usesOf(IMAGES, view).map(({ image, where }) => `${image} ${where}`);
  assert.deepEqual(where("seen"), ["a seen", "a seen", "a seen", "gone seen"]);
  assert.deepEqual(where("running"), ["a both", "system runs", "quiet runs"]);
  assert.deepEqual(where("both"), ["a both", "system runs", "quiet runs", "a seen", "gone seen"]);
  const [a, system, quiet] = usesOf(IMAGES, "both");
  assert.deepEqual([a?.user, a?.count, a?.pods, a?.digests], ["kim, lee", 7, 2, "sha256:1 sha256:2"]);
  assert.deepEqual([a?.firstSeen, a?.lastSeen, a?.refused], ["2026-11-27T07:00:00Z", "2026-11-27T10:00:00Z", true]);
  assert.deepEqual([system?.answer, system?.rule, system?.refused, system?.count], ["not judged", "excluded", null, null]);
  assert.deepEqual([quiet?.answer, quiet?.pods], [null, 0]);
  assert.deepEqual(usesOf({ ...IMAGES, running: null }, "both").length, 4);
});

test("what would become of it narrows down, and the worst comes first", () => {
  const uses = [...usesOf(IMAGES, "both"), use("b", { answer: "warn" }), use("c", { answer: "exempt" })];
  const found = (again: (typeof ALL)["again"]) => filtered(uses, { ...ALL, again }).map(({ image }) => image);
  assert.deepEqual([found("refused"), found("admitted"), found("not judged")], [["a"], ["b", "c"], ["system"]]);
  const images = sorted(uses, { column: "answer", descending: true }).map(({ image }) => image);
  assert.deepEqual(images.slice(0, 4), ["a", "b", "c", "system"]);
  assert.deepEqual(filtered(uses, { ...ALL, text: "sha256:2" }).length, 1);
});
