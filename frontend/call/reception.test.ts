import assert from "node:assert/strict";
import { test } from "node:test";
import { clampVolume, Reception } from "./reception.ts";

test("a volume is between silent and full", () => {
  assert.deepEqual([-5, 0, 35, 100, 250].map(clampVolume), [0, 0, 0.35, 1, 1]);
  assert.equal(clampVolume(Number.NaN), 1);
});

test("each person has their own volume, and a new one is told as a new map", () => {
  const reception = new Reception();
  const before = reception.getSnapshot().volumes;
  reception.setVolume("bob", 20);
  reception.setVolume("eve", 0);
  assert.notEqual(reception.getSnapshot().volumes, before);
  assert.deepEqual(
    [...reception.getSnapshot().volumes],
    [
      ["bob", 0.2],
      ["eve", 0],
    ],
  );
});

test("sound and picture are switched apart from each other, and listeners hear of it", () => {
  const reception = new Reception();
  let told = 0;
  const stop = reception.subscribe(() => {
    told += 1;
  });
  reception.setVideoOff(true);
  reception.setSoundOff(true);
  reception.setVideoOff(false);
  stop();
  reception.setSoundOff(false);
  assert.equal(told, 3);
  assert.deepEqual(reception.getSnapshot(), { isVideoOff: false, isSoundOff: false, volumes: new Map() });
});
