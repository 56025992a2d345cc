import assert from "node:assert/strict";
import { test } from "node:test";
import { websocketAddress } from "./config.ts";
import { parseChatPacket, parseReactionPacket, parseRoomMessage } from "./contract.ts";

test("state and bye are understood", () => {
  const state = { me: { state: "waiting" }, room: {}, waiting: [], roles: {} };
  assert.deepEqual(parseRoomMessage(JSON.stringify({ type: "state", state })), { type: "state", state });
  assert.deepEqual(parseRoomMessage('{"type":"bye","reason":"ended"}'), { type: "bye", reason: "ended" });
});

test("anything else is dropped rather than believed", () => {
  for (const text of [
    "",
    "null",
    "[]",
    "17",
    '{"type":"news"}',
    '{"type":"state"}',
    '{"type":"state","state":{}}',
    '{"type":"bye","reason":"?"}',
  ]) {
    assert.equal(parseRoomMessage(text), null, text);
  }
});

test("the websocket is on the page's own host, encrypted when the page is", () => {
  assert.equal(
    websocketAddress("/ws/rooms/a", "https://visio.example.org/r/a?x=1"),
    "wss://visio.example.org/ws/rooms/a",
  );
  assert.equal(websocketAddress("/ws/rooms/a", "http://localhost:8000/r/a"), "ws://localhost:8000/ws/rooms/a");
  assert.equal(
    websocketAddress("wss://visio.example.org/ws/rooms/a", "https://visio.example.org/"),
    "wss://visio.example.org/ws/rooms/a",
  );
});

const bytes = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

test("packets of the portal are understood, all else is nothing", () => {
  const message = { id: "7", identity: "i", name: "Bob", role: "host", text: "<b>", sentAt: "2026-11-24T10:14:00Z" };
  assert.deepEqual(parseChatPacket(bytes(message)), message);
  assert.deepEqual(parseChatPacket(bytes({ id: "7", isDeleted: true })), { id: "7", isDeleted: true });
  for (const packet of [
    "",
    "{",
    "null",
    "[]",
    {},
    { ...message, id: 7 },
    { ...message, id: "x" },
    { ...message, text: 1 },
  ]) {
    assert.equal(parseChatPacket(bytes(packet)), null, JSON.stringify(packet));
  }
  const reaction = { identity: "i", reaction: "clap" };
  assert.deepEqual(parseReactionPacket(bytes(reaction)), reaction);
  for (const packet of ["", "null", { ...reaction, reaction: "constructor" }, { reaction: "clap" }]) {
    assert.equal(parseReactionPacket(bytes(packet)), null, JSON.stringify(packet));
  }
});
