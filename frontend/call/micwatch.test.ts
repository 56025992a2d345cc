import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadMicrophone, MutedSpeech } from "./micwatch.ts";

/** The seconds at which speech is told. */
function told(loudness: (second: number) => number, seconds: number): number[] {
  const watch = new MutedSpeech();
  const times: number[] = [];
  for (let tick = 0; tick < seconds * 10; tick += 1) {
    if (watch.note(loudness(tick / 10), tick * 100)) times.push(tick / 10);
  }
  return times;
}

test("a quiet room, a slammed door and somebody far away are no speech", () => {
  assert.deepEqual(
    told(() => 0.1, 30),
    [],
  );
  assert.deepEqual(
    told((second) => (second % 10 < 0.3 ? 1 : 0.1), 30),
    [],
  );
  assert.deepEqual(
    told(() => 0.4, 30),
    [],
  );
});

test("speech with its pauses is told within two seconds", () => {
  const [first] = told((second) => (second < 5 ? 0.1 : second % 1 < 0.7 ? 0.6 : 0.1), 20);
  assert.ok(first !== undefined && first > 5 && first < 7, String(first));
});

test("who speaks on without a microphone is not told again for a minute", () => {
  const times = told(() => 0.7, 150);
  assert.equal(times.length, 3);
  assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 60);
});

test("zeros for eight seconds are a dead microphone, a faint hiss is not", () => {
  const dead = new DeadMicrophone();
  assert.equal(dead.note(0, 0), false);
  assert.equal(dead.note(0, 7_900), false);
  assert.equal(dead.note(0, 8_000), true);
  assert.equal(dead.note(0.0001, 8_500), false);
  assert.equal(dead.note(0, 9_000), false);
  assert.equal(dead.note(0, 16_900), false);
  assert.equal(dead.note(0, 17_000), true);
});

test("a reopened microphone has its eight seconds again", () => {
  const dead = new DeadMicrophone();
  dead.note(0, 0);
  dead.reset();
  assert.equal(dead.note(0, 8_000), false);
});
