import assert from "node:assert/strict";
import { test } from "node:test";
import { stringsFor } from "./index.ts";

type Leaf = { path: string; text: string };

/** Every text, functions called with marks for their parameters. */
function leaves(value: unknown, path = ""): Leaf[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (typeof value === "function") return [{ path, text: String(value("§7", "§9")) }];
  return Object.entries(value as object).flatMap(([key, child]) => leaves(child, `${path}.${key}`));
}

const LANGUAGES = ["fr", "en", "de"] as const;
/** Words that are alike in two languages. */
const ALIKE = new Set([".roles.participant", ".page", ".camera", ".notifications"]);

test("no text is empty or has stray blanks, in any language", () => {
  for (const language of LANGUAGES) {
    for (const { path, text } of leaves(stringsFor(language))) {
      assert.equal(text, text.trim(), `${language}${path}`);
      // A screen has nothing to say of what we do where there is nothing to do.
      assert.ok(text.length > 0 || /^\.endings\..*\.we$/.test(path), `${language}${path}`);
    }
  }
});

test("each language has each text, with the same parameters, and no text was left in French", () => {
  const french = new Map(leaves(stringsFor("fr")).map(({ path, text }) => [path, text]));
  for (const language of ["en", "de"] as const) {
    const texts = leaves(stringsFor(language));
    assert.deepEqual(texts.map(({ path }) => path).sort(), [...french.keys()].sort());
    for (const { path, text } of texts) {
      const original = french.get(path) ?? "";
      for (const mark of ["§7", "§9"]) assert.equal(text.includes(mark), original.includes(mark), `${language}${path}`);
      if (!ALIKE.has(path) && text !== "") assert.notEqual(text, original, `${language}${path}`);
    }
  }
});

test("counts read well in each language", () => {
  assert.equal(stringsFor("fr").peopleCount(1), "1 personne");
  assert.equal(stringsFor("fr").peopleCount(2), "2 personnes");
  assert.equal(stringsFor("en").peopleCount(1), "1 person");
  assert.equal(stringsFor("de").peopleCount(3), "3 Personen");
});

test("no French quotation mark is left alone at the end of a line", () => {
  for (const { path, text } of leaves(stringsFor("fr"))) assert.doesNotMatch(text, /«(?!\u00a0)|(?<!\u00a0)»/, path);
});

test("an unknown language is French", () => {
  assert.equal(stringsFor("xx"), stringsFor("fr"));
});
