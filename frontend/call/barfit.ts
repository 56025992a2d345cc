// Which controls the bar shows: what does not fit under the thumb goes into the "More" menu. No DOM.

/** What may give way, in the order in which it goes; microphone, camera, "More" and "Leave" never do. */
export const SPILLING = ["share", "people", "reactions", "devices", "chat", "hand"] as const;
export type Spilling = (typeof SPILLING)[number];

type Widths = { control: number; arrow: number; gap: number; padding: number };
/** As styles/bar.css has them: with the words below 700 px folded away. */
const WIDE: Widths = { control: 84, arrow: 37, gap: 8, padding: 24 };
const NARROW: Widths = { control: 44, arrow: 29, gap: 4, padding: 8 };
export const NARROW_BELOW_PX = 700;

/** Of `wanted`, those that a bar of `width` has room for. `leaveArrow`: hosts have a menu beside "Leave". */
export function controlsThatFit(
  width: number,
  wanted: readonly Spilling[],
  leaveArrow: boolean,
): ReadonlySet<Spilling> {
  const { control, arrow, gap, padding } = width < NARROW_BELOW_PX ? NARROW : WIDE;
  const widthOf = (name: Spilling) => (name === "devices" ? 2 * arrow : control + gap);
  const kept = new Set(SPILLING.filter((name) => wanted.includes(name)));
  const fixed = padding + 4 * control + 3 * gap + (leaveArrow ? arrow : 0);
  for (const name of SPILLING) {
    const used = [...kept].reduce((sum, each) => sum + widthOf(each), fixed);
    if (used <= width) break;
    kept.delete(name);
  }
  return kept;
}
