import assert from "node:assert/strict";
import { test } from "node:test";
import { chatTimes, continues } from "./times.ts";

const AT = "2026-11-24T22:05:00.000Z";

test("times and days are written as the language does, in the machine's zone", () => {
  assert.equal(chatTimes("fr", "Europe/Paris").time(AT), "23:05");
  assert.equal(chatTimes("fr", "Europe/Paris").day(AT), "mardi 24 novembre");
  assert.equal(chatTimes("de", "Asia/Tokyo").day(AT), "Mittwoch, 25. November");
  assert.match(chatTimes("en", "UTC").time(AT), /^10:05\sPM$/);
});

test("a time that is none shows nothing", () => {
  assert.equal(chatTimes("fr").time("yesterday"), "");
});

test("an author is shown again for another person, and after a pause", () => {
  const first = { identity: "bob", sentAt: "2026-11-24T10:00:00Z" };
  assert.equal(continues(undefined, first), false);
  assert.equal(continues(first, { ...first, sentAt: "2026-11-24T10:04:59Z" }), true);
  assert.equal(continues(first, { ...first, sentAt: "2026-11-24T10:05:00Z" }), false);
  assert.equal(continues(first, { ...first, identity: "eve" }), false);
});
