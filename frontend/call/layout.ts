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
    side === "right" ? clamp(width * 0.18, SMALLEST_TILE_PX, 280) : clamp(width * 0.3, SMALLEST_TILE_PX, 220);
  const step = (side === "right" ? tileWidthPx / RATIO : tileWidthPx) + TILE_GAP_PX;
  const room = side === "right" ? height : width;
  return { side, tileWidthPx: Math.floor(tileWidthPx), fit: Math.max(1, Math.floor((room + TILE_GAP_PX) / step)) };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
