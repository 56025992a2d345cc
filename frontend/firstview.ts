// What the first view of the call page loads, and the budget that it must keep: an old laptop on a slow link.

export const FIRST_VIEW_BUDGET_BYTES = 200_000;

/** As esbuild's metafile has it. */
export type Outputs = Record<string, { imports: { path: string; kind: string }[] }>;

/** Everything that `path` imports at once (not by `import()`), itself included. */
export function firstViewOf(outputs: Outputs, path: string, seen: Set<string> = new Set()): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const { path: imported, kind } of outputs[path]?.imports ?? []) {
    if (kind === "import-statement") firstViewOf(outputs, imported, seen);
  }
  return seen;
}

/** Raises where the first view has grown past its budget, so that the build fails. */
export function assertInBudget(firstViewBytes: number): void {
  if (firstViewBytes <= FIRST_VIEW_BUDGET_BYTES) return;
  throw new Error(
    `the first view loads ${firstViewBytes} bytes of script, its budget is ${FIRST_VIEW_BUDGET_BYTES}: move something behind import()`,
  );
}
