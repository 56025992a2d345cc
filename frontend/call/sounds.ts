// Soft sounds for what happens in the call, made here rather than loaded. Each only accompanies something that is seen: a toast, a badge, a hand.

export const SOUNDS = ["join", "hand", "chat"] as const;
export type Sound = (typeof SOUNDS)[number];

/** In a larger room something always happens. */
export const MOST_PEOPLE_WITH_SOUNDS = 20;
const REST_MS = 1000;
const GAIN = 0.06;
const NOTE_S = 0.16;

/** Hertz, one after the other. */
const NOTES: Record<Sound, readonly number[]> = {
  join: [523.25, 659.25],
  hand: [783.99, 783.99],
  chat: [659.25],
};

export type SoundParts = {
  isOn: (sound: Sound) => boolean;
  peopleCount: () => number;
  now: () => number;
  play: (notes: readonly number[]) => void;
};

export class Sounds {
  private readonly parts: SoundParts;
  private readonly lastMs = new Map<Sound, number>();

  constructor(parts: SoundParts) {
    this.parts = parts;
  }

  /** Each once a second at most, whatever comes. */
  play(sound: Sound): void {
    const { isOn, peopleCount, now, play } = this.parts;
    const last = this.lastMs.get(sound) ?? Number.NEGATIVE_INFINITY;
    if (!isOn(sound) || peopleCount() > MOST_PEOPLE_WITH_SOUNDS || now() - last < REST_MS) return;
    this.lastMs.set(sound, now());
    play(NOTES[sound]);
  }
}

/** Plays on the speaker `speakerId` where the browser lets a page choose. One context for all, made at the first note. */
export function notePlayer(speakerId: () => string): (notes: readonly number[]) => void {
  let context: AudioContext | null = null;
  return (notes) => {
    context ??= new AudioContext();
    const { currentTime, destination } = context;
    void chooseSpeaker(context, speakerId());
    void context.resume();
    notes.forEach((hertz, index) => {
      const tone = new OscillatorNode(context as AudioContext, { type: "sine", frequency: hertz });
      const volume = new GainNode(context as AudioContext, { gain: 0 });
      const start = currentTime + 0.02 + index * NOTE_S * 0.8;
      volume.gain.setValueAtTime(0, start);
      volume.gain.linearRampToValueAtTime(GAIN, start + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + NOTE_S * 2);
      tone.connect(volume).connect(destination);
      tone.start(start);
      tone.stop(start + NOTE_S * 2);
    });
  };
}

type ChoosingContext = AudioContext & { sinkId?: unknown; setSinkId?: (id: string) => Promise<void> };

async function chooseSpeaker(context: ChoosingContext, speakerId: string): Promise<void> {
  if (!context.setSinkId || context.sinkId === speakerId) return;
  await context.setSinkId(speakerId).catch((error: unknown) => console.warn("a sound plays elsewhere", error));
}
