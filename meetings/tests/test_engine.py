"""The web process's part as a whole: links, events to rows, reconciliation when a worker comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import IntegrityError, OperationalError
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.models import Room as EngineRoom
from livekit.protocol.room import ListParticipantsResponse, ListRoomsResponse
from livekit.protocol.webhook import WebhookEvent

from jobs.models import Job
from meetings import engine, outbox, relay_link, signals
from meetings.engine_errors import Unavailable
from meetings.models import Attendance, CallSession, EngineEvent, Outbox
from meetings.tests.fake_worker import FakeWorker, until
from meetings.tests.rows import make_participant, make_room
from relay.wire import Kind

pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.asynccontextmanager
async def running_engine() -> AsyncIterator[None]:
    task = asyncio.create_task(engine.run())
    try:
        await until(lambda: engine._links is not None)
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_in_database(question: Callable[[], Awaitable[bool]], *, is_wanted: bool = True) -> None:
    async with asyncio.timeout(10):
        while await question() is not is_wanted:  # noqa: ASYNC110  rows have no event to wait for
            await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def one_worker(settings: Any, tmp_path: Path) -> Path:
    settings.RELAY_WORKERS = 1
    settings.RUN_DIR = tmp_path
    settings.EMBEDDED_RELAY = True
    settings.LIVEKIT_URL = "ws://127.0.0.1:9"
    return tmp_path / "relay-0.sock"


async def test_a_workers_event_is_a_row_before_it_is_acknowledged(one_worker: Path) -> None:
    room = await sync_to_async(make_room)()
    async with FakeWorker(one_worker) as worker, running_engine():
        await until(lambda: engine.links().links[0].state is relay_link.LinkState.UP)
        message = WebhookEvent(
            id="EV_1", event="room_started", created_at=1_790_000_000, room=EngineRoom(sid="RM_1", name=room.media_name)
        )
        worker.event(7, message)
        acknowledged = await worker.next(Kind.ACK)
        assert int.from_bytes(acknowledged.payload, "big") == 7
        assert await CallSession.objects.filter(sid="RM_1").aexists()
        worker.event(8, message)  # once more, as after a broken link
        assert int.from_bytes((await worker.next(Kind.ACK)).payload, "big") == 8
        assert await EngineEvent.objects.acount() == 1


async def test_a_worker_that_comes_up_is_compared_with_the_rows(one_worker: Path) -> None:
    room = await sync_to_async(make_room)()
    person = await sync_to_async(make_participant)(room)
    engine_room = EngineRoom(sid="RM_1", name=room.media_name, creation_time=1_790_000_000)
    present = ParticipantInfo(
        sid="PA_1",
        identity=person.identity,
        name=person.name,
        state=ParticipantInfo.State.ACTIVE,
        joined_at=1_790_000_001,
    )
    async with FakeWorker(one_worker) as worker, running_engine():
        worker.answers["RoomService.ListRooms"] = lambda request: ListRoomsResponse(
            rooms=[engine_room]
        ).SerializeToString()
        worker.answers["RoomService.ListParticipants"] = lambda request: ListParticipantsResponse(
            participants=[present]
        ).SerializeToString()
        worker.cut()

        await until_in_database(lambda: Attendance.objects.filter(sid="PA_1", left_at__isnull=True).aexists())


async def test_other_processes_notices_are_read(one_worker: Path) -> None:
    room = await sync_to_async(make_room)()
    await sync_to_async(outbox.notify_room)(room)
    notice = await Outbox.objects.aget()
    async with running_engine():
        await until_in_database(lambda: Outbox.objects.filter(pk=notice.pk).aexists(), is_wanted=False)


async def test_without_a_running_engine_there_are_no_links() -> None:
    with pytest.raises(Unavailable):
        engine.links()
    async with running_engine():
        assert engine.status()["links"][0]["state"] == "down"
    with pytest.raises(Unavailable):
        engine.links()


async def test_an_event_that_our_code_cannot_take_is_kept_before_it_is_acknowledged(one_worker: Path) -> None:
    room = await sync_to_async(make_room)()

    def fail(**_: Any) -> None:
        raise IntegrityError("a bug that names a table")

    async with FakeWorker(one_worker) as worker, running_engine():
        await until(lambda: engine.links().links[0].state is relay_link.LinkState.UP)
        signals.call_started.connect(fail)
        try:
            started = WebhookEvent(id="EV_1", event="room_started", room=EngineRoom(sid="RM_1", name=room.media_name))
            worker.event(1, started)
            await worker.next(Kind.ACK)
        finally:
            signals.call_started.disconnect(fail)
        kept = await Job.objects.aget(kind="meetings.take_event")
        assert kept.payload["event"]["room"]["name"] == room.media_name
        assert engine.links().links[0].counters["events_given_up"] == 0


async def test_a_database_that_does_not_answer_makes_an_event_wait(
    one_worker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event is neither lost nor acknowledged."""
    from meetings import engine_events

    taken = engine_events.receive_webhook
    failures = [OperationalError("database is locked"), OperationalError("database is locked")]

    def sometimes(event: WebhookEvent) -> bool:
        if failures:
            raise failures.pop()
        return taken(event)

    monkeypatch.setattr(engine_events, "receive_webhook", sometimes)
    monkeypatch.setattr(relay_link, "EVENT_RETRY_SECONDS", (0.01,))
    room = await sync_to_async(make_room)()
    async with FakeWorker(one_worker) as worker, running_engine():
        await until(lambda: engine.links().links[0].state is relay_link.LinkState.UP)
        worker.event(
            1, WebhookEvent(id="EV_1", event="room_started", room=EngineRoom(sid="RM_1", name=room.media_name))
        )
        await worker.next(Kind.ACK)
        assert await EngineEvent.objects.filter(pk="EV_1").aexists()
        assert engine.links().links[0].counters["events_retried"] == 2
