import assert from "node:assert/strict";
import { test } from "node:test";
import { Reactions } from "./reactions.ts";
import { TestClock } from "./testclock.ts";

test("a sign stands for five seconds; a newer one takes its place for its own time", () => {
  const clock = new TestClock();
  const reactions = new Reactions(clock.later);
  let told = 0;
  reactions.subscribe(() => {
    told += 1;
  });
  reactions.show({ identity: "bob", reaction: "clap" });
  clock.pass(4000);
  reactions.show({ identity: "bob", reaction: "heart" });
  reactions.show({ identity: "eve", reaction: "clap" });
  clock.pass(4999);
  assert.equal(reactions.of("bob")?.reaction, "heart");
  clock.pass(1);
  assert.deepEqual([reactions.of("bob"), reactions.of("eve"), reactions.of("max")], [undefined, undefined, undefined]);
  assert.equal(told, 5);
});

test("the same sign again is another showing", () => {
  const reactions = new Reactions(new TestClock().later);
  reactions.show({ identity: "bob", reaction: "clap" });
  const first = reactions.of("bob");
  assert.equal(reactions.of("bob"), first);
  reactions.show({ identity: "bob", reaction: "clap" });
  assert.notEqual(reactions.of("bob")?.id, first?.id);
});
