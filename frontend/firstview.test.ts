import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertInBudget, FIRST_VIEW_BUDGET_BYTES, firstViewOf, type Outputs } from "./firstview.ts";

const at = (path: string) => ({ path, kind: "import-statement" });
const later = (path: string) => ({ path, kind: "dynamic-import" });

test("the first view is the entry with all that it imports at once, through any number of chunks", () => {
  const outputs: Outputs = {
    main: { imports: [at("react"), later("stage")] },
    react: { imports: [at("shared"), at("main")] },
    shared: { imports: [] },
    stage: { imports: [at("livekit")] },
    livekit: { imports: [] },
  };
  assert.deepEqual([...firstViewOf(outputs, "main")].sort(), ["main", "react", "shared"]);
});

test("a first view over 200 kB fails the build", () => {
  assert.equal(FIRST_VIEW_BUDGET_BYTES, 200_000);
  assertInBudget(200_000);
  assert.throws(() => assertInBudget(200_001), /200001 bytes/);
  // Its last act, behind everything that it writes: nothing catches what it raises.
  const build = readFileSync(join(import.meta.dirname, "build.mjs"), "utf8");
  assert.match(build, /\nassertInBudget\(firstViewBytes\);\n$/);
});
