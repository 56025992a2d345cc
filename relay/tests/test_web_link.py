"""The local socket: frames in, frames out, and what happens when web is slow, gone, replaced or wrong."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from livekit.protocol import models, rtc, webhook
from livekit.protocol import room as api

from relay import clock, events, wire
from relay.admission import (
    GIVING_WAY_LIMIT,
    JOINS_BURST,
    MAX_WAITING,
    TEST_JOINS_BURST,
    Frequency,
    Join,
    JoinGate,
)
from relay.tests.stage import Stage, Timers
from relay.weblink import EVENT_WINDOW, MAX_HELD_SIGNALS, MAX_LINKS, WebLinks
from relay.wire import Frame, Kind

PATIENCE_SECONDS = 10.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.01)


class Web:
    """A web process's connection to the worker under test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def read(self, *kinds: Kind) -> Frame:
        """The next frame of one of `kinds`, or of any."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                frame = await wire.read_frame(self.reader)
                if not kinds or frame.kind in kinds:
                    return frame

    def send(self, kind: Kind, document: Any = None, **fields: Any) -> None:
        if document is not None:
            fields["payload"] = json.dumps(document).encode()
        self.writer.write(wire.pack(kind, **fields))

    def hello(self, **fields: Any) -> None:
        self.send(Kind.HELLO, {"version": wire.VERSION, "events": True, **fields})

    def open(self, session: int, identity: str, **fields: Any) -> None:
        self.send(Kind.OPEN, {"room": "council", "identity": identity, **fields}, session=session)

    async def call(self, method: str, request: bytes = b"") -> Frame:
        self.send(Kind.CALL, request=7, payload=method.encode() + b"\0" + request)
        return await self.read(Kind.REPLY, Kind.ERROR)

    async def is_dropped(self) -> bool:
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionError:
                pass
        return True

    def signals(self, frame: Frame) -> str:
        return str(rtc.SignalResponse.FromString(frame.payload).WhichOneof("message"))


class Desk:
    """The worker's links on a real Unix socket, with rooms on a fake media plane."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.webs: list[Web] = []
        self.stage = Stage()
        self.stage.context.later = asyncio.get_running_loop().call_later
        self.gate = JoinGate(4, asyncio.get_running_loop().call_later)
        self.stage.context.on_settled = self.gate.settled
        commands = {"Status": lambda: {"rooms": len(self.stage.rooms.by_name)}}
        self.links = WebLinks(self.stage.rooms, self.gate, commands, lambda: {"version": wire.VERSION})

    async def web(self, *, hello: bool = True) -> Web:
        web = Web(*await asyncio.open_unix_connection(self.path))
        self.webs.append(web)
        assert (await web.read()).kind is Kind.HELLO
        if hello:
            web.hello()
        return web


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path / "relay.sock")
    server = await asyncio.start_unix_server(desk.links.serve, desk.path)
    yield desk
    server.close()
    await desk.links.close()
    for web in desk.webs:
        web.writer.close()
        await asyncio.gather(web.writer.wait_closed(), return_exceptions=True)
    await until(lambda: not desk.links.links)


async def test_a_session_is_opened_used_and_closed(desk: Desk) -> None:
    web = await desk.web()
    web.open(5, "alice")
    opened = await web.read(Kind.OPENED, Kind.SIGNAL)
    assert (opened.kind, opened.session) == (Kind.OPENED, 5)
    assert web.signals(await web.read(Kind.SIGNAL)) == "join"

    web.send(Kind.SIGNAL, session=5, payload=rtc.SignalRequest(ping=1).SerializeToString())
    while web.signals(await web.read(Kind.SIGNAL)) != "pong":
        pass
    web.send(Kind.SIGNAL, session=5, payload=rtc.SignalRequest(leave=rtc.LeaveRequest()).SerializeToString())
    closed = await web.read(Kind.CLOSE)
    assert closed.session == 5


async def test_a_refused_websocket_gets_a_status(desk: Desk) -> None:
    web = await desk.web()
    web.open(1, "alice", room_config={"max_participants": 1})
    await web.read(Kind.OPENED)
    web.open(2, "bob")
    assert (await web.read(Kind.REFUSED)).json()["status"] == 403
    desk.stage.rooms.is_draining = True
    web.send(Kind.OPEN, {"room": "new", "identity": "carol"}, session=3)
    assert (await web.read(Kind.REFUSED)).json()["status"] == 503
    web.send(Kind.OPEN, {"identity": "dana"}, session=4)
    assert (await web.read(Kind.REFUSED)).json()["status"] == 400


async def test_an_unknown_resume_is_opened_told_and_closed(desk: Desk) -> None:
    web = await desk.web()
    web.open(9, "alice", reconnect=True, sid="PA_gone")

    kinds = [(await web.read()).kind for _ in range(3)]
    assert kinds == [Kind.OPENED, Kind.SIGNAL, Kind.CLOSE]


async def test_a_client_that_floods_is_sent_away_and_the_others_stay(desk: Desk) -> None:
    web = await desk.web()
    for number, identity in enumerate(("alice", "eve")):
        web.open(number, identity)
        await web.read(Kind.OPENED)
    ping = rtc.SignalRequest(ping=1).SerializeToString()
    for _ in range(3000):
        web.send(Kind.SIGNAL, session=1, payload=ping)
    closed = await web.read(Kind.CLOSE)

    assert closed.session == 1
    assert set(desk.stage.rooms.by_name["council"].participants) == {"alice"}
    assert desk.stage.counters["signals_flooding"] == 1


async def test_who_has_taken_their_share_of_time_waits_and_the_others_do_not(desk: Desk) -> None:
    web = await desk.web()
    for number, identity in enumerate(("alice", "eve")):
        web.open(number, identity)
        await web.read(Kind.OPENED)
    eve = desk.stage.rooms.by_name["council"].participants["eve"]
    while not eve.shares.signals.is_spent(clock.now()):
        eve.shares.signals.spend(0.01, clock.now())
    for session, timestamp in ((1, 1), (1, 2), (0, 3)):
        ping = rtc.SignalRequest(ping_req=rtc.Ping(timestamp=timestamp))
        web.send(Kind.SIGNAL, session=session, payload=ping.SerializeToString())
    answered: list[int] = []
    while len(answered) < 3:
        message = rtc.SignalResponse.FromString((await web.read(Kind.SIGNAL)).payload)
        if message.HasField("pong_resp"):
            answered.append(message.pong_resp.last_ping_timestamp)

    assert answered == [3, 1, 2]
    assert desk.stage.counters["signals_held"] == 2


async def test_what_waits_is_bounded(desk: Desk) -> None:
    web = await desk.web()
    for number, identity in enumerate(("alice", "eve")):
        web.open(number, identity)
        await web.read(Kind.OPENED)
    people = desk.stage.rooms.by_name["council"].participants
    for _ in ("their own", "what all share"):
        people["eve"].shares.signals.spend(1000, clock.now())
    ping = rtc.SignalRequest(ping=1).SerializeToString()
    for _ in range(MAX_HELD_SIGNALS + 1):
        web.send(Kind.SIGNAL, session=1, payload=ping)
    assert (await web.read(Kind.CLOSE)).session == 1
    assert set(people) == {"alice"}
    assert desk.stage.counters["signals_flooding"] == 1


async def test_a_lost_link_takes_signalling_and_nothing_else(desk: Desk) -> None:
    web = await desk.web()
    web.open(1, "alice")
    await web.read(Kind.OPENED)
    alice = desk.stage.rooms.by_name["council"].participants["alice"]
    web.writer.close()
    await until(lambda: alice.sink is None)
    assert "alice" in desk.stage.rooms.by_name["council"].participants

    again = await desk.web()
    again.open(2, "alice", reconnect=True, sid=alice.sid)
    assert (await again.read(Kind.OPENED)).session == 2
    assert again.signals(await again.read(Kind.SIGNAL)) == "reconnect"


async def test_a_session_belongs_to_the_link_that_opened_it_last(desk: Desk) -> None:
    first, second = await desk.web(), await desk.web()
    first.open(1, "alice")
    await first.read(Kind.OPENED)
    alice = desk.stage.rooms.by_name["council"].participants["alice"]
    second.open(1, "alice", reconnect=True, sid=alice.sid)
    await second.read(Kind.OPENED)
    first.send(Kind.SIGNAL, session=1, payload=rtc.SignalRequest(leave=rtc.LeaveRequest()).SerializeToString())
    await first.call("Relay.Status")

    assert desk.stage.rooms.by_name["council"].participants["alice"] is alice
    assert desk.stage.counters["signals_orphaned"] == 1


async def test_a_link_without_events_may_only_call(desk: Desk) -> None:
    tool = await desk.web(hello=False)
    tool.hello(events=False)
    assert json.loads((await tool.call("Relay.Status")).payload) == {"rooms": 0}
    tool.open(1, "eve")
    assert (await tool.read(Kind.REFUSED)).json()["status"] == 403

    web = await desk.web()
    web.open(2, "alice")
    assert (await web.read(Kind.EVENT)).kind is Kind.EVENT


async def test_calls_are_answered_with_replies_and_twirp_errors(desk: Desk) -> None:
    web = await desk.web()
    reply = await web.call("RoomService.CreateRoom", api.CreateRoomRequest(name="x").SerializeToString())
    assert (reply.kind, reply.request) == (Kind.REPLY, 7)
    for method, code in [
        ("RoomService.DeleteRoom", "not_found"),
        ("RoomService.Nothing", "unimplemented"),
        ("Relay.Nothing", "unimplemented"),
        ("Nothing", "unimplemented"),
    ]:
        error = await web.call(method)
        assert (error.kind, error.json()["code"]) == (Kind.ERROR, code)
    web.send(Kind.CALL, request=8, payload=b"no separator")
    assert (await web.read(Kind.ERROR)).json()["code"] == "invalid_argument"


async def test_events_wait_for_acknowledgement_and_come_again_in_order(desk: Desk) -> None:
    for number in range(EVENT_WINDOW + 50):
        desk.stage.rooms.get_or_create(f"room-{number}", {})
    web = await desk.web()
    sequences = [struct.unpack_from("!Q", (await web.read(Kind.EVENT)).payload)[0] for _ in range(EVENT_WINDOW)]
    assert sequences == list(range(1, EVENT_WINDOW + 1))
    web.send(Kind.ACK, payload=struct.pack("!Q", 10))
    assert struct.unpack_from("!Q", (await web.read(Kind.EVENT)).payload)[0] == EVENT_WINDOW + 1

    again = await desk.web()
    frame = await again.read(Kind.EVENT)
    assert struct.unpack_from("!Q", frame.payload)[0] == 11
    assert webhook.WebhookEvent.FromString(frame.payload[8:]).room.name == "room-10"


async def test_an_older_link_takes_the_events_when_the_newest_goes(desk: Desk) -> None:
    old = await desk.web()
    await old.call("Relay.Status")
    new = await desk.web()
    await new.call("Relay.Status")
    desk.stage.rooms.get_or_create("x", {})
    assert (await new.read(Kind.EVENT)).kind is Kind.EVENT
    new.writer.close()

    assert struct.unpack_from("!Q", (await old.read(Kind.EVENT)).payload)[0] == 1


@pytest.mark.parametrize(
    "frame",
    [
        b"\xff\xff\xff\xff",
        wire.pack(Kind.OPENED),
        wire.pack(Kind.ACK, payload=b"x"),
        wire.pack(Kind.ACK, payload=struct.pack("!Q", 1 << 40)),
        wire.pack_json(Kind.HELLO, {"version": 999}),
        struct.pack("!IBQI", 13, 200, 0, 0),
    ],
)
async def test_a_link_that_breaks_the_protocol_is_dropped_alone(desk: Desk, frame: bytes) -> None:
    good, bad = await desk.web(), await desk.web()
    bad.writer.write(frame)

    assert await bad.is_dropped()
    assert (await good.call("Relay.Status")).kind is Kind.REPLY
    assert desk.stage.counters["links_bad"] == 1


async def test_a_web_that_does_not_read_is_dropped_and_the_worker_goes_on(desk: Desk) -> None:
    stuck = await desk.web()
    stuck.open(1, "alice")
    await stuck.read(Kind.OPENED)
    alice = desk.stage.rooms.by_name["council"].participants["alice"]
    payload = b"x" * (1 << 20)
    for _ in range(12):
        alice.send_bytes(payload)
    await until(lambda: alice.sink is None)

    assert desk.stage.counters["links_overflowed"] == 1
    assert (await (await desk.web()).call("Relay.Status")).kind is Kind.REPLY


def test_events_beyond_the_bound_are_dropped_oldest_first_and_counted() -> None:
    log = events.EventLog()
    stage = Stage()
    room = stage.rooms.get_or_create("x", {}).info()
    for _ in range(events.MAX_KEPT_EVENTS + 3):
        log.add("room_started", room)

    assert len(log) == events.MAX_KEPT_EVENTS
    assert log.overflowed == 3
    assert next(log.after(0)).sequence == 4
    assert webhook.WebhookEvent.FromString(next(log.after(10_002)).payload).num_dropped == 2


def test_events_of_tracks_are_dropped_before_all_others() -> None:
    log = events.EventLog()
    room = Stage().rooms.get_or_create("x", {}).info()
    log.add("participant_joined", room)
    for _ in range(events.MAX_KEPT_EVENTS):
        log.add("track_published", room, track=models.TrackInfo())
    log.add("participant_left", room)

    names = [webhook.WebhookEvent.FromString(event.payload).event for event in log.after(0)]
    assert (names[0], names[-1]) == ("participant_joined", "participant_left")
    assert len(names) + log.overflowed == events.MAX_KEPT_EVENTS + 2
    assert [event.sequence for event in log.after(0)] == list(range(1, len(names) + 1)), "numbers rise by one"


def join(key: int, begin: Callable[[], str | None], refused: list[int] | None = None, *, who: str = "") -> Join:
    refuse = (lambda: refused.append(key)) if refused is not None else lambda: pytest.fail("refused")
    return Join(key, ("council", who or f"p{key}"), begin, refuse)


def test_joins_run_a_few_at_a_time_and_in_order() -> None:
    timers = Timers()
    gate = JoinGate(2, timers.later)
    begun: list[str] = []

    def begin(name: str) -> str:
        begun.append(name)
        return name

    for number in range(5):
        gate.submit(join(number, lambda n=number: begin(f"p{n}")))  # type: ignore[misc]  # mypy on defaults
    gate.withdraw(3)
    timers.advance(0)
    assert begun == ["p0", "p1"]
    gate.settled("p0")
    timers.advance(0)
    assert begun == ["p0", "p1", "p2"]
    timers.advance(3.1)  # the others never finish their handshakes
    assert begun == ["p0", "p1", "p2", "p4"]


def test_a_join_that_fails_leaves_the_gate_open() -> None:
    timers = Timers()
    gate = JoinGate(1, timers.later)
    begun: list[int] = []
    for number in range(3):
        gate.submit(join(number, lambda n=number: begun.append(n)))  # type: ignore[misc]  # None: nothing to wait for
    timers.advance(0)

    assert begun == [0, 1, 2]


def test_the_gate_has_a_bound() -> None:
    gate = JoinGate(1, Timers().later)
    refused: list[int] = []
    for number in range(MAX_WAITING + 1):
        gate.submit(join(number, lambda: None, refused))

    assert refused == [MAX_WAITING]


def test_those_who_give_way_hold_nobody_else_up() -> None:
    timers = Timers()
    gate = JoinGate(2, timers.later)
    begun: list[str] = []

    def begin(name: str) -> str:
        begun.append(name)
        return name

    for number in range(40):  # none of them ever finishes its handshake
        gate.submit(join(number, lambda n=number: begin(f"test{n}")), gives_way=True)  # type: ignore[misc]  # binds the number
    gate.submit(join(40, lambda: begin("alice")))
    timers.advance(0)
    assert begun.index("alice") <= GIVING_WAY_LIMIT
    assert len(begun) == GIVING_WAY_LIMIT + 1
    gate.settled("test0")
    gate.withdraw(2)
    timers.advance(0)
    assert begun[-1] == "test3"


def test_of_one_participant_only_the_newest_waits() -> None:
    timers = Timers()
    gate = JoinGate(1, timers.later)
    begun: list[int] = []
    refused: list[int] = []
    gate.submit(join(0, lambda: "first"))
    timers.advance(0)
    for number in (1, 2, 3, 4):
        who = "bob" if number == 2 else "alice"
        gate.submit(join(number, lambda n=number: begun.append(n), refused, who=who))  # type: ignore[misc]  # binds the number
    gate.settled("first")
    timers.advance(0)

    assert refused == [1, 3]
    assert begun == [4, 2], "the newest has the place of the first"


async def test_one_identity_cannot_join_without_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    web = await desk.web()
    kinds = []
    for number in range(int(JOINS_BURST) + 3):
        web.open(number + 1, "eve")
        answer = await web.read(Kind.OPENED, Kind.REFUSED)
        kinds.append(answer.kind)
    assert kinds == [Kind.OPENED] * (int(JOINS_BURST) + 1) + [Kind.REFUSED] * 2
    assert answer.json()["status"] == 503
    assert desk.stage.counters["joins_too_frequent"] == 2
    web.open(100, "alice")  # nobody else is kept out
    assert (await web.read(Kind.OPENED, Kind.REFUSED)).kind is Kind.OPENED
    now += 5.0
    web.open(101, "eve")
    assert (await web.read(Kind.OPENED, Kind.REFUSED)).kind is Kind.OPENED


async def test_a_flood_of_connection_tests_keeps_nobody_out_of_a_call(desk: Desk) -> None:
    web = await desk.web()
    for number in range(20):
        web.open(number, f"test-{number}", room="test", gives_way=True)
    web.open(20, "test-19", room="test", gives_way=True)
    web.open(21, "alice")
    frames = [await web.read(Kind.OPENED, Kind.REFUSED) for _ in range(GIVING_WAY_LIMIT + 2)]
    opened = {frame.session for frame in frames if frame.kind is Kind.OPENED}
    refused = [(frame.session, frame.json()["status"]) for frame in frames if frame.kind is Kind.REFUSED]
    assert opened == {0, 1, 21}
    assert refused == [(19, 503)], "a newer one of the same participant waits in its place"


def test_a_connection_test_joins_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    frequency = Frequency()
    tries = [frequency.may_join("test", "a", gives_way=True) for _ in range(20)]
    assert 3 <= sum(tries) <= TEST_JOINS_BURST + 1
    now += 10.5
    assert [frequency.may_join("test", "a", gives_way=True) for _ in range(2)] == [True, False]


async def test_links_are_bounded(desk: Desk) -> None:
    for _ in range(MAX_LINKS):
        await desk.web()
    too_many = Web(*await asyncio.open_unix_connection(desk.path))
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await too_many.reader.read() == b"", "no greeting, and the end"
    too_many.writer.close()
    await desk.webs[0].call("Status")
    desk.webs.pop().writer.close()
    await until(lambda: len(desk.links.links) < MAX_LINKS)
    await desk.web()
