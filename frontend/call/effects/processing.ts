// The picture's background replaced frame by frame, in this browser. Loaded when somebody first asks for it.
import {
  type BackgroundOptions,
  BackgroundProcessorWrapper,
  BackgroundTransformer,
  ProcessorWrapper,
} from "@livekit/track-processors";
import { Track } from "livekit-client";
import { mediapipeFolder, segmenterModel } from "./assets.ts";
import type { BackgroundMode } from "./choice.ts";
import { Pace } from "./pace.ts";

export function isSupported(): boolean {
  return BackgroundTransformer.isSupported && ProcessorWrapper.isSupported;
}

/** Without a graphics card the segmenter is twenty times faster on the processor itself than on one that plays graphics card. */
function drawsInSoftware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return true;
  const named = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(renderer);
}

/** The library shows one frame as it is before the first processed one: exactly what the person wanted to hide. */
class DiscreetTransformer extends BackgroundTransformer {
  override async init(...options: Parameters<BackgroundTransformer["init"]>): Promise<void> {
    await super.init(...options);
    this.isFirstFrame = false;
  }
}

/** A processor for one camera track. `onSlow` is called, once, where the machine cannot keep up. */
export function createProcessor(mode: BackgroundMode, onSlow: () => void): BackgroundProcessorWrapper {
  const pace = new Pace();
  let isSlow = false;
  const options: BackgroundOptions = {
    assetPaths: { tasksVisionFileSet: mediapipeFolder(), modelAssetPath: segmenterModel() },
    segmenterOptions: { delegate: drawsInSoftware() ? "CPU" : "GPU" },
    onFrameProcessed: ({ processingTimeMs }) => {
      if (isSlow || !pace.note(processingTimeMs, performance.now())) return;
      isSlow = true;
      onSlow();
    },
  };
  if (mode.mode === "background-blur") options.blurRadius = mode.blurRadius;
  if (mode.mode === "virtual-background") options.imagePath = mode.imagePath;
  return new BackgroundProcessorWrapper(new DiscreetTransformer(options), "background");
}

export type ProcessedTrack = {
  track: MediaStreamTrack;
  switchTo: (mode: BackgroundMode) => Promise<void>;
  stop: () => void;
};

/** A camera that no room knows yet, with its background replaced. `raw` stays its owner's. Raises where it cannot start. */
export async function processTrack(
  raw: MediaStreamTrack,
  mode: BackgroundMode,
  onSlow: () => void,
): Promise<ProcessedTrack> {
  const processor = createProcessor(mode, onSlow);
  const element = document.createElement("video");
  element.muted = true;
  element.playsInline = true;
  element.srcObject = new MediaStream([raw]);
  void element.play().catch((error: unknown) => console.warn("the preview's source does not play", error));
  await processor.init({ kind: Track.Kind.Video, track: raw, element });
  if (!processor.processedTrack) throw new Error("no processed track");
  return {
    track: processor.processedTrack,
    switchTo: (next) => processor.switchTo(next),
    stop: () => {
      element.srcObject = null;
      processor.processedTrack?.stop();
      processor.destroy().catch((error: unknown) => console.warn("the effect was not put away", error));
    },
  };
}
