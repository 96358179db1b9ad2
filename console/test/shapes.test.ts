import assert from "node:assert/strict";
import { test } from "node:test";
import type { Checked, Decisions, Explanation, Images, Now, Policy } from "../src/api.js";
import checked from "./answers/checked.json" with { type: "json" };
import decisions from "./answers/decisions.json" with { type: "json" };
import explanation from "./answers/explanation.json" with { type: "json" };
import images from "./answers/images.json" with { type: "json" };
import invalid from "./answers/invalid.json" with { type: "json" };
import now from "./answers/now.json" with { type: "json" };
import policy from "./answers/policy.json" with { type: "json" };

/** The compiler compares the server's own answers with the types that the page reads them by. */
test("the answers of the server have the types of the page", () => {
  const answers = [
    now as Widened<typeof now> satisfies Partial<Now>,
    decisions satisfies Partial<Decisions>,
    explanation satisfies Partial<Explanation>,
    images as Worded<typeof images, Images, "running"> satisfies Images,
    policy as Worded<typeof policy, Policy, "change" | "history"> satisfies Policy,
    checked as Worded<typeof checked, Checked, "effects" | "candidate"> satisfies Checked,
    invalid satisfies Checked,
  ];
  for (const answer of answers) assert.ok(Object.keys(answer).length > 0);
});

/** A JSON module says `string` where there is one of a few words. */
type Widened<T> = Omit<T, "problems"> & Pick<Now, "problems">;

/** The same of some fields. */
type Worded<T, U, K extends keyof U> = Omit<T, K> & Pick<U, K>;
