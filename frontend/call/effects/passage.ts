// Whether sound still passes through a filter: a filter that swallows speech is worse than noise.

/** −34 dB: somebody speaks. */
const LOUD_PEAK = 0.02;
const LOST_AFTER_MS = 3000;

export class PassageWatch {
  private lostSince: number | null = null;

  /** Notes the peaks (0…1) on both sides; true when loud sound has gone in for three seconds and nothing at all came out. */
  note(inputPeak: number, outputPeak: number, now: number): boolean {
    if (outputPeak > 0) {
      this.lostSince = null;
      return false;
    }
    if (inputPeak >= LOUD_PEAK) this.lostSince ??= now;
    return this.lostSince !== null && inputPeak >= LOUD_PEAK && now - this.lostSince >= LOST_AFTER_MS;
  }
}
