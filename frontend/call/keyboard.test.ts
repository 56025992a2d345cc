import assert from "node:assert/strict";
import { test } from "node:test";
import { shortcutFor } from "./keyboard.ts";

const press = (key: string, changes = {}) => ({
  key,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  repeat: false,
  ...changes,
});

test("each key asks for its act, in small and in capital letters", () => {
  assert.equal(shortcutFor(press("m"), null), "microphone");
  assert.equal(shortcutFor(press("M"), { tagName: "BUTTON" }), "microphone");
  assert.equal(shortcutFor(press("v"), null), "camera");
  assert.equal(shortcutFor(press("s"), null), "share");
  assert.equal(shortcutFor(press("p"), null), "people");
  assert.equal(shortcutFor(press("?"), null), "help");
  assert.equal(shortcutFor(press("x"), null), null);
});

test("nothing happens while somebody types or chooses in a list", () => {
  for (const focused of [
    { tagName: "INPUT", type: "text" },
    { tagName: "INPUT" },
    { tagName: "TEXTAREA" },
    { tagName: "SELECT" },
    { tagName: "DIV", isContentEditable: true },
  ]) {
    assert.equal(shortcutFor(press("m"), focused), null);
  }
  assert.equal(shortcutFor(press("m"), { tagName: "INPUT", type: "checkbox" }), "microphone");
});

test("the browser's own combinations and a held key are left alone", () => {
  for (const changes of [{ ctrlKey: true }, { altKey: true }, { metaKey: true }, { repeat: true }]) {
    assert.equal(shortcutFor(press("s", changes), null), null);
  }
});
