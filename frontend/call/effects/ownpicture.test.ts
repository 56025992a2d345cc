import assert from "node:assert/strict";
import { test } from "node:test";
import { coverCrop, OwnPicture } from "./ownpicture.ts";

test("a picture of the video's shape is taken whole", () => {
  assert.deepEqual(coverCrop(1920, 1080), { x: 0, y: 0, width: 1920, height: 1080 });
});

test("a wider one loses its sides, a higher one top and bottom, both equally", () => {
  assert.deepEqual(coverCrop(2000, 720), { x: 360, y: 0, width: 1280, height: 720 });
  assert.deepEqual(coverCrop(1280, 1720), { x: 0, y: 500, width: 1280, height: 720 });
});

test("only a picture that this page made is believed", () => {
  const read = (saved: string | null) =>
    new OwnPicture(() => ({ getItem: () => saved, setItem: () => {}, removeItem: () => {} })).address();
  assert.equal(read("data:image/jpeg;base64,/9j/4AAQ=="), "data:image/jpeg;base64,/9j/4AAQ==");
  for (const saved of [null, "", "https://evil.example/x.png", "data:image/svg+xml;base64,AAAA", "data:text/html,x"])
    assert.equal(read(saved), "");
});

test("a browser that blocks storage has none", () => {
  const blocked = () => {
    throw new DOMException("blocked", "SecurityError");
  };
  assert.equal(new OwnPicture(blocked).address(), "");
});
