// Short messages: shown as toasts, read aloud by the live region, kept in a list. Outside React, so that the session can speak before a component is there.
import type { Later } from "./roomsocket.ts";

/** What a toast tells of, where something else on the screen may show the same. */
export type ToastTopic = "chat";
export type Toast = { id: number; text: string; tone: "info" | "warning"; topic: ToastTopic | null };
export type PastNotice = Toast & { atMs: number };
export type Sentence = { id: number; text: string };
export type NoticesSnapshot = {
  toasts: readonly Toast[];
  /** What was said last: all sentences of one moment. */
  spoken: readonly Sentence[];
  /** What was shown, oldest first, also after it vanished. */
  past: readonly PastNotice[];
};

const TOAST_LIFE_MS = 6000;
/** As many as have room beside the title; the oldest goes. */
const MOST_TOASTS = 2;
/** Sentences that come this close together stand in the live region together: one that replaces another at once is never read. */
const MOMENT_MS = 400;
/** Of a long meeting; nobody reads further back. */
const MOST_PAST = 200;

export class Notices {
  private readonly listeners = new Set<() => void>();
  private readonly later: Later;
  private readonly now: () => number;
  private snapshot: NoticesSnapshot = { toasts: [], spoken: [], past: [] };
  private lastId = 0;
  private isMoment = false;

  constructor(later: Later, now: () => number = Date.now) {
    this.later = later;
    this.now = now;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getSnapshot = (): NoticesSnapshot => this.snapshot;

  /** Read aloud only: the screen shows it in another way already. */
  say(text: string): void {
    if (text === "") return;
    this.lastId += 1;
    const earlier = this.isMoment ? this.snapshot.spoken : [];
    this.publish({ ...this.snapshot, spoken: [...earlier, { id: this.lastId, text }] });
    if (this.isMoment) return;
    this.isMoment = true;
    this.later(MOMENT_MS, () => {
      this.isMoment = false;
    });
  }

  /** Shown for some seconds, and read aloud as `said` ("" for silence). The same text twice is one toast that lives on. */
  show(text: string, tone: Toast["tone"] = "info", said: string = text, topic: ToastTopic | null = null): void {
    this.say(said);
    this.lastId += 1;
    const toast: Toast = { id: this.lastId, text, tone, topic };
    const others = this.snapshot.toasts.filter((other) => other.text !== text);
    this.publish({
      ...this.snapshot,
      toasts: [...others, toast].slice(-MOST_TOASTS),
      past: [...this.snapshot.past, { ...toast, atMs: this.now() }].slice(-MOST_PAST),
    });
    this.later(TOAST_LIFE_MS, () => this.dismiss(toast.id));
  }

  dismiss = (id: number): void => this.keep((toast) => toast.id !== id);

  /** The person now looks at what these told of. */
  dismissTopic(topic: ToastTopic): void {
    this.keep((toast) => toast.topic !== topic);
  }

  /** Another screen: what was shown and said about the last one is over. The list keeps it. */
  clear(): void {
    this.isMoment = false;
    this.publish({ ...this.snapshot, toasts: [], spoken: [] });
  }

  private keep(isKept: (toast: Toast) => boolean): void {
    const toasts = this.snapshot.toasts.filter(isKept);
    if (toasts.length !== this.snapshot.toasts.length) this.publish({ ...this.snapshot, toasts });
  }

  private publish(snapshot: NoticesSnapshot): void {
    this.snapshot = snapshot;
    for (const listener of this.listeners) listener();
  }
}
