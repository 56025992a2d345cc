import assert from "node:assert/strict";
import { test } from "node:test";
import type { Sample } from "./mediastats.ts";
import { type Measured, pathOf, qualityRows, qualityText } from "./qualityrows.ts";
import { stringsFor } from "./strings/index.ts";

const strings = stringsFor("en");
const base: Sample = {
  direction: "in",
  atMs: 0,
  bytes: 0,
  packets: 0,
  lost: 0,
  frames: 0,
  width: 0,
  height: 0,
  fps: null,
  rttMs: 12,
  jitterMs: 3,
  path: "udp",
};
const measured = (sid: string, changes: Partial<Sample>, isMine = false): Measured => ({
  sid,
  source: "camera",
  name: "Ann",
  isMine,
  sample: { ...base, ...changes },
});

test("a track that moves has a row with its figures, in the person's way to write them", () => {
  const before = [measured("v", { width: 640, height: 360 })];
  const after = [
    measured("v", { atMs: 2000, bytes: 312_500, packets: 99, lost: 1, frames: 48, width: 640, height: 360 }),
  ];
  const [row] = qualityRows(before, after, "de", stringsFor("de"));
  assert.equal(row?.title, "Kamera – Ann");
  assert.deepEqual(
    row?.facts.map(({ text }) => text),
    ["1,3 Mbit/s", "640 × 360", "24", "1 %", "12 ms", "3 ms", "Unmittelbar (UDP)"],
  );
});

test("who is on another page and sends nothing here has no row; one's own always has", () => {
  const rows = qualityRows(
    [measured("a", {}), measured("b", {}, true)],
    [measured("a", { atMs: 2000 }), measured("b", { atMs: 2000 }, true), measured("new", { atMs: 2000, bytes: 9 })],
    "en",
    strings,
  );
  assert.deepEqual(
    rows.map(({ sid }) => sid),
    ["b"],
  );
});

test("the copied text has a line per track", () => {
  const rows = [{ sid: "v", title: "Camera – Ann", isSent: false, facts: [{ label: "Loss", text: "1 %" }] }];
  assert.equal(qualityText(rows, "Heading"), "Heading\nCamera – Ann: Loss 1 %");
});

test("the path is the one that most tracks take", () => {
  assert.equal(
    pathOf([measured("a", { path: "tcp" }), measured("b", {}), measured("c", {}), measured("d", { path: "" })]),
    "udp",
  );
  assert.equal(pathOf([]), "");
});
