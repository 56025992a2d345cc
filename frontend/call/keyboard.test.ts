import assert from "node:assert/strict";
import { test } from "node:test";
import {
  chordOf,
  chordRefusal,
  chordsFromText,
  chordsToText,
  DEFAULT_CHORDS,
  SHORTCUT_KEYS,
  SHORTCUTS,
  shortcutFor,
} from "./keyboard.ts";

const press = (key: string, changes = {}) => ({
  key,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  shiftKey: false,
  repeat: false,
  code: "",
  ...changes,
});
const TEXT_FIELD = { tagName: "TEXTAREA" };

test("each key asks for its act, in small and in capital letters", () => {
  for (const shortcut of SHORTCUTS) {
    assert.equal(shortcutFor(press(SHORTCUT_KEYS[shortcut]), null), shortcut);
    assert.equal(shortcutFor(press(SHORTCUT_KEYS[shortcut].toLowerCase()), { tagName: "BUTTON" }), shortcut);
  }
  assert.equal(shortcutFor(press("z"), null), null);
});

test("nothing happens while somebody types or chooses in a list", () => {
  for (const focused of [
    { tagName: "INPUT", type: "text" },
    { tagName: "INPUT" },
    TEXT_FIELD,
    { tagName: "SELECT" },
    { tagName: "DIV", isContentEditable: true },
  ]) {
    assert.equal(shortcutFor(press("m"), focused), null);
  }
  assert.equal(shortcutFor(press("m"), { tagName: "INPUT", type: "checkbox" }), "microphone");
});

test("the browser's own combinations and a held key are left alone", () => {
  for (const changes of [{ ctrlKey: true }, { metaKey: true }, { repeat: true }, { altKey: true, ctrlKey: true }]) {
    assert.equal(shortcutFor(press("s", changes), null), null);
  }
});

test("with Alt each act answers everywhere, also while somebody types and with single keys off", () => {
  assert.equal(shortcutFor(press("m", { altKey: true }), TEXT_FIELD, DEFAULT_CHORDS, false), "microphone");
  assert.equal(shortcutFor(press("?", { altKey: true, shiftKey: true }), null), "help");
  assert.equal(shortcutFor(press("m"), null, DEFAULT_CHORDS, false), null);
  assert.equal(shortcutFor(press("?"), null, DEFAULT_CHORDS, false), "help");
});

test("a sign that Option or AltGr writes is written, and outside of a field it is the key below it", () => {
  const option = press("µ", { altKey: true, code: "KeyM" });
  assert.equal(shortcutFor(option, TEXT_FIELD), null);
  assert.equal(shortcutFor(option, null), "microphone");
  const chords = { ...DEFAULT_CHORDS, chat: "Ctrl+Alt+E" };
  assert.equal(shortcutFor(press("€", { altKey: true, ctrlKey: true, code: "KeyE" }), TEXT_FIELD, chords), null);
});

test("a combination is its modifiers in one order and the key that its letter stands on", () => {
  assert.equal(chordOf(press("K", { ctrlKey: true, shiftKey: true, altKey: true })), "Ctrl+Alt+Shift+K");
  assert.equal(chordOf(press("Alt", { altKey: true })), null);
  assert.equal(chordOf(press("Dead", { altKey: true, code: "KeyE" })), "Alt+E");
  assert.equal(chordOf(press("F8", { altKey: true })), "Alt+F8");
});

test("a combination that is taken, reserved or without a modifier is refused with the reason", () => {
  assert.deepEqual(chordRefusal("chat", "Alt+M", DEFAULT_CHORDS), { reason: "taken", by: "microphone" });
  assert.equal(chordRefusal("microphone", "Alt+M", DEFAULT_CHORDS), null);
  assert.deepEqual(chordRefusal("chat", "Ctrl+Shift+T", DEFAULT_CHORDS), { reason: "reserved" });
  for (const chord of ["M", "Ctrl+W", "Shift+M", "Meta+M", "Alt+Tab", "Alt+Space", "Alt+ArrowLeft"]) {
    assert.deepEqual(chordRefusal("chat", chord, DEFAULT_CHORDS), { reason: "form" }, chord);
  }
  assert.equal(chordRefusal("chat", "Ctrl+Shift+H", DEFAULT_CHORDS), null);
});

test("own combinations are remembered; broken and conflicting ones fall back", () => {
  const own = { ...DEFAULT_CHORDS, chat: "Ctrl+Alt+9", hand: "Alt+Shift+H" };
  assert.deepEqual(chordsFromText(chordsToText(own)), own);
  assert.equal(chordsToText(DEFAULT_CHORDS), "");
  for (const text of [
    "",
    "x",
    "chat=",
    "chat=M",
    "evil=Alt+X",
    "chat=Alt+M",
    "=",
    "hand=Alt+C chat=Alt+H camera=Alt+H",
  ]) {
    const chords = chordsFromText(text);
    assert.equal(new Set(Object.values(chords)).size, SHORTCUTS.length, text);
  }
  assert.equal(chordsFromText("chat=Alt+M").chat, "Alt+C");
  assert.deepEqual(chordsFromText("hand=Alt+C chat=Alt+H"), { ...DEFAULT_CHORDS, hand: "Alt+C", chat: "Alt+H" });
});
