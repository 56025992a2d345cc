// The stronger noise filter: whether it is wanted, whether it runs, and its way onto the microphone's track. rnnoise.ts does the work, loaded late.
import type { LocalAudioTrack } from "livekit-client";

export type NoiseFilterName = "browser" | "rnnoise";
export type NoiseFilterSnapshot = { wanted: NoiseFilterName; running: NoiseFilterName };
type MicrophoneTrack = Pick<LocalAudioTrack, "getProcessor" | "setProcessor" | "stopProcessor">;

export function parseNoiseFilter(text: string): NoiseFilterName {
  return text === "rnnoise" ? "rnnoise" : "browser";
}

/** The browser's own filter works in any case: where RNNoise does not run, people are still heard. */
export class NoiseFilter {
  /** Told when the filter was wanted and does not run (any more). */
  onFail: () => void = () => {};
  private readonly listeners = new Set<() => void>();
  private readonly save: (wanted: NoiseFilterName) => void;
  private snapshot: NoiseFilterSnapshot;
  private queue: Promise<void> = Promise.resolve();

  constructor(remembered: NoiseFilterName, save: (wanted: NoiseFilterName) => void) {
    this.snapshot = { wanted: remembered, running: "browser" };
    this.save = save;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getSnapshot = (): NoiseFilterSnapshot => this.snapshot;

  choose(wanted: NoiseFilterName): void {
    this.save(wanted);
    this.publish({ wanted });
  }

  /** Brings the choice onto the microphone's track. Never raises: without the filter the track is sent as it is. */
  putOn(track: MicrophoneTrack): Promise<void> {
    this.queue = this.queue.then(async () => {
      try {
        if (this.snapshot.wanted === "browser") {
          if (track.getProcessor()) await track.stopProcessor();
          this.publish({ running: "browser" });
        } else if (!track.getProcessor()) {
          const { RnnoiseProcessor } = await import("./rnnoise.ts");
          await track.setProcessor(new RnnoiseProcessor((reason) => this.giveUp(track, reason)));
          this.publish({ running: "rnnoise" });
        }
      } catch (error) {
        this.giveUp(track, error);
      }
    });
    return this.queue;
  }

  private giveUp(track: MicrophoneTrack, reason: unknown): void {
    console.warn("the noise filter is off", reason);
    this.publish({ wanted: "browser", running: "browser" });
    this.onFail();
    if (!track.getProcessor()) return;
    track.stopProcessor().catch((error: unknown) => console.error("the filter could not be taken off", error));
  }

  private publish(changes: Partial<NoiseFilterSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...changes };
    for (const listener of this.listeners) listener();
  }
}
