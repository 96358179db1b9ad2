import assert from "node:assert/strict";
import { test } from "node:test";
import type { Use } from "../src/api.js";
import { toCsv, toJson } from "../src/images/export.js";
import { ALL, filtered, registryOf, shares, sorted } from "../src/images/rows.js";

function use(image: string, change: Partial<Use> = {}): Use {
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
  assert.equal(lines[0], "image,registry,repository,tag,pinned,namespace,owner,user,count,firstSeen,lastSeen,refused");
  assert.ok(csv.includes(`'=cmd|' /C calc'!A0,`), csv);
  assert.ok(csv.includes(`"a,""b"""`) && csv.includes(`'+1`) && csv.includes(`"a\r\nb"`), csv);
  assert.deepEqual(JSON.parse(toJson(USES)).images, USES);
});
