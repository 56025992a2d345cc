// Figures of a link, from what the browser counts of its connections.

/** `kbps` is what arrived in the best second; nobody measured more than was sent. */
export type Quality = { kbps: number; lossPercent: number; roundTripMs: number | null };

/** Counters of one moment, over all connections. */
export type Sample = {
  atMs: number;
  bytesReceived: number;
  packetsReceived: number;
  packetsLost: number;
  roundTripMs: number | null;
};

type Stat = { type: string } & Record<string, unknown>;

function numeric(stat: Stat, name: string): number {
  const value = stat[name];
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

/** One moment, from the reports of every connection (`RTCPeerConnection.getStats`). */
export function sampleOf(reports: readonly Iterable<Stat>[], atMs: number): Sample {
  const sample: Sample = { atMs, bytesReceived: 0, packetsReceived: 0, packetsLost: 0, roundTripMs: null };
  for (const stat of reports.flatMap((report) => [...report])) {
    if (stat.type === "inbound-rtp") {
      sample.bytesReceived += numeric(stat, "bytesReceived");
      sample.packetsReceived += numeric(stat, "packetsReceived");
      sample.packetsLost += Math.max(0, numeric(stat, "packetsLost"));
    } else if (stat.type === "candidate-pair" && stat.state === "succeeded" && numeric(stat, "currentRoundTripTime")) {
      const roundTripMs = numeric(stat, "currentRoundTripTime") * 1000;
      sample.roundTripMs = Math.max(sample.roundTripMs ?? 0, roundTripMs);
    }
  }
  return sample;
}

/** What a row of moments says; null of fewer than two. */
export function qualityOf(samples: readonly Sample[]): Quality | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || samples.length < 2) return null;
  let kbps = 0;
  samples.slice(1).forEach((later, index) => {
    const earlier = samples[index] as Sample;
    const ms = later.atMs - earlier.atMs;
    if (ms > 0) kbps = Math.max(kbps, ((later.bytesReceived - earlier.bytesReceived) * 8) / ms);
  });
  const lost = last.packetsLost - first.packetsLost;
  const sent = last.packetsReceived - first.packetsReceived + lost;
  const roundTrips = samples.flatMap(({ roundTripMs }) => roundTripMs ?? []).sort((a, b) => a - b);
  return {
    kbps: Math.round(kbps),
    lossPercent: sent > 0 ? (lost / sent) * 100 : 0,
    roundTripMs: roundTrips.length > 0 ? Math.round(roundTrips[roundTrips.length >> 1] as number) : null,
  };
}
