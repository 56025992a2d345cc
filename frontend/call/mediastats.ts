// Arithmetic of WebRTC's statistics: counters of two moments become rates; the path becomes one word. No DOM, no livekit.

/** The part of an RTCStatsReport that is read, so that tests bring their own. */
export type StatsEntry = { id: string; type: string; timestamp: number; [name: string]: unknown };
export type StatsReport = { forEach(read: (entry: StatsEntry) => void): void };

export type Path = "udp" | "tcp" | "turn-udp" | "turn-tcp" | "turn-tls" | "";

/** The counters of one track at one moment. */
export type Counters = {
  atMs: number;
  bytes: number;
  packets: number;
  lost: number;
  frames: number;
};

export type Sample = Counters & {
  direction: "in" | "out";
  width: number;
  height: number;
  /** As the browser counts it; null where only the frames tell. */
  fps: number | null;
  rttMs: number | null;
  jitterMs: number | null;
  path: Path;
};

export type Rates = {
  kbps: number;
  fps: number | null;
  lossPercent: number | null;
};

const number = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
const maybe = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

/** One track's figures out of the report of its sender or receiver; null where it has not sent or got anything yet. */
export function readSample(report: StatsReport): Sample | null {
  const entries: StatsEntry[] = [];
  report.forEach((entry) => {
    entries.push(entry);
  });
  const inbound = entries.filter(({ type }) => type === "inbound-rtp");
  const streams = inbound.length > 0 ? inbound : entries.filter(({ type }) => type === "outbound-rtp");
  const [first] = streams;
  if (!first) return null;
  const isIn = inbound.length > 0;
  // What was sent is counted by us, what of it arrived by the other side.
  const remote = entries.filter(({ type }) => type === "remote-inbound-rtp");
  const told = isIn ? streams : remote;
  const sum = (list: StatsEntry[], name: string) => list.reduce((total, entry) => total + number(entry[name]), 0);
  const largest = streams.reduce((best, entry) => (number(entry.frameWidth) > number(best.frameWidth) ? entry : best));
  const pair = selectedPair(entries);
  const jitters = told.map(({ jitter }) => maybe(jitter)).filter((value) => value !== null);
  const rtt = maybe(pair?.currentRoundTripTime) ?? maybe(remote[0]?.roundTripTime);
  return {
    direction: isIn ? "in" : "out",
    atMs: first.timestamp,
    bytes: sum(streams, isIn ? "bytesReceived" : "bytesSent"),
    packets: sum(streams, isIn ? "packetsReceived" : "packetsSent"),
    lost: Math.max(0, sum(told, "packetsLost")),
    frames: Math.max(...streams.map((entry) => number(entry[isIn ? "framesDecoded" : "framesEncoded"]))),
    width: number(largest.frameWidth),
    height: number(largest.frameHeight),
    fps: maybe(largest.framesPerSecond),
    rttMs: rtt === null ? null : Math.round(rtt * 1000),
    jitterMs: jitters.length === 0 ? null : Math.round(Math.max(...jitters) * 1000),
    path: pathOf(entries, pair),
  };
}

/** What happened between two samples of one track; null where no time has passed or the counters began anew. */
export function ratesBetween(before: Sample, after: Sample): Rates | null {
  const seconds = (after.atMs - before.atMs) / 1000;
  const bytes = after.bytes - before.bytes;
  if (seconds <= 0 || bytes < 0) return null;
  const lost = Math.max(0, after.lost - before.lost);
  const packets = Math.max(0, after.packets - before.packets);
  // Lost packets were sent, too; those received were not lost.
  const expected = after.direction === "in" ? packets + lost : packets;
  const hasFrames = after.frames > 0 || after.width > 0;
  return {
    kbps: Math.round((bytes * 8) / seconds / 1000),
    fps: hasFrames ? (after.fps ?? Math.round((after.frames - before.frames) / seconds)) : null,
    lossPercent: expected === 0 ? null : Math.min(100, Math.round((1000 * lost) / expected) / 10),
  };
}

function selectedPair(entries: readonly StatsEntry[]): StatsEntry | undefined {
  const transport = entries.find(
    ({ type, selectedCandidatePairId }) => type === "transport" && selectedCandidatePairId,
  );
  const pairs = entries.filter(({ type }) => type === "candidate-pair");
  // Firefox has no transport entry; it marks the pair.
  return pairs.find(({ id, selected }) => id === transport?.selectedCandidatePairId || selected === true);
}

function pathOf(entries: readonly StatsEntry[], pair: StatsEntry | undefined): Path {
  const local = entries.find(({ id }) => id === pair?.localCandidateId);
  if (!local) return "";
  if (local.candidateType !== "relay") return local.protocol === "tcp" ? "tcp" : "udp";
  if (local.relayProtocol === "tls") return "turn-tls";
  return local.relayProtocol === "tcp" ? "turn-tcp" : "turn-udp";
}
