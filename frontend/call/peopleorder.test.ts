import assert from "node:assert/strict";
import { test } from "node:test";
import type { Role } from "./contract.ts";
import { isFound, orderPeople } from "./peopleorder.ts";

const person = (identity: string, name: string, role: Role = "participant") => ({
  identity,
  name,
  role,
  isMe: identity === "me",
});

test("raised hands come first as they were raised, then oneself, moderators, and all by name", () => {
  const people = [
    person("z", "Zoé"),
    person("e", "Émile"),
    person("f", "Fanny"),
    person("h", "Hugo", "host"),
    person("me", "Paul"),
    person("2", "Second"),
    person("1", "First"),
  ];
  assert.deepEqual(
    orderPeople(people, ["1", "gone", "2"], "fr").map(({ name }) => name),
    ["First", "Second", "Paul", "Hugo", "Émile", "Fanny", "Zoé"],
  );
  assert.equal(people[0]?.name, "Zoé", "the list given is left as it is");
});

test("people of one name keep one order", () => {
  const ids = (people: ReturnType<typeof person>[]) => orderPeople(people, [], "fr").map(({ identity }) => identity);
  assert.deepEqual(ids([person("b", "Ada"), person("a", "Ada")]), ids([person("a", "Ada"), person("b", "Ada")]));
});

test("a name is found by parts of its words, whatever accents and capitals", () => {
  assert.ok(isFound("Élodie Müller-Benoît", "elo ben"));
  assert.ok(isFound("Anna", "  "));
  assert.ok(!isFound("Anna", "annab"));
});
