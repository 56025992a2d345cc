// What the page says of a call when it is over, so that "why did it cut at 10:14" has an answer. No names, no content. No DOM.
import type { Path, Sample } from "./mediastats.ts";
import type { FinalName } from "./phase.ts";

export type ReportReason =
  | "left"
  | "page-closed"
  | "duplicate_identity"
  | Exclude<FinalName, "duplicate" | "ended-by-you">;

/** What the session knows of one stay. */
export type Stay = { reason: ReportReason; durationS: number; reconnects: number; joinMs: number | null };

/** What the media link was like over the stay. */
export type LinkFigures = { path: Path; lossPercent: number | null; rttMs: number | null };

export type CallReport = Stay & LinkFigures & { browser: string };

export function reportReason(outcome: FinalName): ReportReason {
  // The engine's word for it: the portal keeps such a report off the stay of the page that took the place.
  if (outcome === "duplicate") return "duplicate_identity";
  return outcome === "ended-by-you" ? "ended" : outcome;
}

/** Times one stay: from being let in to the end, with what happened to the link between. */
export class StayClock {
  private readonly now: () => number;
  private wentInAtMs: number | null = null;
  private joinMs: number | null = null;
  private reconnects = 0;

  constructor(now: () => number) {
    this.now = now;
  }

  wentIn(): void {
    this.wentInAtMs = this.now();
    this.joinMs = null;
    this.reconnects = 0;
  }

  connected(): void {
    if (this.wentInAtMs !== null) this.joinMs ??= Math.round(this.now() - this.wentInAtMs);
  }

  linkLost(): void {
    this.reconnects += 1;
  }

  /** The stay so far, or null where the person has not been let in. */
  read(reason: ReportReason): Stay | null {
    if (this.wentInAtMs === null) return null;
    const durationS = Math.round((this.now() - this.wentInAtMs) / 1000);
    return { reason, durationS, reconnects: this.reconnects, joinMs: this.joinMs };
  }

  /** As `read`; the stay is over, and is not told of again. */
  end(reason: ReportReason): Stay | null {
    const stay = this.read(reason);
    this.wentInAtMs = null;
    return stay;
  }
}

/** Adds up samples of the tracks, as they come; the mean round trip, and the loss over all packets. */
export class LinkMeter {
  private path: Path = "";
  private rttSumMs = 0;
  private rttCount = 0;
  /** By track: where its counters stood last. They begin anew with each track. */
  private readonly tracks = new Map<string, { packets: number; lost: number }>();

  note(track: string, sample: Sample): void {
    this.path = sample.path || this.path;
    if (sample.rttMs !== null) {
      this.rttSumMs += sample.rttMs;
      this.rttCount += 1;
    }
    const packets = sample.direction === "in" ? sample.packets + sample.lost : sample.packets;
    this.tracks.set(track, { packets, lost: sample.lost });
  }

  figures(): LinkFigures {
    const all = [...this.tracks.values()];
    const packets = all.reduce((sum, track) => sum + track.packets, 0);
    const lost = all.reduce((sum, track) => sum + track.lost, 0);
    return {
      path: this.path,
      lossPercent: packets === 0 ? null : Math.round((1000 * lost) / packets) / 10,
      rttMs: this.rttCount === 0 ? null : Math.round(this.rttSumMs / this.rttCount),
    };
  }

  reset(): void {
    this.path = "";
    this.rttSumMs = 0;
    this.rttCount = 0;
    this.tracks.clear();
  }
}
