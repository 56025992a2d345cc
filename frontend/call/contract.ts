// The JSON that the portal and this page exchange; docs/architecture.md is the contract and the server's side of it.

export type Role = "host" | "moderator" | "participant";
export type Locale = "fr" | "en" | "de";
export type Source = "microphone" | "camera" | "screen_share";

/** Who is inside already, as far as this person may know it before they join. `names`: of those who came first. */
export type Inside =
  | { view: "names"; count: number; names: string[] }
  | { view: "begun"; hasBegun: boolean }
  | { view: "nothing" };

/** `names`: of those who came first; `count`: of all. */
export type People = { count: number; names: string[] };

/** What entering would be answered, where somebody decided so; `message` is the portal's own sentence. */
export type RefusalCode = "removed" | "denied" | "locked" | "no_guests" | "foreign_domain" | "step_up" | "room_full";
export type Refusal = { code: RefusalCode; message: string };

/** What somebody before the door may know. `waiting`: for who lets people in, null for all others. */
export type Doorway = { inside: Inside; refusal: Refusal | null; waiting: People | null };

export type CallConfig = {
  /** `title`: its name, or what stands for it. */
  room: { slug: string; title: string; hasLobby: boolean };
  me: { name: string; isSignedIn: boolean; isOwner: boolean };
  doorway: Doorway;
  locale: Locale;
  /** The portal's time when it made the page; ISO 8601, UTC. */
  now: string;
  urls: { api: string; websocket: string; home: string; language: string; signIn: string };
  assets: { base: string };
};

export type Participant = { identity: string; name: string; role: Role; isGuest: boolean };

/** `origin`: the organisation of their account, or its e-mail domain; "" where it is not told. `askedAt`: ISO 8601, UTC. */
export type WaitingPerson = Participant & { origin: string; askedAt: string };

export type MyState = "waiting" | "admitted" | "denied" | "removed" | "left";

export type RoomState = {
  me: Participant & { state: MyState };
  room: {
    isLocked: boolean;
    isClosed: boolean;
    /** What the host tells those who wait: for them, host and moderator; "" for all others. */
    lobbyMessage: string;
  };
  /** One's own place among those who wait; null for who does not. */
  queue: { place: number; length: number } | null;
  /** Filled for host and moderator only. */
  waiting: WaitingPerson[];
  /** By identity. */
  roles: Record<string, Role>;
  /** Who is most likely this same person on another device; identities. */
  twins: string[];
  /** Whose hand is up, in the order in which they were raised. */
  hands: string[];
  /** ISO 8601, UTC; null outside of a call. */
  callBeganAt: string | null;
};

export const REACTIONS = ["thumbs-up", "clap", "heart", "laugh", "surprised", "celebrate"] as const;
export type Reaction = (typeof REACTIONS)[number];

/** How a call was, in one click after it. */
export const RATINGS = ["good", "middling", "bad"] as const;
export type Rating = (typeof RATINGS)[number];

export type ChatMessage = {
  id: string;
  identity: string;
  name: string;
  role: Role;
  text: string;
  /** ISO 8601, UTC. */
  sentAt: string;
  isDeleted?: true;
};

export type ChatHistory = {
  messages: ChatMessage[];
  hasMore: boolean;
  /** Which of the call's messages are gone. */
  deleted: string[];
};

/** Topics of the packets that the portal sends to everybody in the call. */
export const CHAT_TOPIC = "portal.chat";
export const REACTION_TOPIC = "portal.reaction";

export type ChatPacket = ChatMessage | { id: string; isDeleted: true };
export type ReactionPacket = { identity: string; reaction: Reaction };

export type ByeReason = "removed" | "denied" | "ended";
export type RoomMessage = { type: "state"; state: RoomState } | { type: "bye"; reason: ByeReason };

/** The message in `text`, or null where the portal speaks a newer dialect than this (perhaps long open) page. */
export function parseRoomMessage(text: string): RoomMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || !("type" in value)) return null;
  const message = value as RoomMessage;
  if (message.type === "state") return typeof message.state?.me?.state === "string" ? message : null;
  if (message.type === "bye") return ["removed", "denied", "ended"].includes(message.reason) ? message : null;
  return null;
}

/** The content of a chat packet, or null where it is none that this page understands. */
export function parseChatPacket(payload: Uint8Array): ChatPacket | null {
  const packet = parsePacket(payload);
  if (packet === null || typeof packet.id !== "string" || !/^\d+$/.test(packet.id)) return null;
  if (packet.isDeleted === true) return { id: packet.id, isDeleted: true };
  const isWhole = ["identity", "name", "role", "text", "sentAt"].every((field) => typeof packet[field] === "string");
  return isWhole ? (packet as unknown as ChatMessage) : null;
}

export function parseReactionPacket(payload: Uint8Array): ReactionPacket | null {
  const packet = parsePacket(payload);
  const isKnown = REACTIONS.includes(packet?.reaction as Reaction);
  return typeof packet?.identity === "string" && isKnown ? (packet as ReactionPacket) : null;
}

function parsePacket(payload: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(payload));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

export function mayModerate(role: Role): boolean {
  return role === "host" || role === "moderator";
}
