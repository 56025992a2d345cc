"""Orders of the portal to the media engine, embedded relay or LiveKit cluster alike: the stock `livekit-api` client.

A synchronous façade for services, which call it in `transaction.on_commit`. One background event loop and one client
per process; every order takes at most 5 s and raises `Unavailable` if the engine did not answer by then. All orders
may be repeated. The engine's word that somebody or something is not there is no error: that was the wish, or is over.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import threading
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

import aiohttp
from django.conf import settings
from livekit import api
from livekit.protocol.models import DataPacket, ParticipantInfo, Room

from meetings.engine_errors import EngineError, Unavailable
from meetings.models import Participant
from meetings.permissions import permission_of, tracks_from
from meetings.tokens import grants_of

__all__ = [
    "EngineError",
    "Unavailable",
    "delete_room",
    "list_participants",
    "list_rooms",
    "mute",
    "mute_all",
    "remove_participant",
    "send_data",
    "update_participant",
    "update_permissions",
    "update_room_metadata",
]

ORDER_SECONDS = 5.0
CLOSE_SECONDS = 5.0
# Codes that mean "nobody did it" rather than "no".
_UNAVAILABLE_CODES = frozenset({"unavailable", "deadline_exceeded"})

T = TypeVar("T")


def remove_participant(room_name: str, identity: str) -> bool:
    """Send somebody out of the call. False if they were not in it."""
    request = api.RoomParticipantIdentity(room=room_name, identity=identity)
    return _done(lambda client: client.room.remove_participant(request))


def mute(room_name: str, identity: str, *sources: str) -> bool:
    """Mute what they send from `microphone`, `camera`, `screen_share` or `screen_share_audio`. False if nothing is."""
    try:
        return _run(lambda client: _mute(client, room_name, identity, sources))
    except EngineError as error:
        return _absent(error)


def mute_all(room_name: str, identities: Collection[str], source: str) -> int:
    """As `mute`, for each of `identities` that is in the call, in one order. How many sent something."""
    try:
        return _run(lambda client: _mute_all(client, room_name, identities, source))
    except EngineError as error:
        return int(_absent(error))


def update_participant(
    room_name: str,
    identity: str,
    *,
    name: str | None = None,
    metadata: str | None = None,
    grants: Mapping[str, Any] | None = None,
) -> bool:
    """Change name, metadata or rights (a video grant, see `tokens.grants_of`) during the call. False if not in it."""
    request = api.UpdateParticipantRequest(
        room=room_name,
        identity=identity,
        name=name,
        metadata=metadata,
        permission=None if grants is None else permission_of(grants),
    )
    return _done(lambda client: client.room.update_participant(request))


def update_permissions(participant: Participant) -> bool:
    """Give the engine the rights of the row as it is now (its role, what it may send). False if not in the call."""
    room_name = participant.room.media_name
    return update_participant(room_name, participant.identity, grants=grants_of(participant, room_name))


def delete_room(room_name: str) -> bool:
    """End the call for everybody. False if there was none."""
    request = api.DeleteRoomRequest(room=room_name)
    return _done(lambda client: client.room.delete_room(request))


def update_room_metadata(room_name: str, metadata: str) -> bool:
    request = api.UpdateRoomMetadataRequest(room=room_name, metadata=metadata)
    return _done(lambda client: client.room.update_room_metadata(request))


def send_data(
    room_name: str, payload: bytes, *, topic: str, identities: Iterable[str] = (), is_reliable: bool = True
) -> bool:
    """A data packet from the portal to everybody, or to `identities`. False if there is no call."""
    request = api.SendDataRequest(
        room=room_name,
        data=payload,
        topic=topic,
        kind=DataPacket.Kind.RELIABLE if is_reliable else DataPacket.Kind.LOSSY,
        destination_identities=list(identities),
        nonce=os.urandom(16),
    )
    return _done(lambda client: client.room.send_data(request))


def list_rooms(names: Iterable[str] = ()) -> list[Room]:
    """The calls that are going on, all or those of `names`."""
    request = api.ListRoomsRequest(names=list(names))
    return list(_run(lambda client: client.room.list_rooms(request)).rooms)


def list_participants(room_name: str) -> list[ParticipantInfo]:
    """Who is in the call now; nobody if there is none."""
    request = api.ListParticipantsRequest(room=room_name)
    try:
        return list(_run(lambda client: client.room.list_participants(request)).participants)
    except EngineError as error:
        _absent(error)
        return []


async def _mute(client: api.LiveKitAPI, room_name: str, identity: str, sources: Iterable[str]) -> bool:
    participant = await client.room.get_participant(api.RoomParticipantIdentity(room=room_name, identity=identity))
    sounding = [
        api.MuteRoomTrackRequest(room=room_name, identity=identity, track_sid=track.sid, muted=True)
        for source in sources
        for track in tracks_from(participant, source)
        if not track.muted
    ]
    await _mute_tracks(client, sounding)
    return bool(sounding)


async def _mute_all(client: api.LiveKitAPI, room_name: str, identities: Collection[str], source: str) -> int:
    present = (await client.room.list_participants(api.ListParticipantsRequest(room=room_name))).participants
    sounding = [
        api.MuteRoomTrackRequest(room=room_name, identity=participant.identity, track_sid=track.sid, muted=True)
        for participant in present
        if participant.identity in identities
        for track in tracks_from(participant, source)
        if not track.muted
    ]
    await _mute_tracks(client, sounding)
    return len({request.identity for request in sounding})


async def _mute_tracks(client: api.LiveKitAPI, requests: Collection[api.MuteRoomTrackRequest]) -> None:
    results = await asyncio.gather(*map(client.room.mute_published_track, requests), return_exceptions=True)
    for failure in results:
        # What has ended meanwhile is silent; one that the engine refuses to mute keeps no other from being muted.
        if isinstance(failure, BaseException) and getattr(failure, "code", "") != "not_found":
            raise failure


def _done(order: Callable[[api.LiveKitAPI], Awaitable[Any]]) -> bool:
    try:
        _run(order)
    except EngineError as error:
        return _absent(error)
    return True


def _absent(error: EngineError) -> bool:
    """False for "not there"; any other refusal is raised on."""
    if error.code != "not_found":
        raise error
    return False


def _run(order: Callable[[api.LiveKitAPI], Awaitable[T]]) -> T:
    """The answer to one order. Raises `Unavailable` or `EngineError`."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise RuntimeError("media orders block: call them from a thread, not from the event loop")
    return _client_of_process().run(order)


class _Client:
    """The process's one client and the thread whose loop it lives on."""

    def __init__(self, key: tuple[Any, ...]) -> None:
        self.key = key
        self._loop = asyncio.new_event_loop()
        self._api: api.LiveKitAPI | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="media", daemon=True)
        self._thread.start()

    def run(self, order: Callable[[api.LiveKitAPI], Awaitable[T]]) -> T:
        future = asyncio.run_coroutine_threadsafe(self._order(order), self._loop)
        try:
            # The loop's own limit comes first; this one is for a loop that hangs.
            return future.result(ORDER_SECONDS + 1)
        except concurrent.futures.TimeoutError as error:
            future.cancel()
            raise Unavailable("the media engine did not answer") from error

    async def _order(self, order: Callable[[api.LiveKitAPI], Awaitable[T]]) -> T:
        if self._api is None:
            _, url, key, secret = self.key
            self._api = api.LiveKitAPI(
                url, key, secret, timeout=aiohttp.ClientTimeout(total=ORDER_SECONDS), failover=False
            )
        try:
            async with asyncio.timeout(ORDER_SECONDS):
                return await order(self._api)
        except api.ServerError as error:
            if error.code in _UNAVAILABLE_CODES or error.status in (502, 503, 504):
                raise Unavailable(f"the media engine is not available: {error.message}") from error
            raise EngineError(error.code, error.message) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"the media engine does not answer: {type(error).__name__}") from error

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(CLOSE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        if self._api is not None:
            await self._api.aclose()


_lock = threading.Lock()
_client: _Client | None = None


def _client_of_process() -> _Client:
    global _client
    # A forked child has no such thread; other settings (tests) are another engine.
    key = (os.getpid(), settings.LIVEKIT_URL, settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET)
    with _lock:
        if _client is None or _client.key != key:
            if _client is not None and _client.key[0] == os.getpid():
                _client.close()
            _client = _Client(key)
        return _client


def close() -> None:
    """End the background thread (tests, and a process that ends in good order)."""
    global _client
    with _lock:
        if _client is not None and _client.key[0] == os.getpid():
            _client.close()
        _client = None


# Every process that has given an order: its connections are closed in good order, whatever ends it but a kill.
atexit.register(close)
