import assert from "node:assert/strict";
import { test } from "node:test";
import { callSeconds, clockLeadMs, clockText, untilNextSecondMs } from "./callclock.ts";

const BEGAN = "2026-11-25T10:00:00.000Z";
const began = Date.parse(BEGAN);

test("the call's length is counted from its beginning, not from one's own coming", () => {
  assert.equal(callSeconds(BEGAN, began + 2530_000, 0), 2530);
  assert.equal(callSeconds(BEGAN, began + 2530_999, 0), 2530);
  assert.equal(callSeconds(null, began, 0), null);
  assert.equal(callSeconds("", began, 0), null);
});

test("a machine whose clock is wrong shows the same", () => {
  for (const wrongMs of [-7 * 60_000, 0, 3_600_000]) {
    const lead = clockLeadMs("2026-11-25T10:30:00.000Z", began + 1_800_000 + wrongMs);
    assert.equal(lead, wrongMs);
    assert.equal(callSeconds(BEGAN, began + 2_400_000 + wrongMs, lead), 2400);
  }
  assert.equal(clockLeadMs("no time", began), 0);
});

test("a beginning that seems to lie ahead is no negative time", () => {
  assert.equal(callSeconds(BEGAN, began - 400, 0), 0);
});

test("the next tick is when the seconds are one more", () => {
  assert.equal(untilNextSecondMs(BEGAN, began + 5000, 0), 1000);
  assert.equal(untilNextSecondMs(BEGAN, began + 5250, 0), 750);
  assert.equal(untilNextSecondMs(BEGAN, began + 5250 + 60_000, 60_000), 750);
  assert.equal(untilNextSecondMs(BEGAN, began - 400, 0), 1400);
});

test("hours, minutes and seconds, always in two digits", () => {
  assert.equal(clockText(0), "00:00:00");
  assert.equal(clockText(2530), "00:42:10");
  assert.equal(clockText(3599), "00:59:59");
  assert.equal(clockText(3600), "01:00:00");
  assert.equal(clockText(360_061), "100:01:01");
});
