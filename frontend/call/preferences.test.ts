import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceFault } from "./devicefault.ts";
import { loudness } from "./levelmeter.ts";
import { loadPreferences, savePreferences, type TextStore } from "./preferences.ts";

function storeOf(text: string | null): TextStore & { text: string | null } {
  const store = {
    text,
    getItem: () => store.text,
    setItem: (_key: string, value: string) => {
      store.text = value;
    },
  };
  return store;
}

test("what was saved comes back", () => {
  const store = storeOf(null);
  const preferences = { ...loadPreferences(store), name: "Ada", cameraId: "cam-2", isCameraWanted: false };
  savePreferences(store, preferences);
  assert.deepEqual(loadPreferences(store), preferences);
});

test("broken, foreign or wrongly typed content falls back to the defaults, field by field", () => {
  const defaults = loadPreferences(storeOf(null));
  for (const text of ["", "{", "null", "[1]", '"x"', '{"constructor":"x"}'])
    assert.deepEqual(loadPreferences(storeOf(text)), defaults, text);
  const mixed = loadPreferences(storeOf('{"name":7,"cameraId":"c","isCameraWanted":"no","evil":1}'));
  assert.deepEqual(mixed, { ...defaults, cameraId: "c" });
});

test("a browser that blocks storage still works", () => {
  const blocked: TextStore = {
    getItem: () => {
      throw new DOMException("denied", "SecurityError");
    },
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
  };
  assert.equal(loadPreferences(blocked).isMicrophoneWanted, true);
  savePreferences(blocked, loadPreferences(blocked));
});

test("faults of devices are told apart by what repairs them", () => {
  const fault = (name: string) => deviceFault(new DOMException("x", name));
  assert.equal(fault("NotAllowedError"), "refused");
  assert.equal(fault("NotFoundError"), "missing");
  assert.equal(fault("OverconstrainedError"), "missing");
  assert.equal(fault("NotReadableError"), "busy");
  assert.equal(fault("InsecureContextError"), "insecure");
  assert.equal(deviceFault("text"), "unknown");
  assert.equal(deviceFault(null), "unknown");
});

test("silence is 0, a loud voice is near 1, louder is never less", () => {
  const wave = (amplitude: number) =>
    Uint8Array.from({ length: 512 }, (_, index) => 128 + Math.round(amplitude * Math.sin(index / 5)));
  assert.equal(loudness(wave(0)), 0);
  assert.equal(loudness(new Uint8Array()), 0);
  const levels = [1, 4, 16, 64, 127].map((amplitude) => loudness(wave(amplitude)));
  assert.deepEqual(
    levels,
    [...levels].sort((a, b) => a - b),
  );
  assert.ok((levels.at(-1) ?? 0) > 0.9 && (levels[0] ?? 1) > 0);
});
