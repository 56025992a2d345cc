"""The embedded engine as other code sees it: the API on a real socket, a fake worker behind it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from livekit.protocol.models import ParticipantInfo, Room, TrackInfo, TrackSource
from livekit.protocol.room import ListParticipantsResponse, ListRoomsResponse, RemoveParticipantResponse

from meetings import media
from meetings.livekit_api import METHODS, EngineApi
from meetings.relay_link import RelayLinks
from meetings.tests.asgi_server import serving
from meetings.tests.fake_worker import FakeWorker, no_events, running, until_up


@contextlib.asynccontextmanager
async def engine_api(run_dir: Path, slots: int = 1) -> AsyncIterator[tuple[EngineApi, list[FakeWorker]]]:
    async with contextlib.AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(FakeWorker(run_dir / f"relay-{slot}.sock", slot=slot))
            for slot in range(slots)
        ]
        links = await stack.enter_async_context(running(RelayLinks(slots, run_dir, on_event=no_events)))
        for slot in range(slots):
            await until_up(links, slot)
        yield EngineApi(links), workers


def a_room_with_one_microphone(worker: FakeWorker) -> dict[str, bytes]:
    """The worker's answers, and what it was asked for by method."""
    asked: dict[str, bytes] = {}
    present = ParticipantInfo(
        sid="PA_1",
        identity="one",
        tracks=[
            TrackInfo(sid="TR_mic", source=TrackSource.MICROPHONE),
            TrackInfo(sid="TR_cam", source=TrackSource.CAMERA, muted=True),
        ],
    )
    answers = {
        "CreateRoom": Room(name="hall", sid="RM_1"),
        "ListRooms": ListRoomsResponse(rooms=[Room(name="hall", sid="RM_1")]),
        "ListParticipants": ListParticipantsResponse(participants=[present]),
        "GetParticipant": present,
        "RemoveParticipant": RemoveParticipantResponse(),
        "UpdateParticipant": present,
    }
    for name in METHODS:
        reply = answers[name].SerializeToString() if name in answers else b""

        def answer(body: bytes, name: str = name, reply: bytes = reply) -> bytes:
            asked[name] = body
            return reply

        worker.answers[f"RoomService.{name}"] = answer
    return asked


@contextlib.asynccontextmanager
async def facade(run_dir: Path, settings: Any) -> AsyncIterator[tuple[FakeWorker, dict[str, bytes]]]:
    async with engine_api(run_dir) as (application, (worker,)), serving(application) as url:
        settings.LIVEKIT_URL = url.replace("http", "ws")
        try:
            yield worker, a_room_with_one_microphone(worker)
        finally:
            await asyncio.to_thread(media.close)
