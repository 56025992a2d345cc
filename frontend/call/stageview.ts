// What is large on the stage: the person's own choice, a share, who speaks, or nothing (a grid). No DOM.

export type LayoutChoice = "auto" | "grid" | "speaker";
export const LAYOUT_CHOICES: readonly LayoutChoice[] = ["auto", "grid", "speaker"];

/** A tile is known by its key: a person's is their identity, a share's is made of its owner's. */
export type TileFacts = { key: string; identity: string; isShare: boolean; isMine: boolean };

export const shareKey = (identity: string): string => `share:${identity}`;

export function layoutChoice(saved: string): LayoutChoice {
  return LAYOUT_CHOICES.find((choice) => choice === saved) ?? "auto";
}

/**
 * The key of the tile in focus, or null for a grid. What the person pinned comes first; then, unless they want a grid, the newest share
 * of somebody else; then, where they want one person large, `speaker` (who spoke last), or whoever else is there.
 */
export function chooseFocus(
  tiles: readonly TileFacts[],
  choice: LayoutChoice,
  pinned: string | null,
  speaker: string | null,
): string | null {
  if (pinned !== null && tiles.some(({ key }) => key === pinned)) return pinned;
  if (choice === "grid") return null;
  const shares = tiles.filter(({ isShare }) => isShare);
  const share = shares.findLast(({ isMine }) => !isMine);
  if (share) return share.key;
  if (choice === "auto") return null;
  const others = tiles.filter(({ isMine }) => !isMine);
  return (others.find(({ identity }) => identity === speaker) ?? others.at(0))?.key ?? null;
}
