// Short messages: shown as toasts, read aloud by the live region. Kept outside React so that the session can speak before a component is there.
import type { Later } from "./roomsocket.ts";

export type Toast = { id: number; text: string; tone: "info" | "warning" };
export type NoticesSnapshot = { toasts: readonly Toast[]; spoken: { id: number; text: string } };

const TOAST_LIFE_MS = 6000;
/** More than this is a wall of text over people's faces; the oldest goes. */
const MOST_TOASTS = 3;

export class Notices {
  private readonly listeners = new Set<() => void>();
  private readonly later: Later;
  private snapshot: NoticesSnapshot = { toasts: [], spoken: { id: 0, text: "" } };
  private lastId = 0;

  constructor(later: Later) {
    this.later = later;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getSnapshot = (): NoticesSnapshot => this.snapshot;

  /** Read aloud only: the screen shows it in another way already. */
  say(text: string): void {
    this.lastId += 1;
    this.publish({ ...this.snapshot, spoken: { id: this.lastId, text } });
  }

  /** Shown for some seconds, and read aloud. The same text twice is one toast that lives on. */
  show(text: string, tone: Toast["tone"] = "info"): void {
    this.say(text);
    const id = this.lastId;
    const others = this.snapshot.toasts.filter((toast) => toast.text !== text);
    this.publish({ ...this.snapshot, toasts: [...others, { id, text, tone }].slice(-MOST_TOASTS) });
    this.later(TOAST_LIFE_MS, () => this.dismiss(id));
  }

  dismiss = (id: number): void => {
    const toasts = this.snapshot.toasts.filter((toast) => toast.id !== id);
    if (toasts.length !== this.snapshot.toasts.length) this.publish({ ...this.snapshot, toasts });
  };

  /** Another screen: what was shown about the last one is over. */
  clear(): void {
    if (this.snapshot.toasts.length > 0) this.publish({ ...this.snapshot, toasts: [] });
  }

  private publish(snapshot: NoticesSnapshot): void {
    this.snapshot = snapshot;
    for (const listener of this.listeners) listener();
  }
}
