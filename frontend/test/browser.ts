// Which browser this is, and whether a call can be held in it.

export type Browser = { name: string; version: number; system: string };
export type Abilities = { isSecure: boolean; hasDevices: boolean; hasCalls: boolean };
export type BrowserVerdict = "good" | "old" | "insecure" | "no-calls";

// The oldest that the call page's script and WebRTC are tried or known to work in; Firefox 115 is the oldest ESR in use.
const OLDEST: Record<string, number> = { Firefox: 115, Chrome: 109, Edge: 109, Safari: 16 };

// In this order: Edge also says Chrome, and Chrome also says Safari.
const NAMES: readonly (readonly [string, RegExp])[] = [
  ["Edge", /\bEdg(?:A|iOS)?\/(\d+)/],
  ["Opera", /\bOPR\/(\d+)/],
  ["Firefox", /\b(?:Firefox|FxiOS)\/(\d+)/],
  ["Chrome", /\b(?:HeadlessChrome|Chrome|CriOS)\/(\d+)/],
  ["Safari", /\bVersion\/(\d+).*\bSafari\//],
];

const SYSTEMS: readonly (readonly [string, RegExp])[] = [
  ["iOS", /iPhone|iPad|iPod/],
  ["Android", /Android/],
  ["Windows", /Windows/],
  ["macOS", /Macintosh|Mac OS X/],
  ["ChromeOS", /\bCrOS\b/],
  ["Linux", /Linux|X11/],
];

/** Name, major version and system family of a user agent; "" and 0 where it does not tell. */
export function readBrowser(userAgent: string): Browser {
  const system = SYSTEMS.find(([, pattern]) => pattern.test(userAgent))?.[0] ?? "";
  for (const [name, pattern] of NAMES) {
    const version = pattern.exec(userAgent)?.[1];
    if (version) return { name, version: Number(version), system };
  }
  return { name: "", version: 0, system };
}

/** What it can do counts for more than its name: a browser that we do not know may be a good one. */
export function judgeBrowser(browser: Browser, abilities: Abilities): BrowserVerdict {
  if (!abilities.isSecure) return "insecure";
  if (!abilities.hasCalls || !abilities.hasDevices) return "no-calls";
  return browser.version < (OLDEST[browser.name] ?? 0) ? "old" : "good";
}
