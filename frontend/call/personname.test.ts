import assert from "node:assert/strict";
import { test } from "node:test";
import { personName } from "./personname.ts";
import { stringsFor } from "./strings/index.ts";

test("who has no name is called so in words, never by a code", () => {
  const strings = stringsFor("fr");
  assert.equal(personName("Bob Petit", strings), "Bob Petit");
  for (const none of ["", "  ", undefined]) assert.equal(personName(none, strings), "Personne sans nom");
});
