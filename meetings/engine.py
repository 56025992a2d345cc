"""The web process's part in the media engine: links, events, reconciliation, outbox. Started once by `run_web`.

Everything here lives on the web process's event loop; the database is asked in a small thread pool, so that neither a
slow query nor a write lock ever holds up signalling.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone
from livekit.protocol.models import Room as EngineRoom
from livekit.protocol.room import (
    ListParticipantsRequest,
    ListParticipantsResponse,
    ListRoomsRequest,
    ListRoomsResponse,
)
from livekit.protocol.webhook import WebhookEvent

from meetings import engine_events, outbox, reconcile
from meetings.engine_errors import EngineError, Unavailable
from meetings.reconcile import LiveRoom, Snapshot
from meetings.relay_link import LinkState, RelayLink, RelayLinks

logger = logging.getLogger(__name__)

RECONCILE_SECONDS = 60.0
# Events that a worker kept while we were away come first; beyond that, the database is what is slow.
SETTLE_SECONDS = 20.0
# One for each worker's events on a large machine, and some for reconciliation and outbox.
THREADS = 6

T = TypeVar("T")

# Of signalling and the API, shown by `status`.
counters: Counter[str] = Counter()
_links: RelayLinks | None = None


def links() -> RelayLinks:
    """The links of this process. Raises `Unavailable` where there are none: a cluster runs, or this is not web."""
    if _links is None:
        raise Unavailable("this process has no embedded relay")
    return _links


def status() -> dict[str, Any]:
    """What web knows of its links, for health checks and `manage.py status`."""
    return {
        "links": [
            {
                "slot": link.slot,
                "state": link.state.value,
                "is_draining": link.is_draining,
                "counters": dict(link.counters),
            }
            for link in (_links.links if _links is not None else [])
        ],
        "counters": dict(counters),
    }


async def run() -> None:
    """Runs everything until cancelled. Only in web, and only once."""
    global _links
    outbox.bind(asyncio.get_running_loop())
    with_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="engine")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(outbox.run(with_threads), name="outbox")
            if settings.EMBEDDED_RELAY:
                work = _Relay(with_threads)
                _links = work.links
                group.create_task(work.run(), name="relay-links")
            else:
                group.create_task(_reconcile_cluster(with_threads), name="reconcile")
    finally:
        _links = None
        outbox.bind(None)
        with_threads.shutdown(wait=False, cancel_futures=True)


class _Relay:
    """The embedded relay's links, with what their events and returns set off."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads
        self._is_due = asyncio.Event()
        self._noting: set[asyncio.Task[None]] = set()
        self.links = RelayLinks(
            settings.RELAY_WORKERS,
            Path(settings.RUN_DIR),
            on_event=self._on_event,
            on_up=lambda link: self._is_due.set(),
            on_down=self._on_down,
        )

    async def run(self) -> None:
        self.links.start()
        try:
            while True:
                try:
                    async with asyncio.timeout(RECONCILE_SECONDS):
                        await self._is_due.wait()
                except TimeoutError:
                    pass
                self._is_due.clear()
                await _logged("reconciliation", self._reconcile())
        finally:
            await self.links.stop()

    def _on_down(self, link: RelayLink) -> None:
        at = timezone.now()
        homes = self.links

        def work() -> None:
            reconcile.note_last_contact(at, lambda room_name: homes.home_of(room_name) is link)

        task = asyncio.create_task(_logged("last contact", _in_thread(self._threads, work)))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _on_event(self, event: WebhookEvent) -> None:
        """Returns once the event is committed, or set aside. Raises `Unavailable` while the database is."""
        try:
            await _in_thread(self._threads, lambda: engine_events.receive_or_set_aside(event))
        except engine_events.DATABASE_AWAY as error:
            raise Unavailable(f"database: {error}") from error

    async def _reconcile(self) -> None:
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await asyncio.gather(*(link.events_settled() for link in self.links.links))
        except TimeoutError:
            return  # the rows cannot be right before the events are in
        await asyncio.gather(*self._noting)
        snapshot = await snapshot_of_relay(self.links)
        await _in_thread(self._threads, lambda: reconcile.reconcile_rooms(snapshot))


async def snapshot_of_relay(relay_links: RelayLinks) -> Snapshot:
    """What all reachable workers have. A room whose worker is away counts as unknown, not as ended."""
    taken_at = timezone.now()
    parts = await asyncio.gather(*(_rooms_of(link) for link in relay_links.links))
    reached = {link.slot for link, part in zip(relay_links.links, parts, strict=True) if part is not None}
    rooms = [room for part in parts if part is not None for room in part]
    is_everybody_there = len(reached) == len(relay_links.links)
    return Snapshot(taken_at, rooms, lambda name: is_everybody_there or relay_links.home_of(name).slot in reached)


async def _rooms_of(link: RelayLink) -> list[LiveRoom] | None:
    if link.state is not LinkState.UP:
        return None
    try:
        answer = await link.call("RoomService.ListRooms", ListRoomsRequest().SerializeToString())
        return [await _live_room(link, room) for room in ListRoomsResponse.FromString(answer).rooms]
    except (Unavailable, EngineError) as error:
        logger.warning("relay worker does not list its rooms", extra={"slot": link.slot, "error": str(error)})
        return None


async def _live_room(link: RelayLink, room: EngineRoom) -> LiveRoom:
    request = ListParticipantsRequest(room=room.name)
    try:
        answer = await link.call("RoomService.ListParticipants", request.SerializeToString())
    except EngineError as error:
        if error.code != "not_found":
            raise
        return LiveRoom(room, [])  # it ended just now
    return LiveRoom(room, list(ListParticipantsResponse.FromString(answer).participants))


async def _reconcile_cluster(threads: ThreadPoolExecutor) -> None:
    def work() -> None:
        reconcile.reconcile_rooms(reconcile.snapshot_of_cluster(timezone.now()))

    while True:
        await _logged("reconciliation", _in_thread(threads, work))
        await asyncio.sleep(RECONCILE_SECONDS)


async def _logged(what: str, work: Any) -> None:
    """An outer edge: the next round must come whatever happened in this one."""
    try:
        await work
    except (DatabaseError, Unavailable, EngineError) as error:
        logger.warning("background work failed", extra={"what": what, "error": str(error)})
    except Exception:
        logger.exception("background work failed", extra={"what": what})


async def _in_thread(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, _with_connection, work)


def _with_connection(work: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()
