import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, days, duration, exemptCommand, moment, rate, shown } from "../src/words.js";

test("what cannot be seen is written out, and markup stays text", () => {
  assert.equal(shown("<img onerror=alert(1)>"), "<img onerror=alert(1)>");
  assert.equal(shown("a\u202eb\u0000c\u200b\u2028"), "a\\u{202e}b\\u{0}c\\u{200b}\\u{2028}");
  assert.equal(shown("grüße 東京"), "grüße 東京");
});

test("numbers are short", () => {
  assert.deepEqual([counted(1, "use"), counted(1200, "use")], ["1 use", "1,200 uses"]);
  assert.deepEqual([1, 2].map((of) => counted(of, "registry", "registries")), ["1 registry", "2 registries"]);
  assert.deepEqual([0, 0.01, 0.25, 9.94, 123.4, 4567].map(rate), ["0", "< 0.1", "0.3", "9.9", "123", "4,567"]);
  assert.deepEqual([0.00005, 0.0005, 0.0025, 1, 2.5].map(duration), ["50 µs", "500 µs", "2.5 ms", "1 s", "2.5 s"]);
  assert.deepEqual([days(0, 86_399), days(0, 86_400), days(1, 0)], [0, 1, -1]);
  assert.equal(moment("yesterday"), "–");
});

test("a command that is copied into a shell means one image, or there is none", () => {
  const rest = "--reason 'WHY' --expires YYYY-MM-DD";
  assert.equal(exemptCommand("quay.io/a/b:1", "ci"), `kubectl imagegate exempt quay.io/a/b:1 -n ci ${rest}`);
  assert.equal(
    exemptCommand("a;$(reboot)'`", "ci"),
    `kubectl imagegate exempt 'a;$(reboot)'\\''\`' -n ci ${rest}`,
  );
  for (const image of ["a b", "a\nb", "--help", "a\u202e", ""]) {
    assert.equal(exemptCommand(image, "ci"), null, JSON.stringify(image));
  }
});
