import assert from "node:assert/strict";
import { test } from "node:test";
import { gridLayout, SMALLEST_TILE_PX, stripLayout, TILE_GAP_PX } from "./layout.ts";

test("one person fills a wide stage by height", () => {
  assert.deepEqual(gridLayout(1, 1600, 720), { columns: 1, rows: 1, tileWidthPx: 1280, perPage: 1, pages: 1 });
});

test("two people sit side by side on a wide stage and above one another on a phone", () => {
  assert.equal(gridLayout(2, 1280, 600).columns, 2);
  assert.equal(gridLayout(2, 360, 620).columns, 1);
});

test("no grid is larger than the stage, and no tile smaller than readable, whatever the numbers", () => {
  for (let count = 1; count <= 120; count += 1) {
    for (const [width, height] of [
      [320, 400],
      [360, 560],
      [800, 300],
      [1280, 600],
      [1920, 900],
      [3840, 2000],
    ] as const) {
      const { columns, rows, tileWidthPx, perPage, pages } = gridLayout(count, width, height);
      const gridHeight = rows * ((tileWidthPx * 9) / 16) + (rows - 1) * TILE_GAP_PX;
      assert.ok(columns * tileWidthPx + (columns - 1) * TILE_GAP_PX <= width, `${count} on ${width}`);
      assert.ok(gridHeight <= height + 1, `${count} on ${width} x ${height}`);
      assert.ok(tileWidthPx >= SMALLEST_TILE_PX);
      assert.ok(columns * rows >= perPage && pages * perPage >= count && (pages - 1) * perPage < count);
    }
  }
});

test("people beyond a readable page go to further pages", () => {
  const { perPage, pages } = gridLayout(60, 1280, 600);
  assert.equal(perPage, 25);
  assert.equal(pages, 3);
});

test("a stage without size still gives a layout", () => {
  assert.deepEqual(gridLayout(4, 0, 0), { columns: 1, rows: 1, tileWidthPx: 0, perPage: 1, pages: 4 });
});

test("the strip is beside a wide share and below a high one, with whole tiles only", () => {
  const wide = stripLayout(1280, 600);
  assert.equal(wide.side, "right");
  assert.ok(wide.fit * ((wide.tileWidthPx * 9) / 16) + (wide.fit - 1) * TILE_GAP_PX <= 600);
  const high = stripLayout(360, 560);
  assert.equal(high.side, "bottom");
  assert.equal(high.fit, 2);
  assert.ok(high.tileWidthPx >= SMALLEST_TILE_PX);
});
