// The portal's HTTP API of the call page; the only file that calls fetch. Every act on other people goes through here, never from client to client.
import type {
  ChatHistory,
  ChatMessage,
  Doorway,
  Participant,
  Rating,
  Reaction,
  Role,
  RoomState,
  Source,
} from "./contract.ts";

/** The portal answered, with a refusal. `code` is its `error` field ("locked", "removed" …), or "" where the body was none of ours. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }
}

/** No answer at all: the network, or the portal, is away. */
export class Unreachable extends Error {}

const REQUEST_TIMEOUT_MS = 10_000;

export type Send = (url: string, init: RequestInit) => Promise<Response>;
export type PersonAct = "admit" | "deny" | "remove" | "lower_hand";
export type RoomAct = "admit_all" | "lock" | "unlock" | "end" | "lower_hands";
/** Which part of the chat: the newest page, or the one before or after a message. */
export type ChatRange = { after?: string; before?: string };

export type RoomApi = {
  /** What one may know before one enters. */
  doorway(): Promise<Doorway>;
  enter(name: string): Promise<{ participant: Participant; state: "waiting" | "admitted" }>;
  token(): Promise<{ url: string; token: string }>;
  state(): Promise<RoomState>;
  leave(): Promise<void>;
  actOnPerson(identity: string, act: PersonAct): Promise<void>;
  mute(identity: string, source: Source): Promise<void>;
  /** Everybody's microphone but one's own and the hosts'; how many were on. */
  muteOthers(): Promise<{ muted: number }>;
  setRole(identity: string, role: Role): Promise<void>;
  actOnRoom(act: RoomAct): Promise<void>;
  /** What those who wait read; "" takes it away. */
  setLobbyMessage(text: string): Promise<void>;
  /** The same `key` again is the same message again, never a second one. */
  say(text: string, key: string): Promise<ChatMessage>;
  messages(range: ChatRange): Promise<ChatHistory>;
  deleteMessage(id: string): Promise<void>;
  react(reaction: Reaction): Promise<void>;
  raiseHand(isRaised: boolean): Promise<void>;
  /** Of the stay that was reported last. */
  rate(rating: Rating): Promise<void>;
};

/** Tells the portal of a stay that is over. By beacon, which goes out although the page goes away; it can carry no header for CSRF, so the portal goes by the origin. */
export function sendReport(base: string, report: object): void {
  const body = new Blob([JSON.stringify(report)], { type: "application/json" });
  const isQueued = navigator.sendBeacon(`${base.replace(/\/+$/, "")}/report`, body);
  if (!isQueued) console.warn("the report of the call was not taken by the browser");
}

/** Whether the portal's certificate is of its own authority: only then has it a page about trusting it. */
export async function hasOwnAuthority(): Promise<boolean> {
  return (await fetch("/trust", { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })).ok;
}

/** `base` is the room's own address, `/api/rooms/<slug>`. */
export function createRoomApi(
  base: string,
  csrfToken: () => string,
  send: Send = (url, init) => fetch(url, init),
): RoomApi {
  const root = base.replace(/\/+$/, "");
  async function request<T>(method: "GET" | "POST", path: string, body?: object): Promise<T> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (method === "POST") {
      headers["Content-Type"] = "application/json";
      headers["X-CSRFToken"] = csrfToken();
    }
    const init: RequestInit = {
      method,
      headers,
      credentials: "same-origin",
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    };
    if (method === "POST") init.body = JSON.stringify(body ?? {});
    if (path === "leave") init.keepalive = true; // it must go out although the page goes away
    let response: Response;
    try {
      response = await send(`${root}/${path}`, init);
    } catch (error) {
      throw new Unreachable(String(error));
    }
    if (response.status === 204) return undefined as T;
    const answer: unknown = await response.json().catch(() => null);
    if (response.ok && answer !== null) return answer as T;
    const { error = "", message = "" } = (answer ?? {}) as { error?: string; message?: string };
    throw new ApiError(response.status, String(error), String(message) || `HTTP ${response.status}`);
  }
  const person = (identity: string) => `participants/${encodeURIComponent(identity)}`;
  return {
    doorway: () => request("GET", "doorway"),
    enter: (name) => request("POST", "enter", { name }),
    token: () => request("POST", "token"),
    state: () => request("GET", "state"),
    leave: () => request("POST", "leave"),
    actOnPerson: (identity, act) => request("POST", `${person(identity)}/${act}`),
    mute: (identity, source) => request("POST", `${person(identity)}/mute`, { source }),
    muteOthers: () => request("POST", "mute_others"),
    setRole: (identity, role) => request("POST", `${person(identity)}/role`, { role }),
    actOnRoom: (act) => request("POST", act),
    setLobbyMessage: (text) => request("POST", "lobby_message", { text }),
    say: (text, key) => request("POST", "messages", { text, key }),
    messages: (range) => request("GET", `messages?${new URLSearchParams(range)}`),
    deleteMessage: (id) => request("POST", `messages/${encodeURIComponent(id)}/delete`),
    react: (reaction) => request("POST", "reactions", { reaction }),
    raiseHand: (isRaised) => request("POST", "hand", { isRaised }),
    rate: (rating) => request("POST", "report/rating", { rating }),
  };
}

/** Django's token, from its cookie or, where the cookie is hidden from scripts, from the page. */
export function readCsrfToken(document: Document): string {
  const cookie = /(?:^|;\s*)(?:__Host-|__Secure-)?visio_csrf=([^;]+)/.exec(document.cookie);
  if (cookie?.[1]) return decodeURIComponent(cookie[1]);
  return document.querySelector<HTMLInputElement>("input[name=csrfmiddlewaretoken]")?.value ?? "";
}
