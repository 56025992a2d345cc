import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeBrowser, readBrowser } from "./browser.ts";

const ABLE = { isSecure: true, hasDevices: true, hasCalls: true };

const AGENTS: [string, string, number, string][] = [
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox", 128, "Windows"],
  [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Chrome",
    130,
    "Linux",
  ],
  [
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
    "Edge",
    130,
    "Windows",
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "Safari",
    17,
    "macOS",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130.0.0.0 Mobile/15E148 Safari/604.1",
    "Chrome",
    130,
    "iOS",
  ],
  [
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
    "Chrome",
    130,
    "Android",
  ],
  ["something else", "", 0, ""],
];

test("each browser is called by its own name, not by those that it also claims", () => {
  for (const [agent, name, version, system] of AGENTS) assert.deepEqual(readBrowser(agent), { name, version, system });
});

test("what a browser can do counts for more than its name", () => {
  const unknown = readBrowser("something else");
  assert.equal(judgeBrowser(unknown, ABLE), "good");
  assert.equal(judgeBrowser(unknown, { ...ABLE, hasCalls: false }), "no-calls");
  assert.equal(judgeBrowser(unknown, { ...ABLE, hasDevices: false }), "no-calls");
  assert.equal(judgeBrowser(unknown, { ...ABLE, isSecure: false, hasDevices: false }), "insecure");
});

test("an old version is told to be renewed", () => {
  assert.equal(judgeBrowser({ name: "Firefox", version: 102, system: "Windows" }, ABLE), "old");
  assert.equal(judgeBrowser({ name: "Firefox", version: 115, system: "Windows" }, ABLE), "good");
});
