import assert from "node:assert/strict";
import { test } from "node:test";
import { Arrivals, describeArrivals } from "./arrivals.ts";
import { Notices } from "./notices.ts";
import { en } from "./strings/en.ts";
import { TestClock } from "./testclock.ts";

const heard = (notices: Notices) => notices.getSnapshot().spoken.map(({ text }) => text);

test("a toast is shown, read aloud, and gone after six seconds", () => {
  const clock = new TestClock();
  const notices = new Notices(clock.later);
  notices.show("Hello");
  assert.deepEqual(
    notices.getSnapshot().toasts.map(({ text }) => text),
    ["Hello"],
  );
  assert.deepEqual(heard(notices), ["Hello"]);
  clock.pass(5999);
  assert.equal(notices.getSnapshot().toasts.length, 1);
  clock.pass(1);
  assert.equal(notices.getSnapshot().toasts.length, 0);
});

test("the same words twice are one toast that lives on, and are read twice", () => {
  const clock = new TestClock();
  const notices = new Notices(clock.later);
  notices.show("Again");
  const first = notices.getSnapshot().spoken[0]?.id;
  clock.pass(4000);
  notices.show("Again");
  assert.notEqual(notices.getSnapshot().spoken[0]?.id, first);
  clock.pass(4000);
  assert.equal(notices.getSnapshot().toasts.length, 1);
  clock.pass(2000);
  assert.equal(notices.getSnapshot().toasts.length, 0);
});

const shown = (notices: Notices) => notices.getSnapshot().toasts.map(({ text }) => text);

test("at most two toasts stand at once, the newest", () => {
  const notices = new Notices(new TestClock().later);
  for (const text of ["1", "2", "3"]) notices.show(text);
  assert.deepEqual(shown(notices), ["2", "3"]);
});

test("who opens the chat needs no toast of it any more; others stay, and the list keeps all", () => {
  const notices = new Notices(new TestClock().later);
  notices.show("Bob: hello", "info", "A message", "chat");
  notices.show("Ada joined");
  notices.dismissTopic("chat");
  assert.deepEqual(shown(notices), ["Ada joined"]);
  assert.equal(notices.getSnapshot().past.length, 2);
});

test("what is only said covers no picture", () => {
  const notices = new Notices(new TestClock().later);
  notices.say("Microphone on");
  assert.equal(notices.getSnapshot().toasts.length, 0);
});

test("what is said in one moment is read together, what comes later replaces it", () => {
  const clock = new TestClock();
  const notices = new Notices(clock.later);
  notices.say("Ada came");
  notices.say("");
  notices.say("Bob left");
  assert.deepEqual(heard(notices), ["Ada came", "Bob left"]);
  clock.pass(400);
  notices.say("Microphone on");
  assert.deepEqual(heard(notices), ["Microphone on"]);
});

test("a toast may be read in other words, or not at all", () => {
  const notices = new Notices(new TestClock().later);
  notices.show("Bob: hello", "info", "A message");
  notices.show("Bob: again", "info", "");
  assert.deepEqual(heard(notices), ["A message"]);
  assert.equal(notices.getSnapshot().toasts.length, 2);
});

test("on another screen nothing of the last one is shown or said, and what comes next stands alone", () => {
  const notices = new Notices(new TestClock().later);
  notices.show("Bob: hello");
  notices.clear();
  assert.deepEqual([heard(notices), notices.getSnapshot().toasts], [[], []]);
  notices.say("You left.");
  assert.deepEqual(heard(notices), ["You left."]);
});

test("what was shown stays in the list, with its time, also on another screen", () => {
  const clock = new TestClock();
  const notices = new Notices(clock.later, () => 1000);
  notices.show("1");
  notices.say("said only");
  notices.show("2", "warning");
  clock.pass(6000);
  notices.clear();
  assert.deepEqual(
    notices.getSnapshot().past.map(({ text, tone, atMs }) => [text, tone, atMs]),
    [
      ["1", "info", 1000],
      ["2", "warning", 1000],
    ],
  );
  for (let index = 0; index < 300; index += 1) notices.show(`n${index}`);
  assert.equal(notices.getSnapshot().past.length, 200);
});

test("people who arrive together are told in one sentence, many by their number", () => {
  const clock = new TestClock();
  const told: string[] = [];
  const arrivals = new Arrivals(
    clock.later,
    () => 1200,
    (came, went) => told.push(...describeArrivals(came, went, en)),
  );
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
  const arrivals = new Arrivals(
    clock.later,
    () => 1200,
    (came, went) => told.push(...describeArrivals(came, went, en)),
  );
  arrivals.note({ identity: "1", name: "Ada" }, "went");
  arrivals.note({ identity: "1", name: "Ada" }, "came");
  clock.pass(5000);
  assert.deepEqual(told, []);
});
