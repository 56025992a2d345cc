// Builds the call page into build/static/call: main.js (the entry that the template loads), main.css and chunks.
// Chunk names hold a hash and import one another by relative path, so that Django's manifest storage may rename the entry alone.
// Prints what the first view loads, gzipped, and fails when it grows past its budget (200 kB: an old laptop on a slow link).
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { copyAssets } from "./assets.mjs";
import { assertInBudget, FIRST_VIEW_BUDGET_BYTES, firstViewOf } from "./firstview.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outputFolder = join(root, "build/static/call");

rmSync(outputFolder, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  // The connection test (`/test`) shares livekit-client's chunk with the call.
  entryPoints: { main: "frontend/call/main.tsx", test: "frontend/test/main.ts" },
  outdir: outputFolder,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2020",
  minify: true,
  sourcemap: true,
  sourcesContent: false,
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"' },
  chunkNames: "chunk-[name]-[hash]",
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
});

copyAssets(root, outputFolder);

const gzippedBytes = new Map();
for (const path of Object.keys(metafile.outputs)) {
  if (/\.(js|css)$/.test(path)) gzippedBytes.set(path, gzipSync(readFileSync(join(root, path)), { level: 9 }).length);
}

const entry = "build/static/call/main.js";
const firstView = firstViewOf(metafile.outputs, entry);
for (const [path, bytes] of [...gzippedBytes].sort((a, b) => b[1] - a[1])) {
  const when = path.endsWith(".css") || firstView.has(path) ? "first view" : "lazy";
  console.log(`${(bytes / 1000).toFixed(1).padStart(7)} kB gz  ${when.padEnd(10)}  ${relative("build/static", path)}`);
}
const firstViewBytes = [...firstView].reduce((sum, path) => sum + (gzippedBytes.get(path) ?? 0), 0);
console.log(
  `${(firstViewBytes / 1000).toFixed(1).padStart(7)} kB gz  script of the first view (budget ${FIRST_VIEW_BUDGET_BYTES / 1000} kB)`,
);
writeFileSync(
  join(outputFolder, "sizes.json"),
  `${JSON.stringify({ firstViewBytes, files: Object.fromEntries(gzippedBytes) })}\n`,
);
assertInBudget(firstViewBytes);
