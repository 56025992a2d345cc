import assert from "node:assert/strict";
import { test } from "node:test";
import { retryDelayMs } from "./backoff.ts";
import { openRoomSocket, type SocketLike } from "./roomsocket.ts";
import { TestClock } from "./testclock.ts";

function open() {
  const clock = new TestClock();
  const sockets: (SocketLike & { isClosed: boolean })[] = [];
  const heard: unknown[] = [];
  const close = openRoomSocket({
    later: clock.later,
    create: () => {
      const socket = {
        onopen: null,
        onmessage: null,
        onclose: null,
        isClosed: false,
        close() {
          socket.isClosed = true;
          socket.onclose?.();
        },
      } as SocketLike & { isClosed: boolean };
      sockets.push(socket);
      return socket;
    },
    onState: (state) => heard.push(["state", state.me.state]),
    onBye: (reason) => heard.push(["bye", reason]),
    onLost: (attempt) => heard.push(["lost", attempt]),
  });
  const newest = () => sockets[sockets.length - 1] as SocketLike;
  const say = (message: unknown) => newest().onmessage?.({ data: JSON.stringify(message) });
  return { clock, sockets, heard, close, newest, say };
}

const STATE = { type: "state", state: { me: { state: "admitted" }, room: {}, waiting: [], roles: {} } };

test("messages are passed on; garbage is not", () => {
  const { heard, say, newest } = open();
  say(STATE);
  newest().onmessage?.({ data: "garbage" });
  newest().onmessage?.({ data: new ArrayBuffer(2) });
  say({ type: "bye", reason: "removed" });
  assert.deepEqual(heard, [
    ["state", "admitted"],
    ["bye", "removed"],
  ]);
});

test("a lost socket is opened again, ever later, and from the start after a success", () => {
  const { clock, sockets, heard, say, newest } = open();
  newest().onclose?.();
  newest().onclose?.(); // browsers tell once; a second time must not double the sockets
  clock.pass(1000);
  assert.equal(sockets.length, 2);
  newest().onclose?.();
  clock.pass(400);
  assert.equal(sockets.length, 2);
  clock.pass(1000);
  assert.equal(sockets.length, 3);
  say(STATE);
  newest().onclose?.();
  assert.deepEqual(heard, [
    ["lost", 0],
    ["lost", 1],
    ["state", "admitted"],
    ["lost", 0],
  ]);
});

test("after close nothing is heard and nothing opened", () => {
  const { clock, sockets, heard, close, say } = open();
  close();
  say(STATE);
  clock.pass(60_000);
  assert.equal(sockets.length, 1);
  assert.equal(sockets[0]?.isClosed, true);
  assert.deepEqual(heard, []);
});

test("closing while a retry is due cancels it", () => {
  const { clock, sockets, close, newest } = open();
  newest().onclose?.();
  close();
  clock.pass(60_000);
  assert.equal(sockets.length, 1);
  assert.equal(clock.pending, 0);
});

test("delays grow to a bound and are spread", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 50].map((attempt) => retryDelayMs(attempt, () => 0.5)),
    [500, 1000, 2000, 4000, 8000, 8000],
  );
  assert.equal(
    retryDelayMs(0, () => 0),
    375,
  );
  assert.equal(
    retryDelayMs(0, () => 1),
    625,
  );
});
