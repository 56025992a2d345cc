import assert from "node:assert/strict";
import { test } from "node:test";
import { type DeviceFault, deviceFault } from "./devicefault.ts";
import { type Agent, repairOf, whereIs } from "./repair.ts";
import { stringsFor } from "./strings/index.ts";

const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const MAC_SAFARI =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15";
const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)";

const agent = (userAgent: string, brands: string[] = [], platform = "", maxTouchPoints = 0): Agent => ({
  userAgent,
  maxTouchPoints,
  ...(brands.length > 0 && { userAgentData: { brands: brands.map((brand) => ({ brand })), platform } }),
});
const AGENTS: [agent: Agent, browser: string, name: string, system: string][] = [
  [agent(CHROME, ["Not)A;Brand", "Chromium", "Google Chrome"], "Windows"), "chromium", "Chrome", "windows"],
  [agent(CHROME, ["Chromium", "Microsoft Edge"], "Windows"), "edge", "Edge", "windows"],
  [agent(CHROME, ["Chromium", "Brave"], "macOS"), "chromium", "Brave", "macos"],
  [agent(CHROME, ["Chromium"], "Linux"), "chromium", "Chromium", "other"],
  [agent(CHROME, ["Chromium", "Google Chrome"], "Chrome OS"), "chromium", "Chrome", "chromeos"],
  // What tells no brands.
  [agent(CHROME), "chromium", "Chrome", "windows"],
  [agent(`${CHROME} Edg/140.0.0.0`), "edge", "Edge", "windows"],
  [agent("Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0"), "firefox", "Firefox", "windows"],
  [agent("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "firefox", "Firefox", "other"],
  [agent(MAC_SAFARI), "safari", "Safari", "macos"],
  [agent(MAC_SAFARI, [], "", 5), "safariIos", "Safari", "ios"],
  [agent(`${IPHONE} Version/18.0 Mobile/15E148 Safari/604.1`, [], "", 5), "safariIos", "Safari", "ios"],
  [agent(`${IPHONE} CriOS/140.0.0.0 Mobile/15E148 Safari/604.1`, [], "", 5), "appIos", "Chrome", "ios"],
  [agent(`${IPHONE} FxiOS/140.0 Mobile/15E148 Safari/605.1.15`, [], "", 5), "appIos", "Firefox", "ios"],
  [agent(`${ANDROID} Chrome/140.0.0.0 Mobile Safari/537.36`), "chromiumAndroid", "Chrome", "android"],
  [
    agent(`${ANDROID} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`),
    "chromiumAndroid",
    "Samsung Internet",
    "android",
  ],
  [
    agent("Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"),
    "firefoxAndroid",
    "Firefox",
    "android",
  ],
  [agent("Something/1.0"), "other", "", "other"],
];

for (const [told, browser, name, system] of AGENTS) {
  test(`${name || "an unknown browser"} on ${system} is known: ${browser}`, () => {
    const where = whereIs(told);
    assert.deepEqual([where.browser, where.name, where.system], [browser, name, system]);
  });
}

const stepsIn = (language: string, told: Agent, fault: DeviceFault) => {
  const { steps, further } = repairOf(fault, whereIs(told), stringsFor(language).doorway.repair);
  return [...steps, ...further];
};

test("each browser has its own way to a permission that was refused", () => {
  for (const language of ["fr", "en", "de"]) {
    const ways = new Map(
      AGENTS.map(([told, browser]) => [browser, stepsIn(language, told, "refused").slice(0, 2).join()]),
    );
    assert.equal(ways.size, 9);
    assert.equal(new Set(ways.values()).size, 9, language);
  }
});

test("what the system refused leads to the system's settings first, with the browser's name", () => {
  for (const [told, , name, system] of AGENTS) {
    const [first] = stepsIn("en", told, "system");
    const settings = { windows: "Windows Settings", macos: "System Settings", ios: "iOS Settings" }[system] ?? "";
    assert.ok(first?.includes(settings), first);
    assert.ok(system === "chromeos" || first?.includes(name || "this browser"), first);
  }
});

test("one step is to try again, and only where the page can", () => {
  const retry = Object.values(stringsFor("en").doorway.repair.retry);
  for (const [told] of AGENTS) {
    for (const fault of ["refused", "dismissed", "system", "missing", "busy", "unknown"] as const) {
      const steps = stepsIn("en", told, fault);
      assert.equal(steps.filter((step) => retry.includes(step)).length, 1, `${fault}: ${steps}`);
      assert.equal(new Set(steps).size, steps.length);
    }
    assert.equal(stepsIn("en", told, "insecure").filter((step) => retry.includes(step)).length, 0);
  }
});

test("nobody with a phone is told to click, to plug in again or to ask the IT department", () => {
  for (const [told, , , system] of AGENTS.filter(([, , , kind]) => kind === "ios" || kind === "android")) {
    for (const fault of ["refused", "dismissed", "system", "missing", "busy", "unknown"] as const) {
      assert.doesNotMatch(stepsIn("en", told, fault).join(" "), /click|unplug|IT department/i, `${system} ${fault}`);
    }
  }
});

test("who refused is read from the error: the person, the browser or the system", () => {
  const fault = (message: string) => deviceFault(new DOMException(message, "NotAllowedError"));
  assert.equal(fault("Permission denied"), "refused");
  assert.equal(fault("Permission dismissed"), "dismissed");
  assert.equal(fault("Permission denied by system"), "system");
  assert.equal(
    fault("The request is not allowed by the user agent or the platform in the current context."),
    "refused",
  );
});
