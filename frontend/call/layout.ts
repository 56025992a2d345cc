// Arithmetic of the grid: how many 16:9 tiles, how large, on how many pages. No DOM.

export const TILE_GAP_PX = 8;
/** Below this a face and a name can no longer be read. */
export const SMALLEST_TILE_PX = 160;
const RATIO = 16 / 9;
/** A page with more tiles than this is not looked at but searched. */
const MOST_TILES_A_PAGE = 25;

export type GridLayout = { columns: number; rows: number; tileWidthPx: number; perPage: number; pages: number };

/** Width of a 16:9 tile when `columns` × `rows` of them fill `width` × `height`. */
function tileWidth(columns: number, rows: number, width: number, height: number): number {
  const byWidth = (width - TILE_GAP_PX * (columns - 1)) / columns;
  const byHeight = ((height - TILE_GAP_PX * (rows - 1)) / rows) * RATIO;
  return Math.floor(Math.max(0, Math.min(byWidth, byHeight)));
}

function largestTiles(
  count: number,
  width: number,
  height: number,
): { columns: number; rows: number; tileWidthPx: number } {
  let best = { columns: 1, rows: count, tileWidthPx: tileWidth(1, count, width, height) };
  for (let columns = 2; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const width_ = tileWidth(columns, rows, width, height);
    if (width_ > best.tileWidthPx) best = { columns, rows, tileWidthPx: width_ };
  }
  return best;
}

/** The layout with the largest tiles for `count` people; those who would make tiles unreadable go to further pages. */
export function gridLayout(count: number, width: number, height: number): GridLayout {
  const people = Math.max(1, count);
  for (let perPage = Math.min(people, MOST_TILES_A_PAGE); perPage > 1; perPage -= 1) {
    const grid = largestTiles(perPage, width, height);
    if (grid.tileWidthPx >= SMALLEST_TILE_PX) return { ...grid, perPage, pages: Math.ceil(people / perPage) };
  }
  return { ...largestTiles(1, width, height), perPage: 1, pages: people };
}

/** The strip beside a shared screen: beside it on a wide stage, below it on a high one; how many tiles fit and how wide they are. */
export function stripLayout(
  width: number,
  height: number,
): { side: "right" | "bottom"; tileWidthPx: number; fit: number } {
  const side = width > height ? "right" : "bottom";
  const tileWidthPx =
    side === "right"
      ? clamp(width * 0.18, SMALLEST_TILE_PX, Math.max(280, width * 0.1))
      : clamp(width * 0.3, SMALLEST_TILE_PX, 220);
  const step = (side === "right" ? tileWidthPx / RATIO : tileWidthPx) + TILE_GAP_PX;
  const room = side === "right" ? height : width;
  return { side, tileWidthPx: Math.floor(tileWidthPx), fit: Math.max(1, Math.floor((room + TILE_GAP_PX) / step)) };
}

/** Where a tile is on the stage, in CSS pixels. */
export type Place = { left: number; top: number; width: number; height: number };
export type Arrangement = { places: ReadonlyMap<string, Place>; page: number; pages: number };

/** How many tiles of `count` a page shows, beside the one in focus if there is one. */
export function tilesPerPage(count: number, hasFocus: boolean, width: number, height: number): number {
  return hasFocus ? stripLayout(width, height).fit : gridLayout(count, width, height).perPage;
}

/**
 * The places of the tiles that are on screen: a grid, or `focused` large with a strip of the others. Tiles of further pages have no place.
 * `focused` may be anywhere in `order`.
 */
export function arrange(
  order: readonly string[],
  focused: string | null,
  width: number,
  height: number,
  page: number,
): Arrangement {
  if (width <= 0 || height <= 0) return { places: new Map(), page: 0, pages: 1 };
  return focused === null
    ? arrangeGrid(order, width, height, page)
    : arrangeFocus(
        order.filter((key) => key !== focused),
        focused,
        width,
        height,
        page,
      );
}

function arrangeGrid(order: readonly string[], width: number, height: number, page: number): Arrangement {
  const { columns, rows, tileWidthPx, perPage, pages } = gridLayout(order.length, width, height);
  const current = clamp(page, 0, pages - 1);
  const shown = order.slice(current * perPage, (current + 1) * perPage);
  const tileHeight = tileWidthPx / RATIO;
  const top = (height - span(rows, tileHeight)) / 2;
  const places = new Map<string, Place>();
  shown.forEach((key, index) => {
    const row = Math.floor(index / columns);
    const inRow = Math.min(columns, shown.length - row * columns);
    const left = (width - span(inRow, tileWidthPx)) / 2; // a last row that is not full is centred
    places.set(key, {
      left: Math.round(left + (index % columns) * (tileWidthPx + TILE_GAP_PX)),
      top: Math.round(top + row * (tileHeight + TILE_GAP_PX)),
      width: tileWidthPx,
      height: Math.floor(tileHeight),
    });
  });
  return { places, page: current, pages };
}

function arrangeFocus(
  others: readonly string[],
  focused: string,
  width: number,
  height: number,
  page: number,
): Arrangement {
  if (others.length === 0)
    return { places: new Map([[focused, { left: 0, top: 0, width, height }]]), page: 0, pages: 1 };
  const { side, tileWidthPx, fit } = stripLayout(width, height);
  const tileHeight = Math.floor(tileWidthPx / RATIO);
  const pages = Math.ceil(others.length / fit);
  const current = clamp(page, 0, pages - 1);
  const shown = others.slice(current * fit, (current + 1) * fit);
  const isRight = side === "right";
  const main = isRight
    ? { left: 0, top: 0, width: width - tileWidthPx - TILE_GAP_PX, height }
    : { left: 0, top: 0, width, height: height - tileHeight - TILE_GAP_PX };
  const places = new Map<string, Place>([[focused, main]]);
  const step = (isRight ? tileHeight : tileWidthPx) + TILE_GAP_PX;
  const start = isRight ? 0 : Math.round((width - span(shown.length, tileWidthPx)) / 2);
  shown.forEach((key, index) => {
    const along = start + index * step;
    const [left, top] = isRight ? [width - tileWidthPx, along] : [along, height - tileHeight];
    places.set(key, { left, top, width: tileWidthPx, height: tileHeight });
  });
  return { places, page: current, pages };
}

/** Length of `count` tiles of `size` with the gaps between them. */
function span(count: number, size: number): number {
  return count * size + (count - 1) * TILE_GAP_PX;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
