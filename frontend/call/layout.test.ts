import assert from "node:assert/strict";
import { test } from "node:test";
import { type Arrangement, arrange, gridLayout, SMALLEST_TILE_PX, stripLayout, TILE_GAP_PX } from "./layout.ts";

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

test("of a hundred people no page has more than 25, and the pages together have each once", () => {
  for (const [width, height] of [
    [360, 560],
    [1280, 600],
    [3840, 2000],
  ] as const) {
    const everybody = keys(100);
    const { pages } = arrange(everybody, null, width, height, 0);
    const seen = Array.from({ length: pages }, (_, page) => [
      ...arrange(everybody, null, width, height, page).places.keys(),
    ]);
    for (const page of seen) assert.ok(page.length >= 1 && page.length <= 25, `${page.length} on ${width}`);
    assert.deepEqual(seen.flat().sort(), [...everybody].sort());
  }
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

const keys = (count: number) => Array.from({ length: count }, (_, index) => `p${index}`);

function assertApartAndInside(arrangement: Arrangement, width: number, height: number): void {
  const places = [...arrangement.places.values()];
  for (const place of places) {
    assert.ok(place.left >= 0 && place.top >= 0, JSON.stringify(place));
    assert.ok(place.left + place.width <= width + 1 && place.top + place.height <= height + 1, JSON.stringify(place));
  }
  for (const [index, a] of places.entries()) {
    for (const b of places.slice(index + 1)) {
      const isApart =
        a.left + a.width <= b.left ||
        b.left + b.width <= a.left ||
        a.top + a.height <= b.top ||
        b.top + b.height <= a.top;
      assert.ok(isApart, `${JSON.stringify(a)} and ${JSON.stringify(b)}`);
    }
  }
}

test("tiles lie inside the stage and never on one another, from a phone to 4K, in a grid and in focus", () => {
  const sizes = [
    [312, 420],
    [352, 560],
    [700, 300],
    [1256, 660],
    [3816, 2000],
  ] as const;
  for (const [width, height] of sizes) {
    for (const count of [1, 2, 3, 5, 9, 26, 100]) {
      for (const focused of [null, "p0"]) {
        const first = arrange(keys(count), focused, width, height, 0);
        assertApartAndInside(first, width, height);
        const seen = new Set<string>();
        for (let page = 0; page < first.pages; page += 1) {
          for (const key of arrange(keys(count), focused, width, height, page).places.keys()) seen.add(key);
        }
        assert.equal(seen.size, count, "everybody is on some page");
      }
    }
  }
});

test("of a hundred people a page holds twenty-five at most, and a page beyond the last is the last", () => {
  const { places, page, pages } = arrange(keys(100), null, 3816, 2000, 99);
  assert.equal(places.size, 25);
  assert.deepEqual([page, pages], [3, 4]);
});

test("what is in focus is far larger than the others, and alone it has the whole stage", () => {
  const { places } = arrange(keys(6), "p3", 1256, 660, 0);
  const area = (key: string) => (places.get(key)?.width ?? 0) * (places.get(key)?.height ?? 0);
  assert.ok(area("p3") > 8 * area("p0"));
  assert.deepEqual(arrange(["p0"], "p0", 400, 300, 0).places.get("p0"), { left: 0, top: 0, width: 400, height: 300 });
});

test("before the stage is measured nothing has a place", () => {
  assert.equal(arrange(keys(3), null, 0, 0, 0).places.size, 0);
});
