import assert from "node:assert/strict";
import { test } from "node:test";
import { websocketAddress } from "./config.ts";
import { parseRoomMessage } from "./contract.ts";

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
