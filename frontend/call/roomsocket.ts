// The websocket on which the portal tells this page of the room: who waits, roles, lock, and goodbye. It comes back by itself.
import { retryDelayMs } from "./backoff.ts";
import { type ByeReason, parseRoomMessage, type RoomState } from "./contract.ts";

/** The part of WebSocket that is used, so that tests bring their own. */
export type SocketLike = {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  close(): void;
};

export type Later = (delayMs: number, act: () => void) => () => void;

export type RoomSocketOptions = {
  create: () => SocketLike;
  later: Later;
  onState: (state: RoomState) => void;
  onBye: (reason: ByeReason) => void;
  /** The socket is away; `attempt` counts from 0 and restarts at each success. The portal refuses an upgrade without saying why, so ask it by HTTP. */
  onLost: (attempt: number) => void;
};

/** Opens the socket and keeps it open; the answer closes it for good. */
export function openRoomSocket(options: RoomSocketOptions): () => void {
  let isClosed = false;
  let attempt = 0;
  let socket: SocketLike | null = null;
  let cancelRetry = () => {};

  function connect(): void {
    const current = options.create();
    socket = current;
    current.onmessage = ({ data }) => {
      const message = typeof data === "string" ? parseRoomMessage(data) : null;
      if (isClosed || !message) return;
      attempt = 0; // only a message proves that the portal took us in
      if (message.type === "state") options.onState(message.state);
      else options.onBye(message.reason);
    };
    current.onclose = () => {
      if (isClosed || socket !== current) return;
      socket = null;
      const delayMs = retryDelayMs(attempt);
      attempt += 1;
      cancelRetry = options.later(delayMs, connect);
      options.onLost(attempt - 1);
    };
  }

  connect();
  return () => {
    isClosed = true;
    cancelRetry();
    socket?.close();
  };
}
