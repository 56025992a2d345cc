// How a microphone or camera is brought back: the steps of this very browser and system, by the names they use. No DOM.
import { readBrowser } from "../test/browser.ts";
import type { DeviceFault } from "./devicefault.ts";

/** The browsers whose ways to a permission differ. */
export type BrowserKind =
  | "chromium"
  | "edge"
  | "firefox"
  | "safari"
  | "safariIos"
  | "appIos"
  | "chromiumAndroid"
  | "firefoxAndroid"
  | "other";
export type SystemKind = "windows" | "macos" | "ios" | "android" | "chromeos" | "other";
/** `name` and `systemName` are as their makers write them; "" where the browser does not tell. */
export type Where = { browser: BrowserKind; name: string; system: SystemKind; systemName: string };

/** What a browser tells of itself; brands and platform only those of the Chromium family. */
export type Agent = {
  userAgent: string;
  maxTouchPoints: number;
  userAgentData?: { brands: readonly { brand: string }[]; platform: string };
};

type Named = (name: string) => string;
export type RepairTexts = {
  thisBrowser: string;
  allow: Record<Exclude<BrowserKind, "appIos">, readonly string[]>;
  allowAppIos: readonly Named[];
  system: Record<SystemKind, Named>;
  still: Named;
  managed: string;
  question: Named;
  plugIn: string;
  switches: string;
  closeApps: string;
  endCall: string;
  unplug: string;
  restart: Named;
  insecure: readonly string[];
  retry: { click: string; tap: string };
};

const SYSTEMS: Record<string, SystemKind> = {
  Windows: "windows",
  macOS: "macos",
  iOS: "ios",
  Android: "android",
  ChromeOS: "chromeos",
};
/** In this order: each of them also names Chromium. */
const BRANDS: readonly (readonly [brand: string, name: string])[] = [
  ["Microsoft Edge", "Edge"],
  ["Opera", "Opera"],
  ["Brave", "Brave"],
  ["Google Chrome", "Chrome"],
  ["Chromium", "Chromium"],
];

export function whereIs(agent: Agent): Where {
  const read = readBrowser(agent.userAgent);
  const { brands = [], platform = "" } = agent.userAgentData ?? {};
  const brand = BRANDS.find(([known]) => brands.some(({ brand }) => brand === known));
  const isSamsung = /\bSamsungBrowser\//.test(agent.userAgent);
  const name = brand?.[1] ?? (isSamsung ? "Samsung Internet" : read.name);
  // An iPad that asks for desktop pages calls itself a Mac; no Mac has a touch screen.
  const isIpad = read.system === "macOS" && agent.maxTouchPoints > 1;
  const told = platform === "Unknown" ? "" : platform.replace("Chrome OS", "ChromeOS");
  const systemName = isIpad ? "iOS" : told || read.system;
  const system = SYSTEMS[systemName] ?? "other";
  return { browser: kindOf(name, system), name, system, systemName };
}

function kindOf(name: string, system: SystemKind): BrowserKind {
  if (system === "ios") return name === "" || name === "Safari" ? "safariIos" : "appIos";
  if (system === "android") return name === "Firefox" ? "firefoxAndroid" : "chromiumAndroid";
  switch (name) {
    case "Edge":
      return "edge";
    case "Firefox":
      return "firefox";
    case "Safari":
      return "safari";
    case "":
      return "other";
    default:
      return "chromium";
  }
}

/** `steps`: what to do, in order; where the page can try again, one of them is to press its button. `further`: what may help if that changes nothing. */
export type Repair = { steps: string[]; further: string[] };

export function repairOf(fault: DeviceFault, where: Where, texts: RepairTexts): Repair {
  const isHeld = where.system === "ios" || where.system === "android";
  const name = where.name || texts.thisBrowser;
  const system = texts.system[where.system](name);
  const retry = isHeld ? texts.retry.tap : texts.retry.click;
  const managed = isHeld ? [] : [texts.managed];
  switch (fault) {
    case "refused":
      return { steps: [...allow(where, name, texts), retry], further: [texts.still(system), ...managed] };
    case "dismissed":
      return { steps: [retry, texts.question(name)], further: [] };
    case "system":
      return { steps: [system, retry], further: managed };
    case "missing":
      return {
        steps: [texts.plugIn, ...(isHeld ? [] : [texts.switches]), retry],
        further: [texts.still(system)],
      };
    case "busy":
      return { steps: [isHeld ? texts.endCall : texts.closeApps, retry], further: [texts.restart(name)] };
    case "insecure":
      return { steps: [...texts.insecure], further: [] };
    case "unknown":
      return { steps: [...(isHeld ? [] : [texts.unplug]), retry], further: [texts.restart(name)] };
  }
}

function allow(where: Where, name: string, texts: RepairTexts): string[] {
  // Apple lets other browsers ask only by its own settings.
  if (where.browser === "appIos") return texts.allowAppIos.map((step) => step(name));
  return [...texts.allow[where.browser]];
}
