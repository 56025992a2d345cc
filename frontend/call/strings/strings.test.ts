import assert from "node:assert/strict";
import { test } from "node:test";
import type { FinalName } from "../phase.ts";
import { stringsFor } from "./index.ts";

type Leaf = { path: string; text: string };

/** Every text, functions called with marks for their parameters. */
function leaves(value: unknown, path = ""): Leaf[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (typeof value === "function") return [{ path, text: String(value("§7", "§9")) }];
  return Object.entries(value as object).flatMap(([key, child]) => leaves(child, `${path}.${key}`));
}

const LANGUAGES = ["fr", "en", "de"] as const;
/** A record, so that the compiler misses an end that is not named. */
const ENDS: Record<FinalName | "unsupported", true> = {
  left: true,
  removed: true,
  denied: true,
  ended: true,
  "ended-by-you": true,
  locked: true,
  duplicate: true,
  unreachable: true,
  offline: true,
  untrusted: true,
  "not-found": true,
  unsupported: true,
};
const ENDINGS = Object.keys(ENDS) as (keyof typeof ENDS)[];
/** Words that are alike in two languages. */
const ALIKE = new Set([".roles.participant", ".page", ".camera", ".notifications"]);

test("no text is empty or has stray blanks, in any language", () => {
  for (const language of LANGUAGES) {
    for (const { path, text } of leaves(stringsFor(language))) {
      assert.equal(text, text.trim(), `${language}${path}`);
      assert.ok(text.length > 0, `${language}${path}`);
    }
  }
});

test("each end says what happened, what we do and what one can do, in its own words, in each language", () => {
  for (const language of LANGUAGES) {
    const texts = stringsFor(language).endings.texts;
    assert.deepEqual(Object.keys(texts).sort(), [...ENDINGS].sort());
    for (const name of ENDINGS) {
      const { title, what, we, you } = texts[name];
      for (const sentence of [what, we, you]) assert.match(sentence, /^\p{Lu}.{8,}\.$/u, `${language} ${name}`);
      assert.equal(new Set([title, what, we, you]).size, 4, `${language} ${name}`);
    }
  }
});

test("each refusal at the door says what was decided and what one can do, in each language", () => {
  for (const language of LANGUAGES) {
    for (const [code, { title, what, you }] of Object.entries(stringsFor(language).endings.refusals)) {
      for (const sentence of [what, you]) assert.match(sentence, /^\p{Lu}.{8,}\.$/u, `${language} ${code}`);
      assert.equal(new Set([title, what, you]).size, 3, `${language} ${code}`);
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
