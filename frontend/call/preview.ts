// The person's own microphone and camera before the call. The open tracks move into the call, so its first second needs no new permission.
import { type DeviceFault, deviceFault } from "./devicefault.ts";
import { type CaptureKind, isGranted, openDevice, openMicrophoneAndCamera } from "./devices.ts";

export type Slot = { track: MediaStreamTrack | null; fault: DeviceFault | null; isOpening: boolean };
export type PreviewSnapshot = Record<CaptureKind, Slot>;

const EMPTY: Slot = { track: null, fault: null, isOpening: false };

export class Preview {
  private readonly listeners = new Set<() => void>();
  private snapshot: PreviewSnapshot = { audioinput: EMPTY, videoinput: EMPTY };
  /** The newest request of each kind; an older one that answers late gives its track back. */
  private readonly newest: Record<CaptureKind, number> = { audioinput: 0, videoinput: 0 };

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getSnapshot = (): PreviewSnapshot => this.snapshot;

  async open(kind: CaptureKind, deviceId: string): Promise<void> {
    const request = ++this.newest[kind];
    this.snapshot[kind].track?.stop();
    this.set(kind, { track: null, fault: null, isOpening: true });
    try {
      const track = await openDevice(kind, deviceId);
      if (request !== this.newest[kind]) {
        track.stop();
        return;
      }
      this.adopt(kind, track);
    } catch (error) {
      if (request === this.newest[kind]) this.set(kind, { ...EMPTY, fault: deviceFault(error) });
    }
  }

  /** Both at once, so that the browser asks one question instead of two; where that fails, each for itself. */
  async openBoth(microphoneId: string, cameraId: string): Promise<void> {
    const requests = [++this.newest.audioinput, ++this.newest.videoinput];
    this.set("audioinput", { ...EMPTY, isOpening: true });
    this.set("videoinput", { ...EMPTY, isOpening: true });
    const isCurrent = () => requests[0] === this.newest.audioinput && requests[1] === this.newest.videoinput;
    try {
      const tracks = await openMicrophoneAndCamera(microphoneId, cameraId);
      if (!isCurrent()) {
        tracks.audio.stop();
        tracks.video.stop();
        return;
      }
      this.adopt("audioinput", tracks.audio);
      this.adopt("videoinput", tracks.video);
    } catch (error) {
      if (!isCurrent()) return;
      const fault = deviceFault(error);
      await Promise.all(
        (["audioinput", "videoinput"] as const).map(async (kind) => {
          // After a refusal ask again only for what is already granted: nobody wants the same question twice.
          const isAnswered = fault === "refused" || fault === "dismissed";
          if (fault === "insecure" || (isAnswered && !(await isGranted(kind)))) this.set(kind, { ...EMPTY, fault });
          else await this.open(kind, kind === "audioinput" ? microphoneId : cameraId);
        }),
      );
    }
  }

  close(kind: CaptureKind): void {
    this.newest[kind] += 1;
    this.snapshot[kind].track?.stop();
    this.set(kind, EMPTY);
  }

  closeAll(): void {
    this.close("audioinput");
    this.close("videoinput");
  }

  /** Hands the open tracks over; from here on the taker stops them. */
  take(): { audio: MediaStreamTrack | null; video: MediaStreamTrack | null } {
    const taken = { audio: this.snapshot.audioinput.track, video: this.snapshot.videoinput.track };
    for (const kind of ["audioinput", "videoinput"] as const) {
      this.newest[kind] += 1;
      this.set(kind, EMPTY);
    }
    return taken;
  }

  private adopt(kind: CaptureKind, track: MediaStreamTrack): void {
    track.addEventListener("ended", () => {
      if (this.snapshot[kind].track === track) this.set(kind, { ...EMPTY, fault: "missing" });
    });
    this.set(kind, { ...EMPTY, track });
  }

  private set(kind: CaptureKind, slot: Slot): void {
    this.snapshot = { ...this.snapshot, [kind]: slot };
    for (const listener of this.listeners) listener();
  }
}
