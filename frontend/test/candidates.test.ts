import assert from "node:assert/strict";
import { test } from "node:test";
import { keepTransport, named, readCandidate, targetOf, targetsOf, turnTargets } from "./candidates.ts";

const SDP = [
  "v=0",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "a=candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host",
  "a=candidate:2 1 tcp 1671430143 192.0.2.1 7882 typ host tcptype passive",
  "a=candidate:3 1 UDP 2130706431 2001:db8::1 7882 typ host",
  "a=end-of-candidates",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "a=candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host",
  "",
].join("\r\n");

test("a description names each way to the server once", () => {
  assert.deepEqual(targetsOf(SDP).map(named), ["UDP 192.0.2.1:7882", "TCP 192.0.2.1:7882", "UDP [2001:db8::1]:7882"]);
});

test("a narrowed description names one transport only, and nothing else is lost", () => {
  const tcp = keepTransport(SDP, "tcp");
  assert.deepEqual(targetsOf(tcp).map(named), ["TCP 192.0.2.1:7882"]);
  assert.equal(tcp.split("\r\n").filter((line) => !line.startsWith("a=candidate")).length, 5);
  assert.equal(keepTransport(keepTransport(SDP, "udp"), "tcp").includes("a=candidate"), false);
});

test("what is no candidate is none", () => {
  for (const line of ["", "candidate:", "candidate:1 1 udp 1 192.0.2.1", "candidate:1 1 sctp 1 192.0.2.1 7 typ host"])
    assert.equal(readCandidate(line), null, line);
});

test("TURN servers are read with their defaults, STUN servers are none", () => {
  const servers = [
    { urls: "stun:stun.example:3478" },
    { urls: ["turn:turn.example:3478?transport=udp", "turn:turn.example?transport=tcp", "turns:turn.example"] },
    { urls: "turn:[2001:db8::2]:443?transport=tcp" },
    { urls: "nonsense" },
  ];
  assert.deepEqual(turnTargets(servers).map(named), [
    "UDP turn.example:3478",
    "TCP turn.example:3478",
    "TLS turn.example:5349",
    "TCP [2001:db8::2]:443",
  ]);
});

test("the address of a websocket or page has its port, also the one that nobody writes", () => {
  assert.equal(named(targetOf("wss://visio.example/rtc")), "TCP visio.example:443");
  assert.equal(named(targetOf("ws://localhost:8000")), "TCP localhost:8000");
  assert.equal(named(targetOf("http://[2001:db8::1]/")), "TCP [2001:db8::1]:80");
});
