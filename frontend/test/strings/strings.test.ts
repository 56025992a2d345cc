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

/** Alike in two languages, or figures with their unit. */
const ALIKE =
  /^\.(pair|titles\.microphone|titles\.browser|titles\.network|browserName|pathLabels\.turn|paths\.(udp|tcp)|lossValue|roundTripValue|reportTime|reportPortal)$/;

test("each language has each text with the same parameters, and none was left in French", () => {
  const french = new Map(leaves(stringsFor("fr")).map(({ path, text }) => [path, text]));
  for (const language of ["en", "de"]) {
    const texts = leaves(stringsFor(language));
    assert.deepEqual(texts.map(({ path }) => path).sort(), [...french.keys()].sort());
    for (const { path, text } of texts) {
      const original = french.get(path) ?? "";
      assert.equal(text, text.trim(), `${language}${path}`);
      for (const mark of ["§7", "§9"]) assert.equal(text.includes(mark), original.includes(mark), `${language}${path}`);
      if (!ALIKE.test(path)) assert.notEqual(text, original, `${language}${path}`);
    }
  }
});
