// Why the call could not be reached: told by what does answer. No DOM, no livekit.
import { Unreachable } from "./api.ts";
import type { Unreached } from "./session.ts";

export type Surroundings = {
  /** What the browser says of the network. */
  isOnline: () => boolean;
  /** Whether the portal's own certificate has a page of its own: where a public one is used it has not. */
  hasOwnAuthority: () => Promise<boolean>;
};

/** livekit's words for a websocket that did not open, whatever was behind it. */
const NEVER_OPENED = new Set(["ServerUnreachable", "WebSocket", "Timeout"]);

/**
 * `error` is the last attempt's. A browser that lets a person click past an untrusted certificate may still refuse its websockets
 * (Safari does): then the portal answers by HTTP, and the call does not open.
 */
export async function whyUnreachable(error: unknown, { isOnline, hasOwnAuthority }: Surroundings): Promise<Unreached> {
  if (!isOnline()) return "offline";
  if (error instanceof Unreachable || !NEVER_OPENED.has(reasonOf(error))) return "unreachable";
  return (await hasOwnAuthority().catch(() => false)) ? "untrusted" : "unreachable";
}

function reasonOf(error: unknown): string {
  const { reasonName } = (error ?? {}) as { reasonName?: unknown };
  return typeof reasonName === "string" ? reasonName : "";
}
