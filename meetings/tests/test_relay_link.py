"""The link to a worker: versions, calls, events, placement, and questions from other processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from livekit.protocol.models import Room
from livekit.protocol.room import ListRoomsRequest, ListRoomsResponse
from livekit.protocol.webhook import WebhookEvent

from meetings import relay_link, relay_probe
from meetings.engine_errors import Denied, EngineError, Unavailable
from meetings.placement import slots_of
from meetings.relay_link import LinkState, RelayLinks
from meetings.tests.fake_worker import FakeWorker, no_events, running, until, until_up
from relay import wire
from relay.errors import Refused
from relay.wire import Kind


async def test_both_ends_say_hello_and_web_asks_for_events(tmp_path: Path) -> None:
    async with (
        FakeWorker(tmp_path / "relay-0.sock") as worker,
        running(RelayLinks(1, tmp_path, on_event=no_events)) as links,
    ):
        await until_up(links)
        await until(lambda: worker.hellos)
        hello = worker.hellos[0]
        assert hello["version"] == wire.VERSION
        assert hello["events"] is True
        assert hello["slot"] == 0


async def test_a_worker_of_another_version_gets_no_session_and_no_call(tmp_path: Path) -> None:
    path = tmp_path / "relay-0.sock"
    async with (
        FakeWorker(path, version=wire.VERSION + 1) as worker,
        running(RelayLinks(1, tmp_path, on_event=no_events)) as links,
    ):
        await until(lambda: links.links[0].state is LinkState.MISMATCH)
        with pytest.raises(Unavailable):
            await links.call("r", "Relay.Status", b"")
        with pytest.raises(Denied) as denied:
            await links.links[0].open({"room": "r"}, hold_seconds=0.05)
        assert denied.value.status == 503
        assert not worker.opened


async def test_the_link_comes_back_after_its_worker(tmp_path: Path) -> None:
    path = tmp_path / "relay-0.sock"
    ups: list[str] = []
    links = RelayLinks(1, tmp_path, on_event=no_events, on_up=lambda link: ups.append(link.instance))
    async with running(links):
        for instance in ("first", "second", "third"):
            async with FakeWorker(path, instance=instance):
                await until(lambda wanted=instance: ups[-1:] == [wanted])  # type: ignore[misc]  # a default binds it
            await until(lambda: links.links[0].state is LinkState.DOWN)
    assert ups == ["first", "second", "third"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x01\x00",
        wire.pack_json(Kind.OPEN, {}),
        wire.pack(Kind.EVENT, payload=b"1"),
        wire.pack(Kind.EVENT, payload=b"12345678\xff\xff"),
    ],
)
async def test_garbage_from_the_worker_ends_the_link_and_it_comes_back(garbage: bytes, tmp_path: Path) -> None:
    ups: list[str] = []
    links = RelayLinks(1, tmp_path, on_event=no_events, on_up=lambda link: ups.append(link.instance))
    async with FakeWorker(tmp_path / "relay-0.sock") as worker, running(links):
        await until_up(links)
        worker.send(garbage)
        await until(lambda: len(ups) == 2)
        assert links.links[0].counters["bad_frames"] == 1


async def test_a_refusal_or_error_that_is_no_json_object_ends_only_the_link(tmp_path: Path) -> None:
    ups: list[str] = []
    links = RelayLinks(1, tmp_path, on_event=no_events, on_up=lambda link: ups.append(link.instance))
    async with FakeWorker(tmp_path / "relay-0.sock") as worker, running(links):
        worker.is_mute = True
        opening = asyncio.create_task(links.open({"room": "r"}))
        await worker.next(Kind.OPEN)
        worker.is_mute = False
        worker.send(wire.pack(Kind.REFUSED, session=worker.opened[0][0], payload=b"[]"))
        await until(lambda: len(ups) == 2)
        await opening  # tried again on the new link


async def test_calls_are_paired_with_their_answers(tmp_path: Path) -> None:
    async with (
        FakeWorker(tmp_path / "relay-0.sock") as worker,
        running(RelayLinks(1, tmp_path, on_event=no_events)) as links,
    ):
        worker.answers["Echo"] = lambda request: request
        await until_up(links)
        answers = await asyncio.gather(*(links.call("r", "Echo", b"%d" % number) for number in range(50)))
        assert answers == [b"%d" % number for number in range(50)]


async def test_the_workers_refusal_of_a_call_keeps_its_code(tmp_path: Path) -> None:
    async with (
        FakeWorker(tmp_path / "relay-0.sock") as worker,
        running(RelayLinks(1, tmp_path, on_event=no_events)) as links,
    ):
        worker.answers["RoomService.GetParticipant"] = lambda request: Refused("not_found", "no such participant")
        await until_up(links)
        with pytest.raises(EngineError) as refusal:
            await links.call("r", "RoomService.GetParticipant", b"")
        assert refusal.value.code == "not_found"


async def test_a_call_without_an_answer_is_unavailable(tmp_path: Path) -> None:
    async with (
        FakeWorker(tmp_path / "relay-0.sock") as worker,
        running(RelayLinks(1, tmp_path, on_event=no_events)) as links,
    ):
        worker.answers["Slow"] = lambda request: None
        await until_up(links)
        with pytest.raises(Unavailable):
            await links.links[0].call("Slow", b"", seconds=0.05)
        assert links.links[0].counters["calls_timed_out"] == 1
    assert relay_link.CALL_SECONDS == 5.0


async def test_calls_in_flight_fail_when_the_worker_dies(tmp_path: Path) -> None:
    async with running(RelayLinks(1, tmp_path, on_event=no_events)) as links:
        async with FakeWorker(tmp_path / "relay-0.sock") as worker:
            worker.answers["Slow"] = lambda request: None
            await until_up(links)
            call = asyncio.create_task(links.call("r", "Slow", b""))
            await worker.next(Kind.CALL)
        with pytest.raises(Unavailable):
            await call
        with pytest.raises(Unavailable):
            await links.call("r", "Slow", b"")


async def test_calls_in_flight_are_bounded(tmp_path: Path) -> None:
    async with (
        FakeWorker(tmp_path / "relay-0.sock") as worker,
        running(RelayLinks(1, tmp_path, on_event=no_events)) as links,
    ):
        worker.answers["Slow"] = lambda request: None
        await until_up(links)
        calls = [asyncio.create_task(links.call("r", "Slow", b"")) for _ in range(relay_link.CALLS_IN_FLIGHT)]
        await until(lambda: worker.frames.qsize() >= relay_link.CALLS_IN_FLIGHT)
        with pytest.raises(Unavailable):
            await links.call("r", "Slow", b"")
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


def sequence_of(frame: wire.Frame) -> int:
    return int.from_bytes(frame.payload, "big")


async def test_an_event_is_acknowledged_only_after_its_commit(tmp_path: Path) -> None:
    committed = asyncio.Event()
    handled: list[str] = []

    async def commit(event: WebhookEvent) -> None:
        await committed.wait()
        handled.append(event.id)

    async with (
        FakeWorker(tmp_path / "relay-0.sock") as worker,
        running(RelayLinks(1, tmp_path, on_event=commit)) as links,
    ):
        await until_up(links)
        worker.answers["Echo"] = lambda request: request
        worker.event(1, WebhookEvent(id="EV_1"))
        worker.event(2, WebhookEvent(id="EV_2"))
        await links.call("r", "Echo", b"")  # the link has read both by now
        waiting = list(worker.frames._queue)  # type: ignore[attr-defined]  # asyncio's own list: looked at, none taken
        assert not any(frame.kind is Kind.ACK for frame in waiting)
        committed.set()
        assert sequence_of(await worker.next(Kind.ACK)) == 1
        assert sequence_of(await worker.next(Kind.ACK)) == 2
        assert handled == ["EV_1", "EV_2"]


async def test_an_event_waits_for_the_database_and_keeps_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_link, "EVENT_RETRY_SECONDS", (0.01,))
    tries: Counter[str] = Counter()
    handled: list[str] = []

    async def commit(event: WebhookEvent) -> None:
        tries[event.id] += 1
        if event.id == "EV_1" and tries[event.id] < 4:
            raise Unavailable("database: locked")
        handled.append(event.id)

    async with (
        FakeWorker(tmp_path / "relay-0.sock") as worker,
        running(RelayLinks(1, tmp_path, on_event=commit)) as links,
    ):
        await until_up(links)
        worker.event(1, WebhookEvent(id="EV_1"))
        worker.event(2, WebhookEvent(id="EV_2"))
        assert sequence_of(await worker.next(Kind.ACK)) == 1
        assert sequence_of(await worker.next(Kind.ACK)) == 2
        assert handled == ["EV_1", "EV_2"]
        assert links.links[0].counters["events_retried"] == 3


async def test_an_event_that_our_code_cannot_take_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async def commit(event: WebhookEvent) -> None:
        if event.id == "EV_1":
            raise KeyError("a bug")

    async with (
        FakeWorker(tmp_path / "relay-0.sock") as worker,
        running(RelayLinks(1, tmp_path, on_event=commit)) as links,
    ):
        await until_up(links)
        worker.event(1, WebhookEvent(id="EV_1"))
        worker.event(2, WebhookEvent(id="EV_2"))
        assert sequence_of(await worker.next(Kind.ACK)) == 1
        assert sequence_of(await worker.next(Kind.ACK)) == 2
        assert links.links[0].counters["events_given_up"] == 1


async def test_events_of_a_dead_worker_are_not_acknowledged_to_its_successor(tmp_path: Path) -> None:
    started, committed = asyncio.Event(), asyncio.Event()

    async def commit(event: WebhookEvent) -> None:
        started.set()
        await committed.wait()

    path = tmp_path / "relay-0.sock"
    async with running(RelayLinks(1, tmp_path, on_event=commit)) as links:
        async with FakeWorker(path) as worker:
            await until_up(links)
            worker.event(5000, WebhookEvent(id="EV_old"))
            await started.wait()
        async with FakeWorker(path, instance="second") as successor:
            await until_up(links)
            committed.set()
            successor.event(1, WebhookEvent(id="EV_new"))
            assert sequence_of(await successor.next(Kind.ACK)) == 1


def test_placement_is_stable_even_and_moves_little() -> None:
    rooms = [f"room-{number}" for number in range(3000)]
    assert [slots_of(room, 3)[0] for room in ("a", "b", "c", "d")] == [0, 1, 2, 2]  # the same in every process, forever
    counts = Counter(slots_of(room, 4)[0] for room in rooms)
    assert all(650 < count < 850 for count in counts.values())
    assert sorted(slots_of("room", 5)) == [0, 1, 2, 3, 4]


async def test_a_drained_slot_keeps_its_rooms_and_gets_no_new_ones(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(FakeWorker(tmp_path / f"relay-{slot}.sock", slot=slot)) for slot in (0, 1)
        ]
        drained_slot = slots_of("held", 2)[0]
        new_room = next(f"new-{number}" for number in range(99) if slots_of(f"new-{number}", 2)[0] == drained_slot)

        def rooms(request: bytes) -> bytes:
            asked = ListRoomsRequest.FromString(request).names
            return ListRoomsResponse(rooms=[Room(name="held")] if "held" in asked else []).SerializeToString()

        workers[drained_slot].hello["draining"] = True
        workers[drained_slot].answers["RoomService.ListRooms"] = rooms
        links = await stack.enter_async_context(running(RelayLinks(2, tmp_path, on_event=no_events)))
        await until_up(links, 0)
        await until_up(links, 1)
        assert (await links.link_of("held")).slot == drained_slot
        assert (await links.link_of(new_room)).slot == 1 - drained_slot


async def test_a_room_never_moves_away_from_a_dead_worker(tmp_path: Path) -> None:
    async with (
        FakeWorker(tmp_path / "relay-1.sock", slot=1),
        running(RelayLinks(2, tmp_path, on_event=no_events)) as links,
    ):
        await until_up(links, 1)
        room = next(name for name in map(str, range(99)) if slots_of(name, 2)[0] == 0)
        assert (await links.link_of(room)).slot == 0


async def test_another_process_asks_a_worker_without_disturbing_web(tmp_path: Path, settings: Any) -> None:
    settings.RUN_DIR = tmp_path
    async with FakeWorker(tmp_path / "relay-0.sock") as worker:
        worker.answers["Relay.Status"] = lambda request: json.dumps({"rooms": 3}).encode()
        assert await asyncio.to_thread(relay_probe.status, 0) == {"rooms": 3}
        assert worker.hellos[0]["events"] is False
        worker.answers["Relay.Status"] = lambda request: Refused("internal", "broken")
        with pytest.raises(EngineError):
            await asyncio.to_thread(relay_probe.status, 0)
        worker.answers["Relay.Status"] = lambda request: None
        with pytest.raises(Unavailable):
            await asyncio.to_thread(lambda: relay_probe.status(0, seconds=0.1))
        worker.hello["version"] = 99
        with pytest.raises(EngineError):
            await asyncio.to_thread(relay_probe.status, 0)
        assert (await asyncio.to_thread(relay_probe.hello, 0))["version"] == 99
    with pytest.raises(Unavailable):
        await asyncio.to_thread(relay_probe.status, 0)
