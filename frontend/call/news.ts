// What others do, told: seen as a toast, heard as a sound, read aloud as the person wished. In a large meeting things are bundled.
import { Arrivals, describeArrivals, type Person } from "./arrivals.ts";
import type { ChatMessage, Reaction } from "./contract.ts";
import type { Notices } from "./notices.ts";
import type { Later } from "./roomsocket.ts";
import type { Sounds } from "./sounds.ts";
import type { Strings } from "./strings/index.ts";

export const NEWS_KINDS = ["arrivals", "chat", "hands", "reactions", "shares"] as const;
export type NewsKind = (typeof NEWS_KINDS)[number];
export const LEVELS = ["off", "short", "full"] as const;
export type Level = (typeof LEVELS)[number];
export type Levels = Record<NewsKind, Level>;

/** Reactions are many and small; all else is told in full unless the person wants less. */
const DEFAULT_LEVELS: Levels = { arrivals: "full", chat: "full", hands: "full", reactions: "short", shares: "full" };

/** Above this, what happens is bundled, and told by its number rather than name by name. */
const LARGE_MEETING = 10;
/** Above this, no toasts either: something always happens, and each covers a face. */
const MOST_PEOPLE_WITH_TOASTS = 20;
const LARGE_BUNDLE_MS = 5000;
const ARRIVALS_BUNDLE_MS = 1200;
const REACTIONS_BUNDLE_MS = 2000;
/** Longer messages are read in the chat, at the listener's own pace. */
const LONGEST_SAID = 200;
const LONGEST_TOAST = 90;

/** Remembered as one text, "chat=short"; what is unknown is the default. */
export function levelsFromText(text: string): Levels {
  const levels = { ...DEFAULT_LEVELS };
  for (const entry of text.split(" ")) {
    const [kind, level] = entry.split("=");
    if (NEWS_KINDS.includes(kind as NewsKind) && LEVELS.includes(level as Level)) {
      levels[kind as NewsKind] = level as Level;
    }
  }
  return levels;
}

export function levelsToText(levels: Levels): string {
  return NEWS_KINDS.map((kind) => `${kind}=${levels[kind]}`).join(" ");
}

/** Collects for a while, then tells all together; with a delay of 0 each is told at once. */
export class Bundle<T> {
  private items: T[] = [];
  private cancel: (() => void) | null = null;
  private readonly later: Later;
  private readonly delayMs: () => number;
  private readonly tell: (items: readonly T[]) => void;

  constructor(later: Later, delayMs: () => number, tell: (items: readonly T[]) => void) {
    this.later = later;
    this.delayMs = delayMs;
    this.tell = tell;
  }

  add(...items: readonly T[]): void {
    this.items.push(...items);
    const delayMs = this.delayMs();
    if (delayMs > 0) this.cancel ??= this.later(delayMs, () => this.flush());
    else this.flush();
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
  }

  private flush(): void {
    this.stop();
    const items = this.items;
    this.items = [];
    if (items.length > 0) this.tell(items);
  }
}

export type NewsParts = {
  later: Later;
  notices: Notices;
  strings: Strings;
  sounds: Pick<Sounds, "play">;
  levels: () => Levels;
  peopleCount: () => number;
  /** Nobody needs a toast of what they are reading. */
  isChatOpen: () => boolean;
};

export class News {
  private readonly parts: NewsParts;
  private readonly arrivals: Arrivals;
  private readonly chat: Bundle<ChatMessage>;
  private readonly hands: Bundle<string>;
  private readonly reactions: Bundle<{ name: string; reaction: Reaction }>;

  constructor(parts: NewsParts) {
    this.parts = parts;
    const inLarge = (usualMs: number) => () => (this.isLarge() ? LARGE_BUNDLE_MS : usualMs);
    this.arrivals = new Arrivals(parts.later, inLarge(ARRIVALS_BUNDLE_MS), (...who) => this.tellArrivals(...who));
    this.chat = new Bundle(parts.later, inLarge(0), (messages) => this.tellChat(messages));
    this.hands = new Bundle(parts.later, inLarge(0), (names) => this.tellHands(names));
    this.reactions = new Bundle(parts.later, inLarge(REACTIONS_BUNDLE_MS), (all) => this.tellReactions(all));
  }

  arrived = (person: Person): void => this.arrivals.note(person, "came");

  departed = (person: Person): void => this.arrivals.note(person, "went");

  messages = (messages: readonly ChatMessage[]): void => this.chat.add(...messages);

  raised = (names: readonly string[]): void => this.hands.add(...names);

  reacted = (name: string, reaction: Reaction): void => this.reactions.add({ name, reaction });

  shared(name: string, isSharing: boolean): void {
    const { strings } = this.parts;
    const full = isSharing ? strings.startedSharing(name) : strings.stoppedSharing(name);
    const short = isSharing ? strings.together.shareStartedShort : strings.together.shareStoppedShort;
    const said = this.said("shares", short, full);
    // The end of a share is seen on the stage.
    if (isSharing) this.parts.notices.show(full, "info", said);
    else this.parts.notices.say(said);
  }

  stop(): void {
    for (const bundle of [this.arrivals, this.chat, this.hands, this.reactions]) bundle.stop();
  }

  private tellArrivals(came: readonly string[], went: readonly string[]): void {
    const { strings, sounds } = this.parts;
    const sentences = describeArrivals(came, went, strings, this.isLarge() ? 1 : undefined);
    const short = [
      came.length > 0 && strings.together.joinedShort(came.length),
      went.length > 0 && strings.together.departedShort(went.length),
    ].filter((sentence) => sentence !== false);
    sentences.forEach((full, index) => {
      this.showOrSay(full, this.said("arrivals", short[index] ?? "", full));
    });
    if (came.length > 0) sounds.play("join");
  }

  private tellChat(messages: readonly ChatMessage[]): void {
    const { strings, notices, sounds } = this.parts;
    const [first] = messages;
    if (!first) return;
    const isOne = messages.length === 1;
    const many = strings.chat.newBelow(messages.length);
    const short = isOne ? strings.chat.newsShort(first.name) : many;
    const full = isOne ? strings.chat.newsFull(first.name, cut(first.text, LONGEST_SAID)) : many;
    const said = this.said("chat", short, full);
    if (this.parts.isChatOpen() || this.isLarge()) notices.say(said);
    else {
      const text = isOne ? strings.chat.newsFull(first.name, cut(first.text, LONGEST_TOAST)) : many;
      notices.show(text, "info", said, "chat");
    }
    sounds.play("chat");
  }

  private tellHands(names: readonly string[]): void {
    const { strings, sounds } = this.parts;
    const { handNews, handsNewsMany, raisedHands } = strings.together;
    const isOne = names.length === 1;
    const full = isOne ? handNews(names[0] ?? "") : handsNewsMany(names.length);
    this.showOrSay(full, this.said("hands", raisedHands(names.length), full));
    sounds.play("hand");
  }

  private tellReactions(all: readonly { name: string; reaction: Reaction }[]): void {
    const { strings, notices } = this.parts;
    const { reactionNews, reactionNames, reactionsNews } = strings.together;
    const [first] = all;
    const short = reactionsNews(all.length);
    // The tiles show them; a toast would only cover the faces.
    const full = first && all.length === 1 ? reactionNews(first.name, reactionNames[first.reaction]) : short;
    notices.say(this.said("reactions", short, full));
  }

  private showOrSay(text: string, said: string): void {
    if (this.parts.peopleCount() > MOST_PEOPLE_WITH_TOASTS) this.parts.notices.say(said);
    else this.parts.notices.show(text, "info", said);
  }

  private said(kind: NewsKind, short: string, full: string): string {
    return { off: "", short, full }[this.parts.levels()[kind]];
  }

  private isLarge(): boolean {
    return this.parts.peopleCount() > LARGE_MEETING;
  }
}

function cut(text: string, longest: number): string {
  const characters = [...text.replace(/\s+/gu, " ")];
  return characters.length <= longest ? characters.join("") : `${characters.slice(0, longest).join("")}…`;
}
