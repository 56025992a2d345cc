// The JSON that the portal and this page exchange; docs/architecture.md is the contract and the server's side of it.

export type Role = "host" | "moderator" | "participant";
export type Locale = "fr" | "en" | "de";
export type Source = "microphone" | "camera" | "screen_share";

export type CallConfig = {
  room: { slug: string; name: string; hasLobby: boolean };
  me: { name: string; isSignedIn: boolean };
  locale: Locale;
  urls: { api: string; websocket: string; home: string; language: string; signIn: string };
  assets: { base: string };
};

export type Participant = { identity: string; name: string; role: Role; isGuest: boolean };

export type MyState = "waiting" | "admitted" | "denied" | "removed" | "left";

export type RoomState = {
  me: Participant & { state: MyState };
  room: { isLocked: boolean; isClosed: boolean };
  /** Filled for host and moderator only. */
  waiting: Participant[];
  /** By identity. */
  roles: Record<string, Role>;
};

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

export function mayModerate(role: Role): boolean {
  return role === "host" || role === "moderator";
}
