import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sample } from "../src/api.js";
import { buckets, extended, heat, lastMinute, ofReplica, quantile, rates, totals, violations } from "../src/now/history.js";

function sample(at: number, replica: string, allowed: number, denied = 0, latency: number[] = []): Sample {
  const violations: Record<string, number> = denied > 0 ? { "blocked-tag": denied } : {};
  return { at, seconds: 5, replica, allowed, denied, violations, latency };
}

test("what arrives twice counts once, and an hour is kept", () => {
  const one = extended([], [sample(5, "a", 1), sample(10, "a", 2)], 3600);
  const two = extended(one, [sample(10, "a", 2), sample(15, "a", 3)], 3600);
  assert.deepEqual(two.map(({ at }) => at), [5, 10, 15]);
  assert.equal(extended(two, [], 3600), two);
  assert.deepEqual(extended(two, [sample(3610, "a", 0)], 3600).map(({ at }) => at), [15, 3610]);
});

test("replicas are added up, and a time of which nothing is known is a hole", () => {
  const samples = [sample(5, "a", 10), sample(5, "b", 5, 5), sample(60, "a", 0)];
  assert.deepEqual(rates(samples, 5), { at: [5, 6, 60], allowed: [3, null, 0], denied: [1, null, 0] });
  assert.deepEqual(rates(ofReplica(samples, "b"), 5), { at: [5], allowed: [1], denied: [1] });
  assert.deepEqual(totals(samples), { allowed: 15, denied: 5 });
  assert.deepEqual(violations(samples), [["blocked-tag", 5]]);
});

test("the last minute is a rate over the time that is known of each replica", () => {
  const samples = [sample(10, "a", 999), sample(100, "a", 10), sample(105, "a", 20), sample(105, "b", 5)];
  assert.deepEqual(lastMinute(samples), { allowed: 30 / 10 + 5 / 5, denied: 0 });
  assert.deepEqual(lastMinute([]), { allowed: 0, denied: 0 });
});

test("quantiles are bounds of buckets", () => {
  const counts = buckets([sample(5, "a", 0, 0, [90, 9, 1]), sample(5, "b", 0, 0, [0, 0, 0])]);
  const bounds = [0.001, 0.01];
  assert.deepEqual([0.5, 0.9, 0.99, 1].map((share) => quantile(counts, bounds, share)), [0.001, 0.001, 0.01, Infinity]);
  assert.equal(quantile([0, 0], bounds, 0.5), null);
});

test("a heat map has each sample in one column", () => {
  const map = heat([sample(1, "a", 0, 0, [1, 2]), sample(100, "a", 0, 0, [3, 4]), sample(-5, "a", 0, 0, [9])], 0, 100, 2);
  assert.deepEqual(map, [[1, 2], [3, 4]]);
});
