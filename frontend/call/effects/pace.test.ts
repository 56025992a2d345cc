import assert from "node:assert/strict";
import { test } from "node:test";
import { Pace } from "./pace.ts";

/** When it is found slow, in milliseconds from the start; null where it never is. */
function foundSlowAfter(frameMs: (now: number) => number, untilMs: number): number | null {
  const pace = new Pace();
  let now = 0;
  while (now < untilMs) {
    const ms = frameMs(now);
    now += Math.max(ms, 33);
    if (pace.note(ms, now)) return now;
  }
  return null;
}

test("a machine that keeps up is never slow, nor one with a hiccup", () => {
  assert.equal(
    foundSlowAfter(() => 12, 60_000),
    null,
  );
  assert.equal(
    foundSlowAfter((now) => (now > 20_000 && now < 22_000 ? 900 : 40), 60_000),
    null,
  );
});

test("a machine that cannot is found within ten seconds, but not at once: the first frames are always slow", () => {
  const after = foundSlowAfter(() => 300, 60_000);
  assert.ok(after !== null && after > 5000 && after < 8000, String(after));
});

test("one that needs two seconds for a frame is found as well", () => {
  const after = foundSlowAfter(() => 2000, 60_000);
  assert.ok(after !== null && after < 13_000, String(after));
});

test("one that becomes slow later is found, too", () => {
  const after = foundSlowAfter((now) => (now > 30_000 ? 400 : 20), 60_000);
  assert.ok(after !== null && after > 32_000 && after < 40_000, String(after));
});
