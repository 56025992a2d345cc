// The chat of the call going on: what was said, what is on its way, what waits to be read. No DOM; the panel only shows it, so closing it loses nothing.
import { ApiError, type RoomApi } from "../api.ts";
import type { ChatMessage, ChatPacket } from "../contract.ts";

/** The portal's own limit; counted in characters as a person does, not in UTF-16 units. */
export const LONGEST_TEXT = 2000;

export type Outgoing = {
  key: string;
  text: string;
  state: "sending" | "failed";
  /** What the portal said against it; "" where it did not answer. */
  reason: string;
};

export type ChatSnapshot = {
  messages: readonly ChatMessage[];
  outgoing: readonly Outgoing[];
  hasOlder: boolean;
  /** Came in while nobody looked. */
  unread: number;
  /** The history was asked for and is not here yet. */
  isLoading: boolean;
  /** The last reading failed: something may be missing. */
  isIncomplete: boolean;
};

type ChatApi = Pick<RoomApi, "say" | "messages" | "deleteMessage">;

export type ChatParts = {
  api: ChatApi;
  /** A random name for each message, so that sending it again does not say it twice. */
  newKey: () => string;
  myIdentity: () => string;
  /** Messages of others that came in, live or after a cut; not those from before one came. */
  onNews: (messages: readonly ChatMessage[]) => void;
};

export class ChatLog {
  /** What is being written. The panel keeps it here while it is closed. */
  draft = "";
  private readonly parts: ChatParts;
  private readonly listeners = new Set<() => void>();
  private snapshot: ChatSnapshot = {
    messages: [],
    outgoing: [],
    hasOlder: false,
    unread: 0,
    isLoading: false,
    isIncomplete: false,
  };
  private readonly deleted = new Set<string>();
  /** Own messages that came by the live way before the answer to their sending. */
  private early: ChatMessage[] = [];
  private isOpen = false;
  private isCaughtUp = false;
  private catchingUp: Promise<void> | null = null;

  constructor(parts: ChatParts) {
    this.parts = parts;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getSnapshot = (): ChatSnapshot => this.snapshot;

  /** Someone looks (or no longer does): nothing of what comes is unread. */
  look(isOpen: boolean): void {
    this.isOpen = isOpen;
    if (isOpen) this.publish({ unread: 0 });
  }

  /** A packet of the portal. */
  receive(packet: ChatPacket): void {
    if (packet.isDeleted) {
      this.markDeleted([packet.id]);
      return;
    }
    const isSending = this.snapshot.outgoing.some(({ state }) => state === "sending");
    if (packet.identity === this.parts.myIdentity() && isSending) this.early.push(packet);
    else this.add([packet], true);
  }

  /** Reads what was missed: at the start the newest page, after a cut all that followed. */
  catchUp(): Promise<void> {
    this.catchingUp ??= this.readAll();
    return this.catchingUp;
  }

  async loadOlder(): Promise<void> {
    const first = this.snapshot.messages[0];
    if (!first) return;
    const { messages, hasMore, deleted } = await this.parts.api.messages({ before: first.id });
    this.add(messages, false);
    this.markDeleted(deleted);
    this.publish({ hasOlder: hasMore });
  }

  /** The answer resolves once it is decided; a failure stays in the list with its reason. */
  async send(text: string): Promise<void> {
    const outgoing: Outgoing = { key: this.parts.newKey(), text, state: "sending", reason: "" };
    this.publish({ outgoing: [...this.snapshot.outgoing, outgoing] });
    await this.deliver(outgoing);
  }

  async sendAgain(key: string): Promise<void> {
    const outgoing = this.snapshot.outgoing.find((one) => one.key === key);
    if (!outgoing || outgoing.state === "sending") return;
    this.change(key, { state: "sending", reason: "" });
    await this.deliver(outgoing);
  }

  discard(key: string): void {
    this.publish({ outgoing: this.snapshot.outgoing.filter((one) => one.key !== key) });
  }

  async remove(id: string): Promise<void> {
    await this.parts.api.deleteMessage(id);
    this.markDeleted([id]);
  }

  private async deliver({ key, text }: Outgoing): Promise<void> {
    try {
      const message = await this.parts.api.say(text, key);
      this.discard(key);
      this.add([message], false);
    } catch (error) {
      console.warn("a message was not sent", error);
      this.change(key, { state: "failed", reason: error instanceof ApiError && error.code ? error.message : "" });
    } finally {
      if (!this.snapshot.outgoing.some(({ state }) => state === "sending")) {
        this.add(this.early, false);
        this.early = [];
      }
    }
  }

  private async readAll(): Promise<void> {
    let isIncomplete = true;
    try {
      await this.readMissed();
      isIncomplete = false;
    } finally {
      this.catchingUp = null;
      this.publish({ isLoading: false, isIncomplete });
    }
  }

  private async readMissed(): Promise<void> {
    if (!this.isCaughtUp) {
      this.publish({ isLoading: true });
      const { messages, hasMore, deleted } = await this.parts.api.messages({});
      const isFirst = this.snapshot.messages.length === 0;
      this.add(messages, false);
      this.markDeleted(deleted);
      if (isFirst || hasMore) this.publish({ hasOlder: hasMore });
      this.isCaughtUp = true;
      return;
    }
    for (;;) {
      const last = this.snapshot.messages.at(-1)?.id ?? "0";
      const { messages, hasMore, deleted } = await this.parts.api.messages({ after: last });
      this.markDeleted(deleted);
      this.add(messages, true);
      if (!hasMore || messages.length === 0) return;
    }
  }

  /** Adds what is not there yet, in its place. `isNews`: it is unread, and told. */
  private add(incoming: readonly ChatMessage[], isNews: boolean): void {
    const known = new Set(this.snapshot.messages.map(({ id }) => id));
    const fresh = incoming.filter(({ id }) => !known.has(id)).map((message) => this.asItIsNow(message));
    if (fresh.length === 0) return;
    const messages = [...this.snapshot.messages, ...fresh].sort((a, b) => Number(a.id) - Number(b.id));
    const mine = this.parts.myIdentity();
    const news = isNews ? fresh.filter(({ identity, isDeleted }) => identity !== mine && !isDeleted) : [];
    this.publish({ messages, unread: this.isOpen ? 0 : this.snapshot.unread + news.length });
    if (news.length > 0) this.parts.onNews(news);
  }

  private markDeleted(ids: readonly string[]): void {
    for (const id of ids) this.deleted.add(id);
    const before = this.snapshot.messages;
    const messages = before.map((message) => this.asItIsNow(message));
    if (messages.some((message, index) => message !== before[index])) this.publish({ messages });
  }

  private asItIsNow(message: ChatMessage): ChatMessage {
    if (message.isDeleted || !this.deleted.has(message.id)) return message;
    return { ...message, text: "", isDeleted: true };
  }

  private change(key: string, changes: Partial<Outgoing>): void {
    this.publish({
      outgoing: this.snapshot.outgoing.map((one) => (one.key === key ? { ...one, ...changes } : one)),
    });
  }

  private publish(changes: Partial<ChatSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...changes };
    for (const listener of this.listeners) listener();
  }
}
