import assert from "node:assert/strict";
import { test } from "node:test";
import { Unreachable } from "./api.ts";
import { type Surroundings, whyUnreachable } from "./diagnosis.ts";

const around = (changes: Partial<Surroundings> = {}): Surroundings => ({
  isOnline: () => true,
  hasOwnAuthority: async () => true,
  ...changes,
});
const closed = Object.assign(new Error("no websocket"), { reasonName: "ServerUnreachable" });

test("without a network nothing else is guessed", async () => {
  assert.equal(await whyUnreachable(closed, around({ isOnline: () => false })), "offline");
});

test("a websocket that never opens, on a portal with an authority of its own, is a matter of trust", async () => {
  assert.equal(await whyUnreachable(closed, around()), "untrusted");
  assert.equal(await whyUnreachable(closed, around({ hasOwnAuthority: async () => false })), "unreachable");
});

test("where the portal does not answer, or only the media does not come, trust is not the matter", async () => {
  assert.equal(await whyUnreachable(new Unreachable("down"), around()), "unreachable");
  const media = Object.assign(new Error("no pc"), { reasonName: "InternalError" });
  assert.equal(await whyUnreachable(media, around()), "unreachable");
  assert.equal(await whyUnreachable("what?", around()), "unreachable");
});

test("a question that fails is no proof", async () => {
  const failing = around({
    hasOwnAuthority: async () => {
      throw new Error("down");
    },
  });
  assert.equal(await whyUnreachable(closed, failing), "unreachable");
});
