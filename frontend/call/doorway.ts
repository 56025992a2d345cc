// Who is inside already, asked again and again while somebody stands before the door. No DOM.
import type { Inside } from "./contract.ts";
import type { Later } from "./roomsocket.ts";

export const LOOK_EVERY_MS = 15_000;

export type DoorwayParts = {
  look: () => Promise<Inside>;
  later: Later;
  /** Nobody sees the page: nothing is asked. */
  isVisible: () => boolean;
  onChange: (inside: Inside) => void;
};

/** Asks until the answer closes it, at once where nothing is known yet. Who may know nothing asks no more. */
export function watchDoorway(known: Inside | null, parts: DoorwayParts): () => void {
  let isClosed = false;
  let cancel = () => {};

  async function look(): Promise<void> {
    let inside: Inside | null = null;
    if (parts.isVisible()) {
      // Without an answer the last one stands: joining is what tells that the portal is away.
      inside = await parts.look().catch(() => null);
      if (isClosed) return;
      if (inside) parts.onChange(inside);
    }
    if (inside?.view !== "nothing") wait();
  }

  function wait(): void {
    cancel = parts.later(LOOK_EVERY_MS, () => void look());
  }

  if (known === null) void look();
  else if (known.view !== "nothing") wait();
  return () => {
    isClosed = true;
    cancel();
  };
}
