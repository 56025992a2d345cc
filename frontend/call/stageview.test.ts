import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseFocus, layoutChoice, shareKey, type TileFacts } from "./stageview.ts";

const person = (identity: string): TileFacts => ({
  key: identity,
  identity,
  isShare: false,
  isMine: identity === "me",
});
const share = (identity: string): TileFacts => ({ ...person(identity), key: shareKey(identity), isShare: true });
const people = [person("me"), person("ann"), person("bob")];

test("without a share and without a wish there is a grid", () => {
  assert.equal(chooseFocus(people, "auto", null, "ann"), null);
});

test("a share comes into focus by itself, the newest of somebody else; one's own never", () => {
  assert.equal(chooseFocus([share("ann"), share("bob"), ...people], "auto", null, null), "share:bob");
  assert.equal(chooseFocus([share("ann"), share("me"), ...people], "auto", null, null), "share:ann");
  assert.equal(chooseFocus([share("me"), ...people], "auto", null, "ann"), null);
  assert.equal(chooseFocus([share("me"), ...people], "speaker", null, "ann"), "ann");
});

test("who wants a grid has one, whatever is shared", () => {
  assert.equal(chooseFocus([share("ann"), ...people], "grid", null, "ann"), null);
});

test("what is pinned stays, until it is gone", () => {
  assert.equal(chooseFocus([share("ann"), ...people], "auto", "bob", "ann"), "bob");
  assert.equal(chooseFocus([share("ann"), ...people], "grid", "share:ann", null), "share:ann");
  assert.equal(chooseFocus(people, "auto", "gone", null), null);
});

test("the speaker is large where that is wanted, never oneself", () => {
  assert.equal(chooseFocus(people, "speaker", null, "bob"), "bob");
  assert.equal(chooseFocus(people, "speaker", null, "me"), "ann");
  assert.equal(chooseFocus(people, "speaker", null, null), "ann");
  assert.equal(chooseFocus([person("me")], "speaker", null, null), null);
});

test("a remembered layout that no release knows is automatic", () => {
  assert.equal(layoutChoice("speaker"), "speaker");
  assert.equal(layoutChoice("mosaic"), "auto");
});
