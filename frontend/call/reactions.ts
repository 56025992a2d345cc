// Who shows which sign at the moment. A sign stands for some seconds on the tile of its sender; a second one takes its place.
import type { Reaction, ReactionPacket } from "./contract.ts";
import type { Later } from "./roomsocket.ts";

export type ShownReaction = { id: number; reaction: Reaction };

const SHOWN_MS = 5000;

export class Reactions {
  private readonly listeners = new Set<() => void>();
  private readonly shown = new Map<string, ShownReaction>();
  private readonly later: Later;
  private lastId = 0;

  constructor(later: Later) {
    this.later = later;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The same object until the sign changes. */
  of(identity: string): ShownReaction | undefined {
    return this.shown.get(identity);
  }

  show({ identity, reaction }: ReactionPacket): void {
    this.lastId += 1;
    const shown = { id: this.lastId, reaction };
    this.shown.set(identity, shown);
    this.later(SHOWN_MS, () => {
      if (this.shown.get(identity) !== shown) return;
      this.shown.delete(identity);
      this.tell();
    });
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}
