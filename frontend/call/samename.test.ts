import assert from "node:assert/strict";
import { test } from "node:test";
import { sameName } from "./samename.ts";

test("a name is the same however it is typed", () => {
  assert.equal(sameName("Alice Martin", "  alice   MARTIN "), true);
  assert.equal(sameName("Chloe\u0301", "Chloé"), true);
  assert.equal(sameName("Alice Martin", "Alice Martins"), false);
});

test("nameless people are not each other", () => {
  assert.equal(sameName("", " "), false);
  assert.equal(sameName(undefined, undefined), false);
});
