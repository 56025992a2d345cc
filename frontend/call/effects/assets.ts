// Where this portal serves what the effects need; frontend/assets.mjs puts it there. This chunk lies in the same folder.
import type { PictureName } from "./choice.ts";

const at = (path: string) => new URL(path, import.meta.url).href;

export const mediapipeFolder = () => at("./vendor/mediapipe-0.10.14");
export const segmenterModel = () => at("./vendor/mediapipe-0.10.14/selfie_segmenter_landscape.tflite");
export const rnnoiseWorklet = () => at("./vendor/rnnoise-0.4.1/workletProcessor.js");
export const rnnoiseWasm = () => at("./vendor/rnnoise-0.4.1/rnnoise.wasm");
export const rnnoiseSimdWasm = () => at("./vendor/rnnoise-0.4.1/rnnoise_simd.wasm");
export const pictureAddress = (name: PictureName) => at(`./backgrounds/${name}.svg`);
