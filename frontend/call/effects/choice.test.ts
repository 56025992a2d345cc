import assert from "node:assert/strict";
import { test } from "node:test";
import { CHOICES, modeFor, parseChoice } from "./choice.ts";

test("each choice is remembered; what this release does not know is none", () => {
  for (const choice of CHOICES) assert.equal(parseChoice(choice, true), choice);
  for (const text of ["", "blur", "picture-", "picture-../x", "none "]) assert.equal(parseChoice(text, true), "none");
});

test("an own picture that this browser no longer has is none", () => {
  assert.equal(parseChoice("picture-own", false), "none");
});

test("strong blurs more than light, a picture has its address", () => {
  const addressOf = (name: string) => `/pictures/${name}`;
  const radius = (choice: "blur-light" | "blur-strong") => {
    const mode = modeFor(choice, addressOf);
    return mode.mode === "background-blur" ? mode.blurRadius : 0;
  };
  assert.ok(radius("blur-light") > 0 && radius("blur-strong") > 2 * radius("blur-light"));
  assert.deepEqual(modeFor("picture-library", addressOf), {
    mode: "virtual-background",
    imagePath: "/pictures/library",
  });
  assert.deepEqual(modeFor("picture-own", addressOf), { mode: "virtual-background", imagePath: "/pictures/own" });
  assert.deepEqual(modeFor("none", addressOf), { mode: "disabled" });
});
