// The person's background: the choice, what became of it, and its way onto a camera track. The work itself is in processing.ts, loaded late.
import type { LocalVideoTrack } from "livekit-client";
import { pictureAddress } from "./assets.ts";
import { type BackgroundChoice, type BackgroundMode, modeFor } from "./choice.ts";
import { ownPicture } from "./ownpicture.ts";
import type { ProcessedTrack } from "./processing.ts";

/** Why the effect is off although it was chosen. */
export type EffectFault = "unsupported" | "failed" | "slow";
export type BackgroundsSnapshot = { choice: BackgroundChoice; isStarting: boolean; fault: EffectFault | null };

/** The camera must not be shown as it is: the person chose an effect that did not start. */
export class EffectFailed extends Error {
  readonly fault: EffectFault;
  constructor(fault: EffectFault, cause?: unknown) {
    super(`the background effect does not run: ${fault}`, { cause });
    this.fault = fault;
  }
}

type Processing = typeof import("./processing.ts");
type CameraTrack = Pick<LocalVideoTrack, "getProcessor" | "setProcessor" | "stopProcessor">;

export class Backgrounds {
  private readonly listeners = new Set<() => void>();
  private readonly save: (choice: BackgroundChoice) => void;
  private snapshot: BackgroundsSnapshot;
  /** One change at a time: processors that start and stop across each other leave the wrong picture. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(remembered: BackgroundChoice, save: (choice: BackgroundChoice) => void) {
    this.snapshot = { choice: remembered, isStarting: false, fault: null };
    this.save = save;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getSnapshot = (): BackgroundsSnapshot => this.snapshot;

  choose(choice: BackgroundChoice): void {
    this.save(choice);
    this.publish({ choice, fault: null });
  }

  /** The message has been read. */
  forgetFault(): void {
    this.publish({ fault: null });
  }

  /** Whether a track has an effect and should have none, or the other way round. A camera that is off cannot change that: it must come back anew. */
  isOutdatedOn(track: Pick<CameraTrack, "getProcessor">): boolean {
    return (this.snapshot.choice !== "none") !== (track.getProcessor() !== undefined);
  }

  /** Brings the choice onto a camera track, before it is published or in the call. Raises EffectFailed. */
  putOn(track: CameraTrack): Promise<void> {
    return this.inTurn(async () => {
      const { choice } = this.snapshot;
      const running = track.getProcessor() as { switchTo: (mode: BackgroundMode) => Promise<void> } | undefined;
      if (choice === "none") {
        if (running) await track.stopProcessor();
      } else if (running) {
        await running.switchTo(this.mode());
      } else {
        const { createProcessor } = await this.load();
        await track.setProcessor(createProcessor(this.mode(), this.handleSlow));
      }
    });
  }

  /** The preview's camera with the choice on it; null where there is none. Raises EffectFailed. */
  process(raw: MediaStreamTrack): Promise<ProcessedTrack | null> {
    return this.inTurn(async () => {
      if (this.snapshot.choice === "none") return null;
      const { processTrack } = await this.load();
      return processTrack(raw, this.mode(), this.handleSlow);
    });
  }

  /** The choice has changed under a running preview. Raises EffectFailed. */
  change(processed: ProcessedTrack): Promise<void> {
    return this.inTurn(() => processed.switchTo(this.mode()));
  }

  private mode(): BackgroundMode {
    return modeFor(this.snapshot.choice, (name) => (name === "own" ? ownPicture.address() : pictureAddress(name)));
  }

  private async load(): Promise<Processing> {
    const processing = await import("./processing.ts");
    if (!processing.isSupported()) throw new EffectFailed("unsupported");
    return processing;
  }

  private inTurn<T>(act: () => Promise<T>): Promise<T> {
    const run = async () => {
      this.publish({ isStarting: this.snapshot.choice !== "none" });
      try {
        return await act();
      } catch (error) {
        const failure = error instanceof EffectFailed ? error : new EffectFailed("failed", error);
        console.warn(failure.message, error);
        this.publish({ choice: "none", fault: failure.fault });
        throw failure;
      } finally {
        this.publish({ isStarting: false });
      }
    };
    const turn = this.queue.then(run, run);
    this.queue = turn.catch(() => {});
    return turn;
  }

  private handleSlow = (): void => this.publish({ choice: "none", fault: "slow" });

  private publish(changes: Partial<BackgroundsSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...changes };
    for (const listener of this.listeners) listener();
  }
}
