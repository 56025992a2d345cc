import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatMessage } from "./contract.ts";
import { type Levels, levelsFromText, levelsToText, News } from "./news.ts";
import { Notices } from "./notices.ts";
import { stringsFor } from "./strings/index.ts";
import { TestClock } from "./testclock.ts";

const message = (text: string): ChatMessage => ({
  id: "1",
  identity: "bob",
  name: "Bob",
  role: "participant",
  text,
  sentAt: "2026-11-24T10:14:00Z",
});

function harness(options: { people?: number; levels?: Partial<Levels>; isChatOpen?: boolean } = {}) {
  const clock = new TestClock();
  const notices = new Notices(clock.later);
  const said: string[] = [];
  notices.say = (text) => void (text !== "" && said.push(text));
  const played: string[] = [];
  const news = new News({
    later: clock.later,
    notices,
    strings: stringsFor("en"),
    sounds: { play: (sound) => void played.push(sound) },
    levels: () => ({ ...levelsFromText(""), ...options.levels }),
    peopleCount: () => options.people ?? 3,
    isChatOpen: () => options.isChatOpen ?? false,
  });
  const toasts = () => notices.getSnapshot().past.map(({ text }) => text);
  const topics = () => notices.getSnapshot().past.map(({ topic }) => topic);
  return { clock, news, said, played, toasts, topics };
}

test("in a small meeting each thing is told at once: seen, heard and said", () => {
  const { news, said, played, toasts, topics } = harness();
  news.messages([message("Hello")]);
  news.raised(["Ada"]);
  news.shared("Ada", true);
  const told = ["Bob: Hello", "Ada raises a hand", "Ada is sharing their screen"];
  assert.deepEqual([said, toasts(), played], [told, told, ["chat", "hand"]]);
  assert.deepEqual(topics(), ["chat", null, null]);
});

test("above ten people things of five seconds are told together, by their number", () => {
  const { news, clock, said, toasts } = harness({ people: 11 });
  for (const text of ["a", "b", "c"]) news.messages([message(text)]);
  news.raised(["Ada"]);
  news.raised(["Eve"]);
  for (const identity of ["1", "2"]) news.arrived({ identity, name: identity });
  assert.deepEqual(said, []);
  clock.pass(5000);
  assert.deepEqual(said, ["3 new messages", "2 hands go up", "2 people joined"]);
  assert.deepEqual(toasts(), ["2 hands go up", "2 people joined"], "the chat has its badge");
});

test("above twenty people nothing covers the faces", () => {
  const { news, clock, said, toasts } = harness({ people: 21 });
  news.raised(["Ada"]);
  news.arrived({ identity: "1", name: "Eve" });
  clock.pass(5000);
  assert.deepEqual([said, toasts()], [["Ada raises a hand", "Eve joined the meeting"], []]);
});

test("short and off concern what is said, not what is seen", () => {
  const { news, clock, said, toasts } = harness({ levels: { chat: "short", hands: "off", arrivals: "short" } });
  news.messages([message("Hello")]);
  news.raised(["Ada"]);
  news.arrived({ identity: "1", name: "Eve" });
  news.departed({ identity: "2", name: "Max" });
  clock.pass(1200);
  assert.deepEqual(said, ["Message from Bob", "1 joined", "1 left"]);
  assert.deepEqual(toasts(), ["Bob: Hello", "Ada raises a hand", "Eve joined the meeting", "Max left the meeting"]);
});

test("a message that is being looked at gets no toast", () => {
  const { news, said, toasts } = harness({ isChatOpen: true });
  news.messages([message("Hello")]);
  assert.deepEqual([said, toasts()], [["Bob: Hello"], []]);
});

test("a long message is cut between signs, and its line ends are blanks", () => {
  const { news, said, toasts } = harness();
  news.messages([message(`a\n\n${"😀".repeat(500)}`)]);
  assert.equal(said[0], `Bob: a ${"😀".repeat(198)}…`);
  assert.equal(toasts()[0], `Bob: a ${"😀".repeat(88)}…`);
});

test("reactions are bundled, and never toasts", () => {
  const { news, clock, said, toasts } = harness({ levels: { reactions: "full" } });
  news.reacted("Ada", "clap");
  clock.pass(2000);
  news.reacted("Ada", "clap");
  news.reacted("Eve", "heart");
  clock.pass(2000);
  assert.deepEqual([said, toasts()], [["Ada: Applause", "2 reactions"], []]);
});

test("what was collected for a call that is over is not told", () => {
  const { news, clock, said } = harness({ people: 30 });
  news.messages([message("a")]);
  news.reacted("Ada", "clap");
  news.arrived({ identity: "1", name: "Eve" });
  news.stop();
  clock.pass(10_000);
  assert.deepEqual(said, []);
});

test("levels are remembered; unknown ones are the usual ones", () => {
  const levels: Levels = { arrivals: "off", chat: "short", hands: "full", reactions: "off", shares: "short" };
  assert.deepEqual(levelsFromText(levelsToText(levels)), levels);
  assert.deepEqual(levelsFromText("chat=loud evil=off = x"), levelsFromText(""));
});
