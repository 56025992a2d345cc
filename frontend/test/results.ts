// What the test has found so far, and the one sentence that follows from it.
import type { DeviceFault } from "../call/devicefault.ts";
import type { Browser, BrowserVerdict } from "./browser.ts";
import type { Target } from "./candidates.ts";
import type { Quality } from "./measure.ts";
import type { Strings } from "./strings/index.ts";

export type PathName = "udp" | "tcp" | "turn";
export const PATHS: readonly PathName[] = ["udp", "tcp", "turn"];

/** "absent": the server has no such way, "blocked": it has one that does not work from here. */
export type PathResult = { outcome: "passed" | "blocked" | "absent"; targets: Target[] };

/** Why not even the question how to reach the media server was answered. */
export type PortalFault = "no-answer" | "refused" | "too-many" | "no-websocket";

export type Results = {
  browser: { browser: Browser; verdict: BrowserVerdict } | null;
  microphone: { fault: DeviceFault | null; isHeard: boolean } | null;
  camera: { fault: DeviceFault | null; width: number; height: number } | null;
  /** What the person answered; null while they have not. */
  hearsItself: boolean | null;
  hearsSpeaker: boolean | null;
  portalFault: PortalFault | null;
  /** What did not answer then: the portal, or its media server's websocket. */
  unanswered: Target | null;
  paths: Partial<Record<PathName, PathResult>>;
  quality: Quality | null;
};

export function noResults(): Results {
  return {
    browser: null,
    microphone: null,
    camera: null,
    hearsItself: null,
    hearsSpeaker: null,
    portalFault: null,
    unanswered: null,
    paths: {},
    quality: null,
  };
}

export type Grade = "good" | "limited" | "bad";
export type Reason =
  | "unanswered"
  | "unmeasured"
  | "all-good"
  | "browser"
  | "insecure"
  | "portal"
  | "too-many"
  | "no-websocket"
  | "no-path"
  | "slow"
  | "very-slow"
  | "detour"
  | "microphone"
  | "sound"
  | "camera";
/** "open": nothing is wrong so far, but not all is known. */
export type Verdict = { grade: Grade | "open"; reason: Reason };

// Below that no picture is left over from sound; below the other, pictures are small.
export const SOUND_ONLY_KBPS = 250;
export const GOOD_KBPS = 1200;
const BAD_LOSS_PERCENT = 5;
const SLOW_ROUND_TRIP_MS = 400;

/** The gravest finding decides: who cannot be in a call at all first, then who cannot be heard, then the rest. */
export function verdictOf(results: Results): Verdict {
  const browser = results.browser?.verdict;
  if (browser === "insecure") return { grade: "bad", reason: "insecure" };
  if (browser === "no-calls") return { grade: "bad", reason: "browser" };
  const network = networkVerdict(results);
  if (network?.grade === "bad") return network;
  if (results.microphone?.fault || results.microphone?.isHeard === false)
    return { grade: "limited", reason: "microphone" };
  if (results.hearsSpeaker === false || results.hearsItself === false) return { grade: "limited", reason: "sound" };
  if (network) return network;
  if (results.camera?.fault) return { grade: "limited", reason: "camera" };
  if (browser === "old") return { grade: "limited", reason: "browser" };
  if (results.hearsSpeaker === null) return { grade: "open", reason: "unanswered" };
  if (!results.quality) return { grade: "open", reason: "unmeasured" };
  return { grade: "good", reason: "all-good" };
}

/** Of the network alone, with what to say of it. */
export function networkGrade(results: Results, strings: Strings): { grade: Grade; text: string } {
  if (results.portalFault && results.portalFault !== "too-many")
    return { grade: "bad", text: strings.portalFaults[results.portalFault] };
  const verdict = networkVerdict(results);
  return { grade: verdict?.grade ?? "good", text: verdict ? strings.verdicts[verdict.reason] : strings.networkGood };
}

type NetworkVerdict = { grade: Grade; reason: Reason };

function networkVerdict({ portalFault, paths, quality }: Results): NetworkVerdict | null {
  if (portalFault === "too-many") return { grade: "limited", reason: "too-many" };
  if (portalFault === "no-websocket") return { grade: "bad", reason: "no-websocket" };
  if (portalFault) return { grade: "bad", reason: "portal" };
  const passed = PATHS.filter((path) => paths[path]?.outcome === "passed");
  if (passed.length === 0) return { grade: "bad", reason: "no-path" };
  if (quality && quality.kbps < SOUND_ONLY_KBPS) return { grade: "limited", reason: "very-slow" };
  if (quality && isSlow(quality)) return { grade: "limited", reason: "slow" };
  return passed.includes("udp") ? null : { grade: "limited", reason: "detour" };
}

function isSlow({ kbps, lossPercent, roundTripMs }: Quality): boolean {
  return (
    kbps < GOOD_KBPS || lossPercent > BAD_LOSS_PERCENT || (roundTripMs !== null && roundTripMs > SLOW_ROUND_TRIP_MS)
  );
}

/** All that does not pass, for the people who run the network. */
export function blockedTargets(results: Results): Target[] {
  if (results.unanswered) return [results.unanswered];
  return PATHS.flatMap((path) => (results.paths[path]?.outcome === "blocked" ? results.paths[path].targets : []));
}
