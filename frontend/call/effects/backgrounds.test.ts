import assert from "node:assert/strict";
import { test } from "node:test";
import { Backgrounds, EffectFailed } from "./backgrounds.ts";

const track = (processor?: object) => ({
  getProcessor: () => processor as never,
  setProcessor: async () => {},
  stopProcessor: async () => {},
});

test("where an effect cannot start, the camera is not let out: the failure is told, and the choice is none", async () => {
  const saved: string[] = [];
  const backgrounds = new Backgrounds("blur-strong", (choice) => saved.push(choice));
  // Node has no WebGL, like the browsers that this is for.
  await assert.rejects(backgrounds.putOn(track()), EffectFailed);
  const { choice, fault, isStarting } = backgrounds.getSnapshot();
  assert.deepEqual([choice, isStarting], ["none", false]);
  assert.notEqual(fault, null);
  // What was chosen is still remembered: the next meeting may be on a better machine.
  assert.deepEqual(saved, []);
});

test("a new choice is saved and forgets the fault", async () => {
  const saved: string[] = [];
  const backgrounds = new Backgrounds("blur-light", (choice) => saved.push(choice));
  await assert.rejects(backgrounds.putOn(track()), EffectFailed);
  backgrounds.choose("picture-office");
  assert.deepEqual(backgrounds.getSnapshot(), { choice: "picture-office", fault: null, isStarting: false });
  assert.deepEqual(saved, ["picture-office"]);
});

test("a running effect is changed, or taken off, without a new one", async () => {
  const acts: string[] = [];
  const running = {
    ...track({ switchTo: async ({ mode }: { mode: string }) => acts.push(mode) }),
    stopProcessor: async () => {
      acts.push("stopped");
    },
  };
  const backgrounds = new Backgrounds("blur-light", () => {});
  await backgrounds.putOn(running);
  backgrounds.choose("none");
  await backgrounds.putOn(running);
  assert.deepEqual(acts, ["background-blur", "stopped"]);
});

test("a camera that is off and has not what was chosen must come back anew", () => {
  const backgrounds = new Backgrounds("none", () => {});
  assert.deepEqual([backgrounds.isOutdatedOn(track()), backgrounds.isOutdatedOn(track({}))], [false, true]);
  backgrounds.choose("blur-light");
  assert.deepEqual([backgrounds.isOutdatedOn(track()), backgrounds.isOutdatedOn(track({}))], [true, false]);
});
