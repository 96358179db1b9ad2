import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { contentOf, fragmentOf, MOST_CHARACTERS, type Content } from "../src/playground/permalink.js";

const CONTENT: Content = {
  policy: "allowedRegistries: [docker.io]\n",
  manifest: "kind: Pod # é😀 \u202e <img src=x onerror=alert(1)>\n",
  namespace: "ci",
  user: "kim",
  groups: ["dev", "a b"],
};

function linkOf(value: unknown): string {
  return `v1.${deflateRawSync(JSON.stringify(value)).toString("base64url")}`;
}

test("a link is read back as it was written", async () => {
  for (const manifest of [CONTENT.manifest, "", "\ud800 half a character", "a\r\nb\u0000"]) {
    const fragment = await fragmentOf({ ...CONTENT, manifest });
    assert.ok(typeof fragment === "string" && /^v1\.[\w-]+$/.test(fragment), String(fragment));
    assert.deepEqual(await contentOf(fragment), { ...CONTENT, manifest });
  }
  assert.deepEqual(await contentOf(linkOf(CONTENT)), CONTENT, "of another compressor");
  assert.equal(await contentOf(""), null);
});

test("a link that is no link says so", async () => {
  const whole = String(await fragmentOf(CONTENT));
  const rows: [string, RegExp][] = [
    ["#", /no form that this page knows/],
    ["v2.abcd", /no form that this page knows/],
    ["javascript:alert(1)", /no form that this page knows/],
    ["v1.", /a part of it may be missing/],
    ["v1.<img src=x>", /characters that do not belong/],
    [whole.slice(0, -5), /characters that do not|a part of it/],
    [`${whole.slice(0, 20)}%20${whole.slice(20)}`, /characters that do not belong/],
    [linkOf("text"), /something is missing/],
    [linkOf(null), /something is missing/],
    [linkOf({ ...CONTENT, policy: 1 }), /something is missing/],
    [linkOf({ ...CONTENT, groups: [1] }), /something is missing/],
    [linkOf({ ...CONTENT, groups: undefined }), /something is missing/],
    [`v1.${Buffer.from("not deflated").toString("base64url")}`, /a part of it may be missing/],
  ];
  for (const [fragment, said] of rows) {
    const read = await contentOf(fragment);
    assert.ok(read && "message" in read, fragment);
    assert.match(read.message, said, fragment);
  }
});

test("what a link has too much of is not taken", async () => {
  const { manifest, ...rest } = CONTENT;
  const more = linkOf({ ...rest, manifest, html: "<script>" });
  assert.deepEqual(await contentOf(more), CONTENT);
});

test("a link has an end, both ways", async () => {
  let state = 1;
  const noise = Array.from({ length: 60_000 }, () => (state = (state * 48_271) % 2_147_483_647).toString(36)).join("");
  const fault = await fragmentOf({ ...CONTENT, manifest: noise });
  assert.ok(typeof fault !== "string");
  assert.match(fault.message, /65536 characters at most/);
  const long = await contentOf(`v1.${"A".repeat(MOST_CHARACTERS)}`);
  assert.ok(long && "message" in long && /more than 65536 characters/.test(long.message));
});

test("a bomb is put out before it is unpacked", async () => {
  const bomb = linkOf({ ...CONTENT, manifest: "a".repeat(40 << 20) });
  assert.ok(bomb.length < MOST_CHARACTERS, `${bomb.length} characters`);
  const read = await contentOf(bomb);
  assert.ok(read && "message" in read);
  assert.match(read.message, /more than 6 MiB/);
});
