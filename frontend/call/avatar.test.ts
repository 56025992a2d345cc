import assert from "node:assert/strict";
import { test } from "node:test";
import { AVATAR_COLOURS, colourIndex, initials } from "./avatar.ts";

test("initials are the first letters of the first and the last word", () => {
  assert.equal(initials("Alice Dupont"), "AD");
  assert.equal(initials("jean-pierre de la tour"), "JT");
  assert.equal(initials("Élodie"), "É");
  assert.equal(initials("  李 雷 "), "李雷");
  assert.equal(initials("🦊 Renard"), "R");
});

test("a name without a letter has a question mark", () => {
  assert.equal(initials(""), "?");
  assert.equal(initials(" -- "), "?");
  assert.equal(initials("🦊"), "?");
});

test("an identity keeps its colour, and identities spread over all colours", () => {
  assert.equal(colourIndex("7f3a"), colourIndex("7f3a"));
  const used = new Set(Array.from({ length: 200 }, (_, index) => colourIndex(`identity-${index}`)));
  assert.equal(used.size, AVATAR_COLOURS);
  assert.ok([...used].every((index) => Number.isInteger(index) && index >= 0 && index < AVATAR_COLOURS));
});
