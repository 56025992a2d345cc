import assert from "node:assert/strict";
import { test } from "node:test";
import { isOnStage, isPreparing, nextPhase, type Phase, type PhaseEvent } from "./phase.ts";

const follow = (events: PhaseEvent[], from: Phase = { name: "device-check" }) => events.reduce(nextPhase, from);

test("a guest goes from the device check through the lobby into the call and out again", () => {
  const phase = follow([{ type: "enter" }, { type: "waiting" }, { type: "admitted" }, { type: "connected" }]);
  assert.deepEqual(phase, { name: "connected" });
  assert.deepEqual(nextPhase(phase, { type: "leave" }), { name: "left" });
});

test("a failed attempt comes back to the device check and says why", () => {
  const phase = follow([{ type: "enter" }, { type: "enter-failed", notice: "offline" }]);
  assert.deepEqual(phase, { name: "device-check", notice: "offline" });
});

test("a cut shows its layer and ends when the link is back", () => {
  const cut = nextPhase({ name: "connected" }, { type: "link-lost", layer: "media" });
  assert.deepEqual(cut, { name: "reconnecting", layer: "media" });
  assert.deepEqual(nextPhase(cut, { type: "link-back" }), { name: "connected" });
});

test("news that comes after the person left changes nothing", () => {
  const left: Phase = { name: "left" };
  const late: PhaseEvent[] = [
    { type: "admitted" },
    { type: "connected" },
    { type: "link-lost", layer: "signal" },
    { type: "link-back" },
    { type: "over", outcome: "removed" },
  ];
  for (const event of late) assert.equal(nextPhase(left, event), left);
});

test("the first end stays: who was removed is not told that the meeting ended", () => {
  const removed = nextPhase({ name: "connected" }, { type: "over", outcome: "removed" });
  assert.equal(nextPhase(removed, { type: "over", outcome: "ended" }), removed);
});

test("nobody enters again by themselves after a removal or the end", () => {
  for (const name of ["removed", "denied", "ended", "not-found"] as const) {
    assert.deepEqual(nextPhase({ name }, { type: "enter" }), { name });
  }
  assert.deepEqual(nextPhase({ name: "ended-by-you" }, { type: "enter" }), { name: "entering" });
  assert.deepEqual(nextPhase({ name: "duplicate" }, { type: "enter" }), { name: "entering" });
});

test("stage and preparation are told apart", () => {
  assert.ok(isOnStage({ name: "reconnecting", layer: "rejoin" }) && !isPreparing({ name: "connected" }));
  assert.ok(isPreparing({ name: "waiting" }) && !isOnStage({ name: "waiting" }));
  assert.ok(!isOnStage({ name: "left" }) && !isPreparing({ name: "left" }));
});
