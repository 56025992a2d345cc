import assert from "node:assert/strict";
import { test } from "node:test";
import type { WaitingPerson } from "./contract.ts";
import { tellApart } from "./waitingpeople.ts";

const queue = (...names: string[]): WaitingPerson[] =>
  names.map((name, index) => ({
    identity: `i${index}`,
    name,
    role: "participant",
    isGuest: true,
    origin: "",
    askedAt: "2026-11-25T09:00:00.000Z",
  }));

test("those who bear one name have their place in the queue beside it, all others nothing", () => {
  const places = tellApart(queue("Bob Petit", "Eve", "Bob Petit")).map(({ place }) => place);
  assert.deepEqual(places, [1, null, 3]);
});

test("names that only look different to a machine are one name", () => {
  for (const other of ["BOB PETIT", " Bob  Petit", "Bób Petit", "Ｂob Petit"]) {
    assert.deepEqual(
      tellApart(queue("Bob Petit", other)).map(({ place }) => place),
      [1, 2],
      other,
    );
  }
  assert.deepEqual(
    tellApart(queue("Bob Petit", "Bob Petits")).map(({ place }) => place),
    [null, null],
  );
});
