import assert from "node:assert/strict";
import { test } from "node:test";
import { controlsThatFit, SPILLING } from "./barfit.ts";

test("a desk's width has room for everything", () => {
  assert.deepEqual([...controlsThatFit(1280, SPILLING, true)].sort(), [...SPILLING].sort());
});

test("at 320 px hand and chat stay under the thumb, the rest goes into the menu", () => {
  assert.deepEqual([...controlsThatFit(320, SPILLING, true)], ["hand"]);
  assert.deepEqual([...controlsThatFit(360, SPILLING, true)], ["chat", "hand"]);
});

test("what is not wanted takes no room", () => {
  assert.deepEqual([...controlsThatFit(360, ["people"], false)], ["people"]);
  assert.deepEqual([...controlsThatFit(320, [], true)], []);
});

test("a wider bar never shows less, the words' folding apart", () => {
  let before = 0;
  for (let width = 280; width < 700; width += 1) {
    const count = controlsThatFit(width, SPILLING, true).size;
    assert.ok(count >= before, `${width}`);
    before = count;
  }
});
