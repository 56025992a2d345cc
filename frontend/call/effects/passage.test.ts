import assert from "node:assert/strict";
import { test } from "node:test";
import { PassageWatch } from "./passage.ts";

function firstAlarm(peaks: (second: number) => [number, number]): number | null {
  const watch = new PassageWatch();
  for (let second = 0; second <= 30; second += 0.5) {
    const [input, output] = peaks(second);
    if (watch.note(input, output, second * 1000)) return second;
  }
  return null;
}

test("silence, and noise that the filter takes away to almost nothing, are no alarm", () => {
  assert.equal(
    firstAlarm(() => [0, 0]),
    null,
  );
  assert.equal(
    firstAlarm(() => [0.3, 0.000001]),
    null,
  );
});

test("speech that does not come out is one, after three seconds", () => {
  assert.equal(
    firstAlarm((second) => [0.3, second < 10 ? 0.2 : 0]),
    13,
  );
});

test("pauses between words do not end the count, sound that comes out does", () => {
  assert.equal(
    firstAlarm((second) => [second % 2 === 1 ? 0 : 0.3, 0]),
    3.5,
  );
  assert.equal(
    firstAlarm((second) => [0.3, second % 2 === 0 ? 0.1 : 0]),
    null,
  );
});
