import assert from "node:assert/strict";
import { test } from "node:test";
import type { Doorway, Inside } from "./contract.ts";
import { LOOK_EVERY_MS, LOOK_EVERY_MS_AS_HOST, watchDoorway } from "./doorway.ts";
import { TestClock } from "./testclock.ts";

const doorOf = (inside: Inside, rest: Partial<Doorway> = {}): Doorway => ({
  inside,
  refusal: null,
  waiting: null,
  ...rest,
});
const NOBODY = doorOf({ view: "names", count: 0, names: [] });
const ALICE = doorOf({ view: "names", count: 1, names: ["Alice"] });
const NOTHING = doorOf({ view: "nothing" });
const LOCKED = doorOf({ view: "nothing" }, { refusal: { code: "locked", message: "The host has locked this room." } });
const HOST = doorOf({ view: "names", count: 0, names: [] }, { waiting: { count: 1, names: ["Eve"] } });
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function watch(known: Doorway | null, answers: (Doorway | Error)[]) {
  const clock = new TestClock();
  const told: Doorway[] = [];
  const page = { isVisible: true, looks: 0 };
  const close = watchDoorway(known, {
    later: clock.later,
    isVisible: () => page.isVisible,
    onChange: (doorway) => told.push(doorway),
    look: async () => {
      const answer = answers[page.looks++];
      if (answer instanceof Error || answer === undefined) throw answer ?? new Error("asked too often");
      return answer;
    },
  });
  const pass = async (ms = LOOK_EVERY_MS) => {
    clock.pass(ms);
    await settle();
  };
  return { clock, told, page, close, pass };
}

test("what came with the page stands until it is time to ask again", async () => {
  const { told, page, pass } = watch(NOBODY, [ALICE]);
  await pass(LOOK_EVERY_MS - 1);
  assert.equal(page.looks, 0);
  await pass(1);
  assert.deepEqual(told, [ALICE]);
});

test("where nothing is known it is asked at once", async () => {
  const { told, pass } = watch(null, [ALICE]);
  await pass(0);
  assert.deepEqual(told, [ALICE]);
});

test("who may know nothing does not ask, and who may no longer stops", async () => {
  const never = watch(NOTHING, []);
  await never.pass();
  assert.equal(never.page.looks, 0);
  const once = watch(ALICE, [NOTHING]);
  await once.pass();
  await once.pass();
  assert.deepEqual([once.page.looks, once.told], [1, [NOTHING]]);
});

test("who is refused asks on, and hears when the door opens", async () => {
  const { told, page, pass } = watch(LOCKED, [LOCKED, NOTHING]);
  await pass();
  await pass();
  await pass();
  assert.deepEqual([page.looks, told], [2, [LOCKED, NOTHING]]);
});

test("who lets people in asks more often", async () => {
  const { told, pass } = watch(NOBODY, [HOST, HOST]);
  await pass(LOOK_EVERY_MS_AS_HOST);
  assert.deepEqual(told, []);
  await pass(LOOK_EVERY_MS - LOOK_EVERY_MS_AS_HOST);
  await pass(LOOK_EVERY_MS_AS_HOST);
  assert.deepEqual(told, [HOST, HOST]);
});

test("nothing is asked while nobody sees the page", async () => {
  const { page, pass, told } = watch(NOBODY, [ALICE]);
  page.isVisible = false;
  await pass();
  assert.equal(page.looks, 0);
  page.isVisible = true;
  await pass();
  assert.deepEqual(told, [ALICE]);
});

test("a portal that does not answer is asked again, and the last answer stands", async () => {
  const { told, pass } = watch(NOBODY, [new Error("away"), ALICE]);
  await pass();
  assert.deepEqual(told, []);
  await pass();
  assert.deepEqual(told, [ALICE]);
});

test("after the door nothing more is asked or told", async () => {
  const { told, page, close, pass } = watch(null, [ALICE, ALICE]);
  close();
  await pass();
  assert.deepEqual([told, page.looks], [[], 1]);
});
