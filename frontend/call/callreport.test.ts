import assert from "node:assert/strict";
import { test } from "node:test";
import { LinkMeter, reportReason } from "./callreport.ts";
import type { Sample } from "./mediastats.ts";

const sample = (changes: Partial<Sample>): Sample => ({
  direction: "in",
  atMs: 0,
  bytes: 0,
  packets: 0,
  lost: 0,
  frames: 0,
  width: 0,
  height: 0,
  fps: null,
  rttMs: null,
  jitterMs: null,
  path: "udp",
  ...changes,
});

test("loss is over all packets of all tracks, the round trip the mean of what was measured", () => {
  const meter = new LinkMeter();
  meter.note("a", sample({ packets: 90, lost: 10, rttMs: 20 }));
  meter.note("a", sample({ packets: 950, lost: 50, rttMs: 40 }));
  meter.note("b", sample({ direction: "out", packets: 1000, lost: 0, rttMs: null }));
  assert.deepEqual(meter.figures(), { path: "udp", lossPercent: 2.5, rttMs: 30 });
});

test("before anything was measured nothing is claimed; the last known path stays", () => {
  const meter = new LinkMeter();
  assert.deepEqual(meter.figures(), { path: "", lossPercent: null, rttMs: null });
  meter.note("a", sample({ path: "turn-tls" }));
  meter.note("a", sample({ path: "" }));
  assert.equal(meter.figures().path, "turn-tls");
  meter.reset();
  assert.equal(meter.figures().path, "");
});

test("a page whose place was taken says so in the engine's word", () => {
  assert.equal(reportReason("duplicate"), "duplicate_identity");
  assert.equal(reportReason("ended"), "ended");
  assert.equal(reportReason("ended-by-you"), "ended");
});
