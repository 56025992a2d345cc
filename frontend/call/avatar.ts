// A person without a camera: initials on a colour that stays theirs.

/** One or two letters for a tile; "?" for a name without any letter. */
export function initials(name: string): string {
  const words = name.split(/[\s\-_.]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const first = words[0];
  if (first === undefined) return "?";
  const last = words.length > 1 ? words[words.length - 1] : undefined;
  const letter = (word: string) => word.match(/[\p{L}\p{N}]/u)?.[0] ?? "";
  return (letter(first) + (last === undefined ? "" : letter(last))).toLocaleUpperCase();
}

/** How many `.avatar-<n>` classes the style sheet has; each holds white text at ≥ 4.5:1. */
export const AVATAR_COLOURS = 10;

/** The same colour for the same identity on everybody's screen (FNV-1a). */
export function colourIndex(identity: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < identity.length; index += 1) {
    hash ^= identity.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return hash % AVATAR_COLOURS;
}
