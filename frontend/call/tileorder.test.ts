import assert from "node:assert/strict";
import { test } from "node:test";
import { keepOrder, pullSpeakers } from "./tileorder.ts";

test("a newcomer goes to the end, whoever leaves closes the gap, nobody else moves", () => {
  assert.deepEqual(keepOrder(["ada", "bob", "cleo"], ["dan", "cleo", "ada"]), ["ada", "cleo", "dan"]);
  assert.deepEqual(keepOrder([], ["ada", "bob"]), ["ada", "bob"]);
});

test("a speaker on the first page moves nothing", () => {
  const order = ["me", "ada", "bob", "cleo"];
  assert.deepEqual(pullSpeakers(order, 3, new Set(["bob"]), new Map(), "me"), order);
});

test("a speaker of a further page is swapped with the one silent the longest", () => {
  const spoke = new Map([
    ["ada", 5000],
    ["bob", 1000],
    ["cleo", 9000],
  ]);
  assert.deepEqual(pullSpeakers(["me", "ada", "bob", "cleo", "dan"], 3, new Set(["dan"]), spoke, "me"), [
    "me",
    "ada",
    "dan",
    "cleo",
    "bob",
  ]);
});

test("my own tile and people who speak keep their place", () => {
  const speaking = new Set(["ada", "bob", "dan"]);
  assert.deepEqual(pullSpeakers(["me", "ada", "bob", "dan"], 3, speaking, new Map(), "me"), [
    "me",
    "ada",
    "bob",
    "dan",
  ]);
});

test("somebody who has never spoken goes before somebody who has", () => {
  const order = pullSpeakers(["me", "ada", "bob", "cleo"], 3, new Set(["cleo"]), new Map([["bob", 1]]), "me");
  assert.deepEqual(order, ["me", "cleo", "bob", "ada"]);
});

test("the order given is not changed in place, and nobody is lost or doubled", () => {
  const order = ["me", "a", "b", "c", "d", "e", "f"];
  const result = pullSpeakers(order, 3, new Set(["d", "f"]), new Map(), "me");
  assert.deepEqual(order, ["me", "a", "b", "c", "d", "e", "f"]);
  assert.deepEqual([...result].sort(), [...order].sort());
  assert.ok(result.slice(0, 3).includes("d") && result.slice(0, 3).includes("f"));
});
