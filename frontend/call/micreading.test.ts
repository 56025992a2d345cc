import assert from "node:assert/strict";
import { test } from "node:test";
import { readingOf } from "./micreading.ts";

test("silence is zero, a full sine wave is the top of the scale", () => {
  assert.deepEqual(readingOf(new Float32Array(64)), { loudness: 0, peak: 0 });
  const { loudness, peak } = readingOf(Float32Array.from({ length: 4096 }, (_, index) => Math.sin(index / 7)));
  assert.equal(loudness, 1);
  assert.ok(peak > 0.99);
});

test("−35 dB is the middle", () => {
  const { loudness } = readingOf(new Float32Array(64).fill(10 ** (-35 / 20)));
  assert.ok(Math.abs(loudness - 0.5) < 0.01);
});
