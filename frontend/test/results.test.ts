import assert from "node:assert/strict";
import { test } from "node:test";
import { reportOf } from "./report.ts";
import { blockedTargets, noResults, type PathResult, type Results, verdictOf } from "./results.ts";
import { stringsFor } from "./strings/index.ts";

const PASSED: PathResult = { outcome: "passed", targets: [{ transport: "udp", host: "192.0.2.1", port: 7882 }] };
const BLOCKED: PathResult = { ...PASSED, outcome: "blocked" };
const ABSENT: PathResult = { outcome: "absent", targets: [] };

/** A test in which all went well, but for `changes`. */
function found(changes: Partial<Results> = {}): Results {
  return {
    ...noResults(),
    browser: { browser: { name: "Firefox", version: 128, system: "Linux" }, verdict: "good" },
    microphone: { fault: null, isHeard: true },
    camera: { fault: null, width: 1280, height: 720 },
    hearsItself: true,
    hearsSpeaker: true,
    paths: { udp: PASSED, tcp: PASSED, turn: ABSENT },
    quality: { kbps: 3000, lossPercent: 0, roundTripMs: 20 },
    ...changes,
  };
}

const reason = (changes: Partial<Results>) => verdictOf(found(changes)).reason;

test("who has everything is ready", () => {
  assert.deepEqual(verdictOf(found()), { grade: "good", reason: "all-good" });
  assert.equal(reason({ hearsItself: null }), "all-good");
});

test("what nobody answered or measured is open, and a fault that is known is said first", () => {
  assert.deepEqual(verdictOf(found({ hearsSpeaker: null })), { grade: "open", reason: "unanswered" });
  assert.deepEqual(verdictOf(found({ quality: null })), { grade: "open", reason: "unmeasured" });
  assert.equal(reason({ hearsSpeaker: null, quality: null }), "unanswered");
  assert.equal(reason({ hearsSpeaker: null, camera: { fault: "busy", width: 0, height: 0 } }), "camera");
});

test("the gravest finding decides", () => {
  const silent = { microphone: { fault: null, isHeard: false } };
  assert.equal(reason(silent), "microphone");
  assert.equal(reason({ ...silent, paths: { udp: BLOCKED, tcp: BLOCKED, turn: ABSENT } }), "no-path");
  assert.equal(reason({ ...silent, portalFault: "no-websocket" }), "no-websocket");
  assert.equal(reason({ portalFault: "no-answer" }), "portal");
  assert.equal(reason({ portalFault: "too-many", paths: {} }), "too-many");
  assert.equal(reason({ hearsSpeaker: false }), "sound");
  assert.equal(reason({ camera: { fault: "busy", width: 0, height: 0 } }), "camera");
});

test("a way round is good enough, and said", () => {
  assert.deepEqual(verdictOf(found({ paths: { udp: BLOCKED, tcp: PASSED } })), { grade: "limited", reason: "detour" });
});

test("a thin, lossy or slow link is said", () => {
  const quality = { kbps: 3000, lossPercent: 0, roundTripMs: 20 };
  assert.equal(reason({ quality: { ...quality, kbps: 200 } }), "very-slow");
  assert.equal(reason({ quality: { ...quality, kbps: 800 } }), "slow");
  assert.equal(reason({ quality: { ...quality, lossPercent: 8 } }), "slow");
  assert.equal(reason({ quality: { ...quality, roundTripMs: 900 } }), "slow");
});

test("what is blocked is named by protocol, host and port, in the report of each language", () => {
  const results = found({ paths: { udp: BLOCKED, tcp: BLOCKED, turn: ABSENT }, quality: null });
  assert.equal(blockedTargets(results).length, 2);
  const unanswered = { transport: "tcp", host: "visio.example", port: 443 } as const;
  const silent = found({ portalFault: "no-websocket", unanswered, paths: {} });
  assert.match(reportOf(silent, stringsFor("en"), { portal: "", time: "" }), /Blocked: TCP visio\.example:443/);
  for (const language of ["fr", "en", "de"]) {
    const text = reportOf(results, stringsFor(language), { portal: "https://visio.example", time: "now" });
    assert.match(text, /UDP 192\.0\.2\.1:7882/);
    assert.match(text, /(Navigateur : |Browser: )Firefox 128/);
    assert.match(text, /https:\/\/visio\.example/);
    assert.doesNotMatch(text, /undefined|null|NaN|\[object/);
  }
});
