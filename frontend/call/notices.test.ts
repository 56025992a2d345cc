import assert from "node:assert/strict";
import { test } from "node:test";
import { Arrivals, describeArrivals } from "./arrivals.ts";
import { Notices } from "./notices.ts";
import { en } from "./strings/en.ts";
import { TestClock } from "./testclock.ts";

test("a toast is shown, read aloud, and gone after six seconds", () => {
  const clock = new TestClock();
  const notices = new Notices(clock.later);
  notices.show("Hello");
  assert.deepEqual(
    notices.getSnapshot().toasts.map(({ text }) => text),
    ["Hello"],
  );
  assert.equal(notices.getSnapshot().spoken.text, "Hello");
  clock.pass(5999);
  assert.equal(notices.getSnapshot().toasts.length, 1);
  clock.pass(1);
  assert.equal(notices.getSnapshot().toasts.length, 0);
});

test("the same words twice are one toast that lives on, and are read twice", () => {
  const clock = new TestClock();
  const notices = new Notices(clock.later);
  notices.show("Again");
  const first = notices.getSnapshot().spoken.id;
  clock.pass(4000);
  notices.show("Again");
  assert.notEqual(notices.getSnapshot().spoken.id, first);
  clock.pass(4000);
  assert.equal(notices.getSnapshot().toasts.length, 1);
  clock.pass(2000);
  assert.equal(notices.getSnapshot().toasts.length, 0);
});

test("at most three toasts stand at once, the newest", () => {
  const notices = new Notices(new TestClock().later);
  for (const text of ["1", "2", "3", "4"]) notices.show(text);
  assert.deepEqual(
    notices.getSnapshot().toasts.map(({ text }) => text),
    ["2", "3", "4"],
  );
});

test("what is only said covers no picture", () => {
  const notices = new Notices(new TestClock().later);
  notices.say("Microphone on");
  assert.equal(notices.getSnapshot().toasts.length, 0);
});

test("people who arrive together are told in one sentence, many by their number", () => {
  const clock = new TestClock();
  const told: string[] = [];
  const arrivals = new Arrivals(clock.later, (came, went) => told.push(...describeArrivals(came, went, en)));
  arrivals.note({ identity: "1", name: "Ada" }, "came");
  arrivals.note({ identity: "2", name: "Bob" }, "came");
  assert.deepEqual(told, []);
  clock.pass(1200);
  for (let index = 0; index < 12; index += 1) arrivals.note({ identity: `x${index}`, name: `X${index}` }, "came");
  arrivals.note({ identity: "1", name: "Ada" }, "went");
  clock.pass(1200);
  assert.deepEqual(told, ["Ada, Bob joined the meeting", "12 people joined", "Ada left the meeting"]);
});

test("somebody whose connection blinks is not announced", () => {
  const clock = new TestClock();
  const told: string[] = [];
  const arrivals = new Arrivals(clock.later, (came, went) => told.push(...describeArrivals(came, went, en)));
  arrivals.note({ identity: "1", name: "Ada" }, "went");
  arrivals.note({ identity: "1", name: "Ada" }, "came");
  clock.pass(5000);
  assert.deepEqual(told, []);
});
