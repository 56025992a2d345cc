import assert from "node:assert/strict";
import { test } from "node:test";
import { carryOut, isShownOn } from "./wishes.ts";

test("a wish is carried out once", async () => {
  const turned: boolean[] = [];
  await carryOut(
    () => true,
    async (isOn) => turned.push(isOn),
  );
  assert.deepEqual(turned, [true]);
});

test("who mutes while the microphone is on its way ends muted", async () => {
  let isWished = true;
  const turned: boolean[] = [];
  await carryOut(
    () => isWished,
    async (isOn) => {
      turned.push(isOn);
      isWished = false;
    },
  );
  assert.deepEqual(turned, [true, false]);
});

test("a device that fails ends it: nothing is tried again by itself", async () => {
  let tries = 0;
  const fail = async () => {
    tries += 1;
    throw new Error("no device");
  };
  await assert.rejects(
    carryOut(() => true, fail),
    /no device/,
  );
  assert.equal(tries, 1);
});

test("during a cut the switch shows what will come back, otherwise what is sent", () => {
  assert.equal(isShownOn(true, false, true), true);
  assert.equal(isShownOn(false, true, true), false);
  assert.equal(isShownOn(true, false, false), false);
  assert.equal(isShownOn(false, true, false), true);
});
