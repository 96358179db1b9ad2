import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Text } from "@codemirror/state";
import type { Checked } from "../src/api.js";
import { Drafts } from "../src/policy/drafts.js";
import { inOneLine } from "../src/policy/effect.js";
import { dayIn, exemptionLink, wishOf } from "../src/policy/exemption.js";
import { Newest, unlessLate } from "../src/policy/newest.js";
import { ITEM, placeAt, type Step } from "../src/editor/place.js";
import { choicesAt, describedAt, type Schema } from "../src/editor/schema.js";
import { spanOf } from "../src/editor/span.js";
import checked from "./answers/checked.json" with { type: "json" };

const SCHEMA = JSON.parse(readFileSync("../config/policy.schema.json", "utf8")) as Schema;

/** A text with `|` where the cursor is. */
function cut(text: string): [string, number] {
  const offset = text.indexOf("|");
  return [text.slice(0, offset) + text.slice(offset + 1), offset];
}

test("a place is known by the lines before it", () => {
  const rows: [string, Step[], boolean][] = [
    ["|", [], true],
    ["mo|", [], true],
    ["mode: w|", ["mode"], false],
    ["mode: warn\n|", [], true],
    ["allowedRegistries:\n  - gc|", ["allowedRegistries", ITEM], true],
    ["allowedRegistries:\n- a\n- |", ["allowedRegistries", ITEM], true],
    ["exemptions:\n  - name: a\n    |", ["exemptions", ITEM], true],
    ["exemptions:\n- name: a\n  images: [b]\n  re|", ["exemptions", ITEM], true],
    ["exemptions:\n  - name: a\n|", [], true],
    ["namespaceOptOut:\n  us|", ["namespaceOptOut"], true],
    ["overrides: [{name: a, mo|", ["overrides", ITEM], true],
    ["overrides: [{name: a, mode: |", ["overrides", ITEM, "mode"], false],
    ["overrides:\n  - {name: 'a, b: {', namespaces: [\n      d|", ["overrides", ITEM, "namespaces", ITEM], true],
    ["overrides:\n  - {name: a}\nmo|", [], true],
    ["denialHint: >\n  mode: here\n\nmo|", [], true],
    ["# mode:\n\nmo|", [], true],
  ];
  for (const [marked, path, isBeginning] of rows) {
    const place = placeAt(...cut(marked));
    assert.deepEqual([place?.path, place?.isBeginning], [path, isBeginning], marked);
  }
  for (const marked of ["# mo|", "mode:|", "mode: 'wa|", "denialHint: |\n".replace("|\n", ">\n  te|"), "a b|"]) {
    assert.equal(placeAt(...cut(marked)), null, marked);
  }
});

test("what may be written is what the schema says, and nothing twice", () => {
  const texts = (marked: string) => choicesAt(SCHEMA, ...cut(marked))?.choices.map(({ text }) => text) ?? [];
  assert.deepEqual(texts("mode: |"), ["enforce", "warn", "audit"]);
  assert.deepEqual(texts("requireTag: |"), ["true", "false"]);
  assert.ok(texts("|").includes("allowedRegistries"));
  assert.ok(!texts("mode: warn\n|").includes("mode"));
  assert.ok(texts("exemptions:\n  - name: a\n    |").includes("reason"));
  assert.ok(!texts("exemptions:\n  - name: a\n    |").includes("name"));
  assert.ok(texts("exemptions:\n  - name: a\n  - |").includes("name"), "of another item");
  assert.ok(texts("overrides: [{|").includes("namespaces"));
  assert.deepEqual(texts("denialHint: |"), []);
  const list = choicesAt(SCHEMA, ...cut("allowedReg|"))?.choices.find(({ text }) => text === "allowedRegistries");
  assert.deepEqual([list?.isBlock, list?.preset], [true, '["docker.io","gcr.io"]']);
});

test("a field is described where it stands", () => {
  const at = (marked: string) => describedAt(SCHEMA, ...cut(marked));
  assert.match(at("mo|de: warn")?.description ?? "", /^What a violation leads to/);
  assert.equal(at("mo|de: warn")?.preset, "enforce");
  assert.deepEqual([at("a: 1\nmode|: warn")?.from, at("a: 1\nmode|: warn")?.to], [5, 9]);
  assert.ok(at("exemptions:\n  - na|me: a"));
  assert.ok(at("exemptions: [{na|me: a}]"));
  for (const marked of ["mode: wa|rn", "# mo|de: warn", "unkno|wn: 1", "mode|", "exemptions:\n  - mo|de: a"]) {
    assert.equal(at(marked), null, marked);
  }
});

test("what is wrong is underlined by the word, within the text", () => {
  const of = (text: string, line: number | null, column: number | null) => {
    const { from, to } = spanOf(Text.of(text.split("\n")), line, column);
    return text.slice(from, to);
  };
  const text = "mode: warn\nallowedRegistry: [a, bb]\n";
  assert.equal(of(text, 2, 1), "allowedRegistry");
  assert.equal(of(text, 2, 22), "bb");
  assert.equal(of(text, 1, 7), "warn");
  assert.equal(of(text, null, null), "mode: warn");
  assert.equal(of("é😀: x", 1, 5), "x");
  assert.equal(of("{mode: warn}", 1, 8), "warn");
  for (const [line, column] of [[9, 9], [3, 1], [1, 99], [0, 0]] as const) {
    const { from, to } = spanOf(Text.of(text.split("\n")), line, column);
    assert.ok(from >= 0 && to > from && to <= text.length, `${line}:${column} ${from} ${to}`);
  }
  assert.deepEqual(spanOf(Text.empty, 1, 1), { from: 0, to: 0 });
});

test("only the answer to the last question counts", async () => {
  const newest = new Newest();
  const heard: string[] = [];
  const ask = (name: string) => {
    const signal = newest.ask();
    let answer = (_: string) => {};
    let fail = (_: Error) => {};
    const promise = new Promise<string>((resolve, reject) => [answer, fail] = [resolve, reject]);
    const done = unlessLate(signal, promise).then(
      (text) => text !== null && heard.push(text),
      (error: Error) => heard.push(`${name}: ${error.message}`),
    );
    return { answer: () => answer(name), fail: () => fail(new Error("lost")), done };
  };
  const [first, second, third] = [ask("first"), ask("second"), ask("third")];
  third.answer();
  first.answer();
  second.fail();
  await Promise.all([first.done, second.done, third.done]);
  assert.deepEqual(heard, ["third"]);
  const last = ask("last");
  last.fail();
  await last.done;
  assert.deepEqual(heard, ["third", "last: lost"]);
});

test("an edit is told in one line to whoever hears it", () => {
  const answer = checked as unknown as Checked;
  assert.equal(inOneLine(answer), "Valid. 2 images newly denied, 0 images newly admitted.");
  const problem = { document: "policy.yaml", path: "", line: 1, column: 1, message: "no", hint: null };
  assert.equal(inOneLine({ ...answer, isValid: false, problems: [problem] }), "1 problem");
});

test("a link to an exemption is read back as it was written, whatever the image is called", () => {
  for (const image of ["quay.io/a/b:1", "<img src=x>&namespace=prod", "a b#c?d=e%20\u202e"]) {
    assert.deepEqual(wishOf(exemptionLink({ image, namespace: "ci" })), { image, namespace: "ci" });
  }
  for (const hash of ["", "#policy", "#policy?exempt=a", "#now?exempt=a&namespace=b", "#policy?exempt=&namespace=b"]) {
    assert.equal(wishOf(hash), null, hash);
  }
  assert.equal(dayIn(30, Date.parse("2026-12-15T23:00:00Z")), "2027-01-14");
});

test("drafts are kept in the tab, as far as they fit", () => {
  const kept = new Map<string, string>();
  const store = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => {
      if (value.length > 100) throw new Error("full");
      kept.set(key, value);
    },
    removeItem: (key: string) => void kept.delete(key),
  };
  const draft = { text: "mode: warn\n", original: "" };
  new Drafts(store).set("policy", draft);
  const drafts = new Drafts(store);
  assert.deepEqual([drafts.get("policy"), drafts.get("candidate")], [draft, undefined]);
  const long = { text: "#".repeat(100), original: "" };
  drafts.set("policy", long);
  assert.deepEqual([drafts.get("policy"), new Drafts(store).get("policy")], [long, undefined]);
  drafts.set("candidate", draft);
  drafts.clear();
  assert.deepEqual([drafts.get("candidate"), kept.size], [undefined, 0]);
  for (const wrong of ["{", "null", "1", "[]", '{"text":1}']) {
    kept.set("draft of the policy", wrong);
    assert.equal(new Drafts(store).get("policy"), undefined, wrong);
  }
});
