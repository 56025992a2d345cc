// How loud a microphone is right now.

/** Loudness of time-domain bytes (128 is silence) as 0…1 on a scale of decibels: −60 dB is 0, −10 dB is 1. */
export function loudness(samples: Uint8Array): number {
  if (samples.length === 0) return 0;
  let sum = 0;
  for (const sample of samples) sum += ((sample - 128) / 128) ** 2;
  const decibels = 10 * Math.log10(sum / samples.length + 1e-10);
  return Math.min(1, Math.max(0, (decibels + 60) / 50));
}

/** Calls `onLevel` at each frame with the loudness of `track`, until the answer is called. */
export function watchLevel(track: MediaStreamTrack, onLevel: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Uint8Array(analyser.fftSize);
  let frame = 0;
  let shown = 0;
  const measure = () => {
    analyser.getByteTimeDomainData(samples);
    // Up at once, down slowly: a meter that flickers cannot be read.
    shown = Math.max(loudness(samples), shown * 0.92);
    onLevel(shown);
    frame = requestAnimationFrame(measure);
  };
  // Without a gesture the browser may keep the context asleep: the first click on the page wakes it.
  const wake = () => void context.resume();
  if (context.state === "suspended") {
    wake();
    document.addEventListener("pointerdown", wake, { once: true });
    document.addEventListener("keydown", wake, { once: true });
  }
  measure();
  return () => {
    cancelAnimationFrame(frame);
    document.removeEventListener("pointerdown", wake);
    document.removeEventListener("keydown", wake);
    void context.close();
  };
}
