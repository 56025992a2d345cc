// What this page plays and shows of the others: their pictures at all, their sound at all, and how loud each one is. For this call only.

export type ReceptionSnapshot = {
  /** "Sound first": no picture comes in, for a weak link. */
  isVideoOff: boolean;
  /** This device is silent, since another one in the same room of the building speaks and hears. */
  isSoundOff: boolean;
  /** By identity, 0…1; who is not in it is heard in full. */
  volumes: ReadonlyMap<string, number>;
};

/** A volume as people give it, in percent. */
export function clampVolume(percent: number): number {
  return Number.isFinite(percent) ? Math.min(100, Math.max(0, Math.round(percent))) / 100 : 1;
}

export class Reception {
  private readonly listeners = new Set<() => void>();
  private snapshot: ReceptionSnapshot = { isVideoOff: false, isSoundOff: false, volumes: new Map() };

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getSnapshot = (): ReceptionSnapshot => this.snapshot;

  setVideoOff(isVideoOff: boolean): void {
    this.publish({ isVideoOff });
  }

  setSoundOff(isSoundOff: boolean): void {
    this.publish({ isSoundOff });
  }

  setVolume(identity: string, percent: number): void {
    this.publish({ volumes: new Map(this.snapshot.volumes).set(identity, clampVolume(percent)) });
  }

  private publish(changes: Partial<ReceptionSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...changes };
    for (const listener of this.listeners) listener();
  }
}
