import assert from "node:assert/strict";
import { test } from "node:test";
import type { Inside } from "./contract.ts";
import { LOOK_EVERY_MS, watchDoorway } from "./doorway.ts";
import { TestClock } from "./testclock.ts";

const NOBODY: Inside = { view: "names", count: 0, names: [] };
const ALICE: Inside = { view: "names", count: 1, names: ["Alice"] };
const NOTHING: Inside = { view: "nothing" };
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function watch(known: Inside | null, answers: (Inside | Error)[]) {
  const clock = new TestClock();
  const told: Inside[] = [];
  const page = { isVisible: true, looks: 0 };
  const close = watchDoorway(known, {
    later: clock.later,
    isVisible: () => page.isVisible,
    onChange: (inside) => told.push(inside),
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
