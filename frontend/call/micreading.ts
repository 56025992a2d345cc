// A microphone's level at regular times, for what the page concludes from it; the meter that people see is levelmeter.ts.

export type Reading = { loudness: number; peak: number };

/** Of samples from −1 to 1; loudness on the scale of the meter: −60 dB is 0, −10 dB is 1. */
export function readingOf(samples: Float32Array): Reading {
  let sum = 0;
  let peak = 0;
  for (const sample of samples) {
    sum += sample * sample;
    peak = Math.max(peak, Math.abs(sample));
  }
  const decibels = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-10);
  return { loudness: Math.min(1, Math.max(0, (decibels + 60) / 50)), peak };
}

/** Reads `track` every `everyMs`, while the browser lets it: an audio context that sleeps reads zeros, which would be a lie. */
export function readMicrophone(
  track: MediaStreamTrack,
  everyMs: number,
  onReading: (reading: Reading) => void,
): () => void {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 4096 });
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let readAt = 0;
  const timer = setInterval(() => {
    if (context.state !== "running" || context.currentTime === readAt || track.readyState !== "live") return;
    readAt = context.currentTime;
    analyser.getFloatTimeDomainData(samples);
    onReading(readingOf(samples));
  }, everyMs);
  return () => {
    clearInterval(timer);
    context.close().catch((error: unknown) => console.warn("an audio context was not closed", error));
  };
}
