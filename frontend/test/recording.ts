// Three seconds of the microphone, and back.

const RECORD_MS = 3_000;

export function canRecord(): boolean {
  return typeof MediaRecorder === "function";
}

/** What the track hears in three seconds, to be played once. Nothing leaves this page. */
export async function record(track: MediaStreamTrack): Promise<Blob> {
  const recorder = new MediaRecorder(new MediaStream([track]));
  const pieces: Blob[] = [];
  recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
  const stopped = new Promise<void>((resolve) => recorder.addEventListener("stop", () => resolve()));
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, RECORD_MS));
  if (recorder.state !== "inactive") recorder.stop();
  await stopped;
  return new Blob(pieces, { type: recorder.mimeType });
}

/** Resolves when it has been played. Raises where it cannot be. */
export async function play(sound: Blob): Promise<void> {
  const address = URL.createObjectURL(sound);
  const element = new Audio(address);
  try {
    const ended = new Promise<void>((resolve, reject) => {
      element.addEventListener("ended", () => resolve());
      element.addEventListener("error", () => reject(new Error("the recording cannot be played")));
    });
    await element.play();
    await ended;
  } finally {
    URL.revokeObjectURL(address);
  }
}
