import assert from "node:assert/strict";
import { test } from "node:test";
import { NoiseFilter, parseNoiseFilter } from "./noisefilter.ts";

test("an unknown filter of another release is the browser's", () => {
  assert.equal(parseNoiseFilter("rnnoise"), "rnnoise");
  for (const text of ["", "krisp", "RNNOISE"]) assert.equal(parseNoiseFilter(text), "browser");
});

test("a filter that does not start is told, and the track is sent as it is", async () => {
  const filter = new NoiseFilter("rnnoise", () => {});
  let failures = 0;
  filter.onFail = () => {
    failures += 1;
  };
  let stopped = 0;
  const track = {
    getProcessor: () => undefined,
    setProcessor: () => Promise.reject(new Error("no worklet here")),
    stopProcessor: async () => {
      stopped += 1;
    },
  };
  await filter.putOn(track);
  assert.deepEqual(filter.getSnapshot(), { wanted: "browser", running: "browser" });
  assert.deepEqual([failures, stopped], [1, 0]);
});

test("the choice is saved, a failure is not: the next meeting tries again", async () => {
  const saved: string[] = [];
  const filter = new NoiseFilter("browser", (wanted) => saved.push(wanted));
  filter.choose("rnnoise");
  await filter.putOn({
    getProcessor: () => undefined,
    setProcessor: () => Promise.reject(new Error("no")),
    stopProcessor: async () => {},
  });
  assert.deepEqual(saved, ["rnnoise"]);
});
