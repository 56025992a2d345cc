import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, type RoomApi, Unreachable } from "./api.ts";
import type { Stay } from "./callreport.ts";
import type { MyState, RoomState } from "./contract.ts";
import { CallSession, type MediaEvents, type SocketHandlers, type Unreached } from "./session.ts";
import { TestClock } from "./testclock.ts";

const ME = { identity: "me", name: "Eve", role: "participant" as const, isGuest: true };
const stateOf = (state: MyState, isClosed = false): RoomState => ({
  me: { ...ME, state },
  room: { isLocked: false, isClosed, lobbyMessage: "" },
  queue: null,
  waiting: [],
  roles: {},
  twins: [],
  hands: [],
  callBeganAt: null,
});
const refusal = (code: string, status = 403) => new ApiError(status, code, code);

/** Lets every promise that is due settle. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function harness(
  answers: {
    enter?: () => "waiting" | "admitted";
    token?: () => void;
    state?: () => RoomState;
    connect?: () => void;
    act?: () => void;
    why?: () => Unreached;
  } = {},
) {
  const stays: Stay[] = [];
  const calls: string[] = [];
  const clock = new TestClock();
  const media: { events: MediaEvents; isHungUp: boolean }[] = [];
  const sockets: { handlers: SocketHandlers; isClosed: boolean }[] = [];
  const api = {
    enter: async (name: string) => {
      calls.push(`enter ${name}`);
      return { participant: ME, state: answers.enter?.() ?? "admitted" };
    },
    token: async () => {
      calls.push("token");
      answers.token?.();
      return { url: "wss://x", token: "t" };
    },
    state: async () => {
      calls.push("state");
      return answers.state?.() ?? stateOf("admitted");
    },
    leave: async () => void calls.push("leave"),
    actOnRoom: async (act: string) => {
      calls.push(act);
      answers.act?.();
    },
  } as unknown as RoomApi;
  const session = new CallSession<string>({
    api,
    later: clock.later,
    now: () => clock.nowMs,
    tellStay: (stay) => void stays.push(stay),
    whyUnreachable: async () => answers.why?.() ?? "unreachable",
    openSocket: (handlers) => {
      const socket = { handlers, isClosed: false };
      sockets.push(socket);
      return () => {
        socket.isClosed = true;
      };
    },
    connectMedia: async (_access, events) => {
      calls.push("connect");
      answers.connect?.();
      const entry = { events, isHungUp: false };
      media.push(entry);
      return {
        room: `room ${media.length}`,
        disconnect: async () => {
          entry.isHungUp = true;
        },
      };
    },
  });
  const phase = () => session.getSnapshot().phase.name;
  const socket = () => sockets[sockets.length - 1] as (typeof sockets)[number];
  const line = () => media[media.length - 1] as (typeof media)[number];
  return { session, calls, clock, media, sockets, stays, phase, socket, line };
}

test("whoever is admitted at once is in the call", async () => {
  const { session, phase, calls } = harness();
  await session.enter("Eve");
  await settle();
  assert.equal(phase(), "connected");
  assert.equal(session.getSnapshot().room, "room 1");
  assert.deepEqual(calls, ["enter Eve", "token", "connect"]);
});

test("a guest waits, without a token, until the portal says admitted", async () => {
  const { session, phase, calls, socket } = harness({ enter: () => "waiting" });
  await session.enter("Eve");
  socket().handlers.onState(stateOf("waiting"));
  await settle();
  assert.equal(phase(), "waiting");
  assert.deepEqual(calls, ["enter Eve"]);
  socket().handlers.onState(stateOf("admitted"));
  socket().handlers.onState(stateOf("admitted")); // told twice, connected once
  await settle();
  assert.equal(phase(), "connected");
  assert.deepEqual(calls, ["enter Eve", "token", "connect"]);
});

test("a page that slept until its place was gone says so, and asks again when the person does", async () => {
  const { session, phase, calls, sockets, socket } = harness({
    enter: () => "waiting",
    state: () => stateOf("left"),
  });
  await session.enter("Eve");
  socket().handlers.onLost(0);
  await settle();
  assert.equal(phase(), "left");
  assert.equal(socket().isClosed, true);
  await session.rejoin();
  assert.equal(phase(), "waiting");
  assert.equal(sockets.length, 2);
  assert.equal(calls.filter((call) => call === "enter Eve").length, 2);
});

test("whoever reached the call may say how it was, once they are out of it; nobody else", async () => {
  const { session } = harness();
  await session.enter("Eve");
  await settle();
  assert.equal(session.getSnapshot().wasInCall, false);
  await session.leave();
  assert.equal(session.getSnapshot().wasInCall, true);
  const waiting = harness({ enter: () => "waiting" });
  await waiting.session.enter("Eve");
  await waiting.session.leave();
  assert.equal(waiting.session.getSnapshot().wasInCall, false);
  const cutOff = harness({
    connect: () => {
      throw new Error("no way through");
    },
  });
  await cutOff.session.enter("Eve");
  await settle();
  await cutOff.session.leave();
  assert.equal(cutOff.session.getSnapshot().wasInCall, false);
});

test("each refusal at the door has its own screen, and opens nothing", async () => {
  for (const [code, expected] of [
    ["locked", "locked"],
    ["removed", "removed"],
    ["denied", "denied"],
    ["closed", "ended"],
  ] as const) {
    const { session, phase, sockets } = harness({
      enter: () => {
        throw refusal(code);
      },
    });
    await session.enter("Eve");
    assert.equal(phase(), expected);
    assert.equal(sockets.length, 0);
  }
});

test("what may pass by itself comes back to the device check with a reason", async () => {
  for (const [error, notice] of [
    [new Unreachable("off"), "offline"],
    [refusal("bad_name", 400), "bad-name"],
    [refusal("too_many_requests", 429), "too-many"],
    [refusal("", 502), "server-error"],
    [new TypeError("a bug"), "server-error"],
  ] as const) {
    const { session } = harness({
      enter: () => {
        throw error;
      },
    });
    await session.enter("Eve");
    assert.deepEqual(session.getSnapshot().phase, { name: "device-check", notice });
  }
});

test("what the organisation of a room lays down is told in the portal's words", async () => {
  const { session } = harness({
    enter: () => {
      throw new ApiError(403, "no_guests", "This meeting is for people with an account.");
    },
  });
  await session.enter("Eve");
  const said = "This meeting is for people with an account.";
  assert.deepEqual(session.getSnapshot().phase, { name: "device-check", notice: "refused", said });
});

test("goodbye from the portal hangs up and closes everything", async () => {
  const { session, phase, socket, line } = harness();
  await session.enter("Eve");
  await settle();
  socket().handlers.onBye("removed");
  assert.equal(phase(), "removed");
  assert.equal(line().isHungUp, true);
  assert.equal(socket().isClosed, true);
  line().events.onCut("removed"); // the engine says the same a moment later
  assert.equal(phase(), "removed");
});

test("whoever the engine puts out is told what the portal says about it", async () => {
  for (const [answer, expected] of [
    [() => stateOf("removed"), "removed"],
    [() => stateOf("left"), "left"],
    [() => stateOf("admitted", true), "ended"],
    [
      () => {
        throw refusal("removed");
      },
      "removed",
    ],
    [
      () => {
        throw new Unreachable("off");
      },
      "removed",
    ],
  ] as const) {
    const { session, phase, line } = harness({ state: answer });
    await session.enter("Eve");
    await settle();
    line().events.onCut("removed");
    await settle();
    assert.equal(phase(), expected);
  }
});

test("somebody put out by mistake comes back in, but not for ever", async () => {
  const { session, phase, line, media } = harness();
  await session.enter("Eve");
  await settle();
  for (let count = 1; count <= 3; count += 1) {
    line().events.onCut("removed");
    await settle();
    assert.equal(phase(), "connected");
    assert.equal(media.length, 1 + count);
  }
  line().events.onCut("removed");
  await settle();
  assert.equal(phase(), "removed");
});

test("entering again waits for the goodbye that is still under way", async () => {
  const { session, calls, phase } = harness();
  await session.enter("Eve");
  await settle();
  const leaving = session.leave();
  const entering = session.rejoin();
  await Promise.all([leaving, entering]);
  await settle();
  assert.deepEqual(calls, ["enter Eve", "token", "connect", "leave", "enter Eve", "token", "connect"]);
  assert.equal(phase(), "connected");
});

test("leaving hangs up at once and tells the portal, also when that does not answer", async () => {
  const { session, phase, calls, line } = harness();
  await session.enter("Eve");
  await settle();
  await session.leave();
  assert.equal(phase(), "left");
  assert.equal(line().isHungUp, true);
  assert.equal(calls.at(-1), "leave");
  await session.leave();
  assert.equal(calls.filter((call) => call === "leave").length, 1);
});

test("a cut of the signal or the media shows and passes", async () => {
  const { session, line } = harness();
  await session.enter("Eve");
  await settle();
  line().events.onLinkLost("signal");
  assert.deepEqual(session.getSnapshot().phase, { name: "reconnecting", layer: "signal" });
  line().events.onLinkLost("media");
  assert.deepEqual(session.getSnapshot().phase, { name: "reconnecting", layer: "media" });
  line().events.onLinkBack();
  assert.deepEqual(session.getSnapshot().phase, { name: "connected" });
});

test("when the engine gives the call up, we come back in with a fresh token", async () => {
  const { session, phase, calls, line, media } = harness();
  await session.enter("Eve");
  await settle();
  line().events.onCut("lost");
  assert.deepEqual(session.getSnapshot().phase, { name: "reconnecting", layer: "rejoin" });
  assert.equal(session.getSnapshot().room, "room 1"); // the dimmed picture stays meanwhile
  await settle();
  assert.equal(phase(), "connected");
  assert.equal(session.getSnapshot().room, "room 2");
  assert.equal(media.length, 2);
  assert.deepEqual(calls.slice(-2), ["token", "connect"]);
});

test("coming back is tried for some time, then the person is asked", async () => {
  let isDown = false;
  const { session, phase, clock, line, calls } = harness({
    connect: () => {
      if (isDown) throw new Error("no engine");
    },
  });
  await session.enter("Eve");
  await settle();
  isDown = true;
  line().events.onCut("lost");
  await settle();
  for (let attempt = 0; attempt < 12; attempt += 1) {
    clock.pass(11_000);
    await settle();
  }
  assert.equal(phase(), "unreachable");
  assert.equal(calls.filter((call) => call === "connect").length, 1 + 8);
  assert.equal(clock.pending, 0);
  isDown = false;
  await session.rejoin();
  await settle();
  assert.equal(phase(), "connected");
  assert.equal(calls.includes("enter Eve"), true);
});

test("somebody removed meanwhile is told so instead of being tried again", async () => {
  const { session, phase, line, clock } = harness({
    token: (() => {
      let count = 0;
      return () => {
        count += 1;
        if (count > 1) throw refusal("removed");
      };
    })(),
  });
  await session.enter("Eve");
  await settle();
  line().events.onCut("lost");
  await settle();
  assert.equal(phase(), "removed");
  assert.equal(clock.pending, 0);
});

test("a lost socket asks by HTTP whether we are still welcome", async () => {
  let state = stateOf("admitted");
  const { session, phase, calls, socket } = harness({ state: () => state });
  await session.enter("Eve");
  await settle();
  socket().handlers.onLost(0);
  await settle();
  assert.equal(phase(), "connected");
  assert.equal(calls.at(-1), "state");
  state = stateOf("admitted", true);
  socket().handlers.onLost(1);
  await settle();
  assert.equal(phase(), "ended");
});

test("leaving while the call is being connected hangs up what arrives late", async () => {
  const { session, phase, media } = harness();
  const entering = session.enter("Eve");
  await entering;
  const leaving = session.leave();
  await settle();
  await leaving;
  assert.equal(phase(), "left");
  assert.ok(media.every(({ isHungUp }) => isHungUp));
  assert.equal(session.getSnapshot().room, null);
});

test("another page of the same person takes over, and can be taken back", async () => {
  const { session, phase, line } = harness();
  await session.enter("Eve");
  await settle();
  line().events.onCut("duplicate");
  assert.equal(phase(), "duplicate");
  await session.rejoin();
  await settle();
  assert.equal(phase(), "connected");
});

test("a refusal for the lock alone does not end a call that is being restored", async () => {
  let count = 0;
  const { session, phase, line, clock } = harness({
    token: () => {
      count += 1;
      if (count === 2) throw refusal("locked");
    },
  });
  await session.enter("Eve");
  await settle();
  line().events.onCut("lost");
  await settle();
  assert.equal(phase(), "reconnecting");
  clock.pass(1000);
  await settle();
  assert.equal(phase(), "connected");
});

test("one report tells of a stay: how long, how often it was cut, how long it took to come in, and why it ended", async () => {
  const { session, clock, stays, line } = harness();
  await session.enter("Eve");
  await settle();
  clock.pass(60_000);
  line().events.onLinkLost("signal");
  line().events.onLinkLost("media");
  line().events.onLinkBack();
  clock.pass(30_000);
  await session.leave();
  await settle();
  assert.deepEqual(stays, [{ reason: "left", durationS: 90, reconnects: 1, joinMs: 0 }]);
});

test("who only waited has no report; who is let in later is timed from then on", async () => {
  const { session, clock, stays, socket } = harness({ enter: () => "waiting" });
  await session.enter("Eve");
  clock.pass(600_000);
  socket().handlers.onState(stateOf("admitted"));
  await settle();
  clock.pass(5_000);
  socket().handlers.onBye("removed");
  await settle();
  assert.deepEqual(stays, [{ reason: "removed", durationS: 5, reconnects: 0, joinMs: 0 }]);
  const other = harness({ enter: () => "waiting" });
  await other.session.enter("Eve");
  await other.session.leave();
  assert.deepEqual(other.stays, []);
});

test("a page that goes away says so, and again at the end if it came back; a place that was taken is told in the engine's word", async () => {
  const { session, clock, stays, line } = harness();
  session.pageHidden();
  await session.enter("Eve");
  await settle();
  clock.pass(1_000);
  session.pageHidden();
  clock.pass(1_000);
  line().events.onCut("duplicate");
  await settle();
  assert.deepEqual(
    stays.map(({ reason, durationS }) => [reason, durationS]),
    [
      ["page-closed", 1],
      ["duplicate_identity", 2],
    ],
  );
});

test("a call that no attempt reaches ends with the reason that was found", async () => {
  const { session, clock, phase, stays } = harness({
    connect: () => {
      throw new Error("no engine");
    },
    why: () => "untrusted",
  });
  await session.enter("Eve");
  for (let attempt = 0; attempt < 12; attempt += 1) {
    await settle();
    clock.pass(11_000);
  }
  await settle();
  assert.equal(phase(), "untrusted");
  assert.deepEqual([stays[0]?.reason, stays[0]?.joinMs], ["untrusted", null]);
});

test("who ends the call for all is told that they did, whichever word comes first", async () => {
  for (const isSocketFirst of [true, false]) {
    const { session, phase, socket, line, stays, calls } = harness({
      act: () => isSocketFirst && socket().handlers.onBye("ended"),
    });
    await session.enter("Alice");
    await settle();
    await session.endForAll();
    line().events.onCut("ended");
    socket().handlers.onBye("ended");
    assert.equal(phase(), "ended-by-you");
    assert.equal(line().isHungUp, true);
    assert.deepEqual(
      stays.map(({ reason }) => reason),
      ["ended"],
    );
    await session.rejoin();
    await settle();
    assert.equal(phase(), "connected");
    assert.equal(calls.filter((call) => call === "end").length, 1);
    // The next end is somebody else's.
    socket().handlers.onBye("ended");
    assert.equal(phase(), "ended");
  }
});

test("who may not end the call, and hears of its end later, is told that somebody else did", async () => {
  const { session, phase, socket } = harness({
    act: () => {
      throw refusal("not_allowed");
    },
  });
  await session.enter("Bob");
  await settle();
  await assert.rejects(session.endForAll());
  assert.equal(phase(), "connected");
  socket().handlers.onBye("ended");
  assert.equal(phase(), "ended");
});

test("where the engine did not answer, the end that was decided is one's own", async () => {
  const { session, phase, socket } = harness({
    act: () => {
      throw refusal("unavailable", 503);
    },
  });
  await session.enter("Alice");
  await settle();
  await assert.rejects(session.endForAll());
  socket().handlers.onBye("ended");
  assert.equal(phase(), "ended-by-you");
});
