import assert from "node:assert/strict";
import { test } from "node:test";
import { Sounds } from "./sounds.ts";

function harness(people = 2, off = "") {
  const state = { people, nowMs: 0, played: 0 };
  const sounds = new Sounds({
    isOn: (sound) => sound !== off,
    peopleCount: () => state.people,
    now: () => state.nowMs,
    play: (notes) => {
      assert.ok(notes.length > 0);
      state.played += 1;
    },
  });
  return { state, sounds };
}

test("each sound is played once a second at most", () => {
  const { state, sounds } = harness();
  sounds.play("chat");
  state.nowMs = 999;
  sounds.play("chat");
  assert.equal(state.played, 1);
  sounds.play("hand");
  assert.equal(state.played, 2);
  state.nowMs = 1000;
  sounds.play("chat");
  assert.equal(state.played, 3);
});

test("each can be turned off alone, and a large room is silent", () => {
  const { state, sounds } = harness(20, "hand");
  sounds.play("hand");
  assert.equal(state.played, 0);
  sounds.play("chat");
  assert.equal(state.played, 1);
  state.people = 21;
  state.nowMs = 5000;
  sounds.play("chat");
  assert.equal(state.played, 1);
});
