import assert from "node:assert/strict";
import { test } from "node:test";
import { ratesBetween, readSample, type StatsEntry } from "./mediastats.ts";

const WAY: StatsEntry[] = [
  { id: "T", type: "transport", timestamp: 0, selectedCandidatePairId: "P2" },
  { id: "P1", type: "candidate-pair", timestamp: 0, localCandidateId: "L1", currentRoundTripTime: 9 },
  { id: "P2", type: "candidate-pair", timestamp: 0, localCandidateId: "L2", currentRoundTripTime: 0.042 },
  { id: "L1", type: "local-candidate", timestamp: 0, candidateType: "host", protocol: "udp" },
  { id: "L2", type: "local-candidate", timestamp: 0, candidateType: "relay", protocol: "udp", relayProtocol: "tls" },
];

const received = (timestamp: number, bytes: number, packets: number, lost: number, frames: number): StatsEntry => ({
  id: "I",
  type: "inbound-rtp",
  timestamp,
  bytesReceived: bytes,
  packetsReceived: packets,
  packetsLost: lost,
  framesDecoded: frames,
  frameWidth: 640,
  frameHeight: 360,
  jitter: 0.0126,
});

function sampleOf(entries: StatsEntry[]) {
  const sample = readSample(entries);
  assert.ok(sample);
  return sample;
}

test("two moments of a received picture give its rates, the path and the delay", () => {
  const before = sampleOf([received(1000, 10_000, 100, 0, 20), ...WAY]);
  const after = sampleOf([received(3000, 260_000, 290, 10, 70), ...WAY]);
  assert.deepEqual(ratesBetween(before, after), { kbps: 1000, fps: 25, lossPercent: 5 });
  assert.deepEqual(
    [after.width, after.height, after.rttMs, after.jitterMs, after.path],
    [640, 360, 42, 13, "turn-tls"],
  );
});

test("layers that are sent are summed, the largest tells the size, the other side tells the loss", () => {
  const layer = (id: string, bytesSent: number, packetsSent: number, frameWidth: number, timestamp: number) => ({
    id,
    type: "outbound-rtp",
    timestamp,
    bytesSent,
    packetsSent,
    frameWidth,
    frameHeight: frameWidth / 2,
    framesEncoded: timestamp / 100,
    framesPerSecond: 24,
  });
  const remote = (packetsLost: number) => ({
    id: "R",
    type: "remote-inbound-rtp",
    timestamp: 0,
    packetsLost,
    roundTripTime: 0.03,
  });
  const before = sampleOf([layer("q", 0, 0, 320, 1000), layer("f", 0, 0, 1280, 1000), remote(0)]);
  const after = sampleOf([layer("q", 25_000, 40, 320, 2000), layer("f", 100_000, 160, 1280, 2000), remote(2)]);
  assert.deepEqual(ratesBetween(before, after), { kbps: 1000, fps: 24, lossPercent: 1 });
  assert.deepEqual([after.direction, after.width, after.height, after.rttMs, after.path], ["out", 1280, 640, 30, ""]);
});

test("sound has no pictures a second, and silence has no loss", () => {
  const sound = (timestamp: number): StatsEntry => ({
    id: "A",
    type: "inbound-rtp",
    timestamp,
    bytesReceived: 500,
    packetsReceived: 7,
  });
  assert.deepEqual(ratesBetween(sampleOf([sound(0)]), sampleOf([sound(2000)])), {
    kbps: 0,
    fps: null,
    lossPercent: null,
  });
});

test("counters that began anew, or no time between, give no rates; a report without a stream is no sample", () => {
  const one = sampleOf([received(1000, 500, 5, 0, 1)]);
  assert.equal(ratesBetween(one, one), null);
  assert.equal(ratesBetween(one, sampleOf([received(2000, 100, 1, 0, 1)])), null);
  assert.equal(readSample(WAY), null);
});

test("Firefox marks the pair in use instead of naming it in a transport", () => {
  const entries: StatsEntry[] = [
    received(0, 0, 0, 0, 0),
    { id: "P", type: "candidate-pair", timestamp: 0, selected: true, localCandidateId: "L" },
    { id: "L", type: "local-candidate", timestamp: 0, candidateType: "srflx", protocol: "tcp" },
  ];
  assert.equal(sampleOf(entries).path, "tcp");
});
