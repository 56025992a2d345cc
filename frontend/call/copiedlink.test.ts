import assert from "node:assert/strict";
import { test } from "node:test";
import { takeCopiedLink } from "./copiedlink.ts";

function storageWith(noted: string | null) {
  const kept = new Map(noted === null ? [] : [["visio.linkCopied", noted]]);
  return { getItem: (key: string) => kept.get(key) ?? null, removeItem: (key: string) => void kept.delete(key) };
}

test("the copied link is told once, and in its own room only", () => {
  const storage = storageWith("/r/abc-defg-hij");
  assert.equal(takeCopiedLink(storage, "/r/abc-defg-hij"), true);
  assert.equal(takeCopiedLink(storage, "/r/abc-defg-hij"), false);
  assert.equal(takeCopiedLink(storageWith("/r/abc-defg-hij"), "/r/xyz-defg-hij"), false);
  assert.equal(takeCopiedLink(storageWith(null), "/r/abc-defg-hij"), false);
});
