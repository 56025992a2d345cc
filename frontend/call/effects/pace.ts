// Whether a machine keeps up with an effect. One that does not makes the whole page slow: then the effect must go.

/** The first frames compile shaders and say nothing. */
const WARM_UP_FRAMES = 2;
/** More than this a frame, over the whole window, is fewer than five pictures a second: worse than no effect. */
const SLOW_MS = 200;
const WINDOW_MS = 5000;
const LEAST_FRAMES = 3;

export class Pace {
  private frames = 0;
  private readonly window: { at: number; ms: number }[] = [];

  /** Notes that a frame took `ms`; true when the machine has been too slow for the whole window. */
  note(ms: number, now: number): boolean {
    this.frames += 1;
    if (this.frames <= WARM_UP_FRAMES) return false;
    this.window.push({ at: now, ms });
    const since = now - WINDOW_MS;
    const isFull = (this.window[0]?.at ?? now) <= since;
    while ((this.window[0]?.at ?? now) < since) this.window.shift();
    if (!isFull || this.window.length < LEAST_FRAMES) return false;
    return this.window.reduce((sum, frame) => sum + frame.ms, 0) / this.window.length > SLOW_MS;
  }
}
