// What a microphone's level tells: somebody speaks although muted, or the microphone gives nothing at all.

/** On the scale of `loudness`: about −37 dB, a voice before the machine but not the room behind it. */
const VOICE = 0.46;
const TICK_MS = 100;
/** Of the last two seconds, this much must be voice: a cough or a door is shorter. */
const WINDOW_TICKS = 20;
const VOICE_TICKS = 8;
/** Who was told and stays muted wants to: not again for a minute. */
const QUIET_AFTER_MS = 60_000;

/** Fed with the loudness (0…1) of a muted microphone ten times a second. */
export class MutedSpeech {
  static readonly EVERY_MS = TICK_MS;
  private readonly recent: boolean[] = [];
  private quietUntil = 0;

  /** True once, when the person has begun to speak. */
  note(loudness: number, now: number): boolean {
    this.recent.push(loudness >= VOICE);
    if (this.recent.length > WINDOW_TICKS) this.recent.shift();
    if (now < this.quietUntil || this.recent.filter(Boolean).length < VOICE_TICKS) return false;
    this.quietUntil = now + QUIET_AFTER_MS;
    this.recent.length = 0;
    return true;
  }

  /** Unmuted meanwhile: the next mute starts anew, but for the quiet minute. */
  reset(): void {
    this.recent.length = 0;
  }
}

/** A microphone in a silent room still gives its own noise; only one that is dead or switched off gives zeros. */
const DEAD_PEAK = 1e-5;
const DEAD_AFTER_MS = 8000;

/** Fed with the peak (0…1) of a microphone that should be heard. */
export class DeadMicrophone {
  private deadSince: number | null = null;

  /** Whether it has given nothing for eight seconds. */
  note(peak: number, now: number): boolean {
    if (peak > DEAD_PEAK) this.deadSince = null;
    else this.deadSince ??= now;
    return this.deadSince !== null && now - this.deadSince >= DEAD_AFTER_MS;
  }

  reset(): void {
    this.deadSince = null;
  }
}
