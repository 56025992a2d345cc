// RNNoise between the microphone and the call, in an audio worklet. Loaded when somebody first asks for it.
import { loadRnnoise, RnnoiseWorkletNode } from "@sapphi-red/web-noise-suppressor";
import type { AudioProcessorOptions, Track, TrackProcessor } from "livekit-client";
import { rnnoiseSimdWasm, rnnoiseWasm, rnnoiseWorklet } from "./assets.ts";
import { PassageWatch } from "./passage.ts";

const SAMPLE_RATE = 48_000; // the only one RNNoise knows
const STARTS_WITHIN_MS = 3000;
const LOOK_EVERY_MS = 500;

/** `onFail` is called where the filter stops letting speech through: the track must then be sent without it. */
export class RnnoiseProcessor implements TrackProcessor<Track.Kind.Audio, AudioProcessorOptions> {
  readonly name = "rnnoise";
  processedTrack?: MediaStreamTrack;
  /** The microphone itself, before the filter. */
  rawTrack?: MediaStreamTrack;
  private readonly onFail: (reason: string) => void;
  private context: AudioContext | null = null;
  private node: RnnoiseWorkletNode | null = null;
  private stopWatching = () => {};

  constructor(onFail: (reason: string) => void) {
    this.onFail = onFail;
  }

  async init({ track }: Pick<AudioProcessorOptions, "track">): Promise<void> {
    const context = new AudioContext({ sampleRate: SAMPLE_RATE, latencyHint: "interactive" });
    this.context = context;
    try {
      const [wasmBinary] = await Promise.all([
        loadRnnoise({ url: rnnoiseWasm(), simdUrl: rnnoiseSimdWasm() }),
        context.audioWorklet.addModule(rnnoiseWorklet()),
      ]);
      // Awaiting: a context that sleeps would send silence.
      await within(STARTS_WITHIN_MS, context.resume());
      const node = new RnnoiseWorkletNode(context, { maxChannels: 1, wasmBinary });
      const source = context.createMediaStreamSource(new MediaStream([track]));
      const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
      source.connect(node).connect(destination);
      node.onprocessorerror = () => this.fail("the worklet failed");
      this.node = node;
      this.rawTrack = track;
      [this.processedTrack] = destination.stream.getAudioTracks();
      this.watch(context, source, node);
    } catch (error) {
      await this.destroy();
      throw error;
    }
  }

  async restart(options: AudioProcessorOptions): Promise<void> {
    await this.destroy();
    await this.init(options);
  }

  async destroy(): Promise<void> {
    this.stopWatching();
    this.node?.destroy();
    this.node = null;
    this.processedTrack?.stop();
    const { context } = this;
    this.context = null;
    if (context && context.state !== "closed") await context.close();
  }

  /** Speech that goes in must come out; a context that fell asleep (a phone call on iOS) is woken, or given up. */
  private watch(context: AudioContext, source: AudioNode, node: AudioNode): void {
    const [before, after] = [source, node].map((from) => {
      const analyser = new AnalyserNode(context, { fftSize: 2048 });
      from.connect(analyser);
      return analyser;
    }) as [AnalyserNode, AnalyserNode];
    const samples = new Float32Array(before.fftSize);
    const peak = (analyser: AnalyserNode) => {
      analyser.getFloatTimeDomainData(samples);
      return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    };
    const passage = new PassageWatch();
    const timer = setInterval(() => {
      if (context.state !== "running") context.resume().catch((error: unknown) => console.warn("no resume", error));
      const input = context.state === "running" ? peak(before) : 1;
      const output = context.state === "running" ? peak(after) : 0;
      if (passage.note(input, output, performance.now())) this.fail("nothing comes out of the filter");
    }, LOOK_EVERY_MS);
    this.stopWatching = () => clearInterval(timer);
  }

  private fail(reason: string): void {
    this.stopWatching();
    this.onFail(reason);
  }
}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return Promise.race([
    promise,
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error(`not within ${ms} ms`)), ms)),
  ]);
}
