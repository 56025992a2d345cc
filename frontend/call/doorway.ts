// What one may know before the door, asked again and again while somebody stands there. No DOM.
import type { Doorway } from "./contract.ts";
import type { Later } from "./roomsocket.ts";

export const LOOK_EVERY_MS = 15_000;
/** Who is to let people in: each of those who wait looks at a screen on which nothing happens. */
export const LOOK_EVERY_MS_AS_HOST = 5_000;

export type DoorwayParts = {
  look: () => Promise<Doorway>;
  later: Later;
  /** Nobody sees the page: nothing is asked. */
  isVisible: () => boolean;
  onChange: (doorway: Doorway) => void;
};

/** Asks until the answer closes it, at once where nothing is known yet. */
export function watchDoorway(known: Doorway | null, parts: DoorwayParts): () => void {
  let isClosed = false;
  let cancel = () => {};
  let last = known;

  async function look(): Promise<void> {
    if (parts.isVisible()) {
      // Without an answer the last one stands: joining is what tells that the portal is away.
      const found = await parts.look().catch(() => null);
      if (isClosed) return;
      if (found) {
        last = found;
        parts.onChange(found);
      }
    }
    wait();
  }

  function wait(): void {
    if (last && !mayChange(last)) return;
    cancel = parts.later(last?.waiting ? LOOK_EVERY_MS_AS_HOST : LOOK_EVERY_MS, () => void look());
  }

  if (known === null) void look();
  else wait();
  return () => {
    isClosed = true;
    cancel();
  };
}

/** Who may come and wait, and is to know nothing of the people inside, is told all they will be told. */
function mayChange({ inside, refusal }: Doorway): boolean {
  return inside.view !== "nothing" || refusal !== null;
}
