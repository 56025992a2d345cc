import assert from "node:assert/strict";
import { test } from "node:test";
import { qualityOf, type Sample, sampleOf } from "./measure.ts";

const at = (seconds: number, bytes: number, received: number, lost: number, roundTripMs: number | null): Sample => ({
  atMs: seconds * 1000,
  bytesReceived: bytes,
  packetsReceived: received,
  packetsLost: lost,
  roundTripMs,
});

test("the bandwidth is that of the best second, the loss that of all", () => {
  const samples = [
    at(0, 0, 100, 5, 20),
    at(1, 125_000, 190, 5, 30),
    at(2, 500_000, 295, 15, 300),
    at(3, 500_000, 295, 15, 31),
  ];
  assert.deepEqual(qualityOf(samples), { kbps: 3000, lossPercent: (10 / 205) * 100, roundTripMs: 31 });
});

test("too little says nothing, and nothing received is no loss", () => {
  assert.equal(qualityOf([]), null);
  assert.equal(qualityOf([at(0, 0, 0, 0, null)]), null);
  assert.deepEqual(qualityOf([at(0, 0, 0, 0, null), at(1, 0, 0, 0, null)]), {
    kbps: 0,
    lossPercent: 0,
    roundTripMs: null,
  });
});

test("a moment is summed over all connections, and counters that are missing or negative are none", () => {
  const sender = [
    { type: "candidate-pair", state: "succeeded", currentRoundTripTime: 0.02 },
    { type: "candidate-pair", state: "failed", currentRoundTripTime: 9 },
    { type: "outbound-rtp", bytesSent: 5 },
  ];
  const receiver = [
    { type: "inbound-rtp", bytesReceived: 100, packetsReceived: 3, packetsLost: 1 },
    { type: "inbound-rtp", bytesReceived: 50, packetsReceived: 2, packetsLost: -1 },
    { type: "inbound-rtp" },
  ];
  assert.deepEqual(sampleOf([sender, receiver], 7), {
    atMs: 7,
    bytesReceived: 150,
    packetsReceived: 5,
    packetsLost: 1,
    roundTripMs: 20,
  });
});
