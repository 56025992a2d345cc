// Where the person is on the way into, through and out of a call: states, events and the table of allowed steps.
// An event that a state does not list is ignored on purpose: answers of the network may arrive after the person moved on.

/** `refused`: the portal says why, in its own words (`said`). */
export type Notice = "offline" | "bad-name" | "too-many" | "server-error" | "refused";
export type FinalName =
  | "left"
  | "removed"
  | "denied"
  | "ended"
  /** As `ended`, told to who did it. */
  | "ended-by-you"
  | "locked"
  | "duplicate"
  /** No answer; `offline`: this machine has no network; `untrusted`: its browser does not trust the portal's certificate. */
  | "unreachable"
  | "offline"
  | "untrusted"
  | "not-found";

export type Phase =
  | { name: "device-check"; notice?: Notice; said?: string }
  | { name: "entering" }
  | { name: "waiting" }
  | { name: "connecting" }
  | { name: "connected" }
  /** `signal`: only the orders are cut; `media`: picture and sound, too; `rejoin`: we come in again as new. */
  | { name: "reconnecting"; layer: "signal" | "media" | "rejoin" }
  | { name: FinalName };

export type PhaseName = Phase["name"];

export type PhaseEvent =
  | { type: "enter" }
  | { type: "enter-failed"; notice: Notice; said?: string }
  | { type: "waiting" }
  | { type: "admitted" }
  | { type: "connected" }
  | { type: "link-lost"; layer: "signal" | "media" | "rejoin" }
  | { type: "link-back" }
  | { type: "leave" }
  | { type: "restart" }
  | { type: "over"; outcome: FinalName };

/** Ends after which the person may enter again from the same screen. */
export const MAY_COME_BACK: readonly FinalName[] = [
  "left",
  "unreachable",
  "offline",
  "untrusted",
  "duplicate",
  "locked",
  "ended-by-you",
];

const ON_THE_WAY: readonly PhaseName[] = ["entering", "waiting", "connecting", "connected", "reconnecting"];

const ALLOWED_FROM: Record<PhaseEvent["type"], readonly PhaseName[]> = {
  enter: ["device-check", ...MAY_COME_BACK],
  "enter-failed": ["entering"],
  waiting: ["entering"],
  admitted: ["entering", "waiting"],
  connected: ["connecting", "reconnecting"],
  "link-lost": ["connecting", "connected", "reconnecting"],
  "link-back": ["reconnecting"],
  leave: ON_THE_WAY,
  restart: [...MAY_COME_BACK, "denied", "removed"],
  over: ["device-check", ...ON_THE_WAY],
};

export function nextPhase(phase: Phase, event: PhaseEvent): Phase {
  if (!ALLOWED_FROM[event.type].includes(phase.name)) return phase;
  switch (event.type) {
    case "enter":
      return { name: "entering" };
    case "enter-failed":
      return { name: "device-check", notice: event.notice, ...(event.said ? { said: event.said } : {}) };
    case "waiting":
      return { name: "waiting" };
    case "admitted":
      return { name: "connecting" };
    case "connected":
    case "link-back":
      return { name: "connected" };
    case "link-lost":
      return { name: "reconnecting", layer: event.layer };
    case "leave":
      return { name: "left" };
    case "restart":
      return { name: "device-check" };
    case "over":
      return { name: event.outcome };
  }
}

/** The call itself is on screen: the dark stage. */
export function isOnStage(phase: Phase): boolean {
  return phase.name === "connecting" || phase.name === "connected" || phase.name === "reconnecting";
}

const PREPARATION: readonly PhaseName[] = ["device-check", "entering", "waiting"];

/** Camera and microphone are shown to the person alone. */
export function isPreparing(phase: Phase): boolean {
  return PREPARATION.includes(phase.name);
}
