import assert from "node:assert/strict";
import { test } from "node:test";
import { isOnControl, startsTalk, TalkHold } from "./pushtotalk.ts";

const press = (key: string, changes = {}) => ({
  key,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  repeat: false,
  ...changes,
});

test("space talks where the focus is on the page, the stage or a heading", () => {
  assert.equal(startsTalk(press(" "), null), true);
  assert.equal(startsTalk(press(" "), { tagName: "BODY", tabIndex: -1 }), true);
  assert.equal(startsTalk(press(" "), { tagName: "H2", tabIndex: -1, getAttribute: () => null }), true);
});

test("space belongs to the control that has the focus", () => {
  for (const tagName of ["BUTTON", "A", "INPUT", "TEXTAREA", "SELECT", "SUMMARY"])
    assert.equal(startsTalk(press(" "), { tagName }), false, tagName);
  assert.equal(isOnControl({ tagName: "DIV", isContentEditable: true }), true);
  assert.equal(isOnControl({ tagName: "DIV", tabIndex: 0 }), true);
  assert.equal(isOnControl({ tagName: "DIV", tabIndex: -1, getAttribute: () => "menuitem" }), true);
});

test("another key, a held one and one with a modifier do not talk", () => {
  assert.equal(startsTalk(press("x"), null), false);
  for (const changes of [{ repeat: true }, { ctrlKey: true }, { altKey: true }, { metaKey: true }])
    assert.equal(startsTalk(press(" ", changes), null), false);
});

test("the microphone is open while the key is held, and closed once after it", () => {
  const turns: boolean[] = [];
  const hold = new TalkHold((isOn) => turns.push(isOn));
  assert.equal(hold.press(false), true);
  assert.equal(hold.press(true), false);
  hold.release();
  hold.release();
  assert.deepEqual(turns, [true, false]);
});

test("a microphone that is open already stays open", () => {
  const turns: boolean[] = [];
  const hold = new TalkHold((isOn) => turns.push(isOn));
  assert.equal(hold.press(true), false);
  hold.release();
  assert.deepEqual(turns, []);
});
