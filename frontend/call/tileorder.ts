// Who sits where. Tiles keep their place: newcomers go to the end, and only somebody who speaks from another page is swapped in.

/** `previous` without those who left, newcomers of `present` behind in the order given. */
export function keepOrder(previous: readonly string[], present: readonly string[]): string[] {
  const here = new Set(present);
  const kept = previous.filter((identity) => here.has(identity));
  const known = new Set(kept);
  return [...kept, ...present.filter((identity) => !known.has(identity))];
}

/**
 * `order` with each of `speaking` on the first page (of `perPage`): swapped with the one there who has been silent the longest.
 * `mine` and those speaking keep their place. `lastSpokeMs` tells when each last spoke; absent means never.
 */
export function pullSpeakers(
  order: readonly string[],
  perPage: number,
  speaking: ReadonlySet<string>,
  lastSpokeMs: ReadonlyMap<string, number>,
  mine: string,
): string[] {
  const result = [...order];
  for (let index = perPage; index < result.length; index += 1) {
    const speaker = result[index];
    if (speaker === undefined || !speaking.has(speaker)) continue;
    const place = longestSilent(result.slice(0, perPage), speaking, lastSpokeMs, mine);
    const displaced = result[place];
    if (displaced === undefined) break; // everybody on the first page speaks
    result[place] = speaker;
    result[index] = displaced;
  }
  return result;
}

function longestSilent(
  page: readonly string[],
  speaking: ReadonlySet<string>,
  lastSpokeMs: ReadonlyMap<string, number>,
  mine: string,
): number {
  let place = -1;
  let oldest = Number.POSITIVE_INFINITY;
  page.forEach((identity, index) => {
    if (identity === mine || speaking.has(identity)) return;
    const spoke = lastSpokeMs.get(identity) ?? -1;
    // On a tie the later tile goes, so that those who were here first stay longest.
    if (spoke <= oldest) {
      oldest = spoke;
      place = index;
    }
  });
  return place;
}
