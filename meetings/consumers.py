"""`/ws/rooms/<slug>`: tells each browser in a room (lobby or call) what it may know, at once and at each change.

One way only: whoever wants something done asks the HTTP API, which checks, limits and logs. On every change the
session and the row are read again, so that a sign-out, a removal or a demotion ends what the socket tells.
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib import auth
from django.db import DatabaseError, close_old_connections

from meetings import outbox
from meetings.access import Visitor, access_own, visitor
from meetings.models import Participant
from meetings.models.participant import State
from meetings.origin import is_same_origin
from meetings.presentation import room_state
from meetings.refusals import NotFound
from meetings.services import lobby

# A hundred people are told of a change in a few hundred milliseconds, and pages keep their own threads.
_THREADS = 4
# Changes that follow one another closely (a class that comes in) are told together.
_MIN_INTERVAL_SECONDS = 0.2
# A message that the channel layer dropped, or a session that expired by itself, is noticed by then.
_RECHECK_SECONDS = 60

CLOSE_POLICY = 1008
CLOSE_INTERNAL_ERROR = 1011
CLOSE_TRY_LATER = 1013

_pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="ws-rooms")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """What a row means for its socket: a state to show, or the reason to end with ("" = end without a word)."""

    state: dict[str, Any] | None
    bye: str = ""
    group: str = ""


class RoomConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels ships no types
    async def connect(self) -> None:
        self._changed = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._group = ""
        self._sent = ""
        headers = {name: value.decode("latin-1") for name, value in self.scope["headers"]}
        if not is_same_origin(headers.get(b"origin", ""), headers.get(b"host", "")):
            await self.close()
            return
        view = await self._read()
        if view.state is None and not view.bye:
            await self.close()  # before accept(): the browser hears 403
            return
        await self.accept()
        self._group = view.group
        await self.channel_layer.group_add(self._group, self.channel_name)
        # Read again from here on: what changed between reading and joining the group was told to nobody.
        self._changed.set()
        self._pump = asyncio.create_task(self._tell_changes())

    async def disconnect(self, code: int) -> None:
        if self._pump is not None:
            self._pump.cancel()
        if self._group:
            await self.channel_layer.group_discard(self._group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.close(CLOSE_POLICY)

    async def room_changed(self, event: dict[str, Any]) -> None:
        """From `outbox.notify_room`."""
        self._changed.set()

    async def _tell_changes(self) -> None:
        try:
            while await self._tell():
                await asyncio.sleep(_MIN_INTERVAL_SECONDS)
                await self._wait_for_change()
        except DatabaseError:
            # The page comes back by itself and is told anew.
            log.exception("room_state_unreadable")
            await self.close(CLOSE_TRY_LATER)
        except Exception:  # this task's outer edge: a socket that stays open and says nothing would be believed
            log.exception("room_socket_failed")
            await self.close(CLOSE_INTERNAL_ERROR)

    async def _wait_for_change(self) -> None:
        try:
            async with asyncio.timeout(_RECHECK_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            pass  # look again anyway

    async def _tell(self) -> bool:
        """Sends what is new; False once the socket is over."""
        self._changed.clear()
        view = await self._read()
        if view.state is None:
            if view.bye:
                await self.send(json.dumps({"type": "bye", "reason": view.bye}))
            await self.close()
            return False
        message = json.dumps({"type": "state", "state": view.state})
        if message != self._sent:
            self._sent = message
            await self.send(message)
        return True

    async def _read(self) -> View:
        session_key = self.scope["session"].session_key
        slug = self.scope["url_route"]["kwargs"]["slug"]
        own_id = getattr(self, "_own_id", None)
        view, self._own_id = await asyncio.get_running_loop().run_in_executor(
            _pool, _with_connection, session_key, slug, own_id
        )
        return view


def _with_connection(session_key: str | None, slug: str, own_id: Any) -> tuple[View, Any]:
    close_old_connections()
    try:
        own = _own_row(session_key, slug, own_id)
        if own is not None:
            lobby.keep_waiting(own)
        return (_view(own), own.pk) if own is not None else (View(state=None), own_id)
    finally:
        close_old_connections()


def _own_row(session_key: str | None, slug: str, own_id: Any) -> Participant | None:
    """The socket's row as it is now, or None when its session no longer gives a right to it."""
    if own_id is not None:
        own = Participant.objects.select_related("room", "user").filter(pk=own_id, user=None).first()
        if own is not None:
            # A guest's session key changes when they are let in; what binds them is the secret, shown at the start.
            return own
    try:
        return access_own(_visitor(session_key), slug)
    except NotFound:
        return None


def _visitor(session_key: str | None) -> Visitor:
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = auth.get_user(SimpleNamespace(session=session))  # type: ignore[arg-type]  # it reads nothing but the session
    return visitor(user, session)


def _view(own: Participant) -> View:
    group = outbox.group_of(own.room)
    match State(own.state):
        case State.REMOVED:
            return View(state=None, bye="removed", group=group)
        case State.DENIED:
            return View(state=None, bye="denied", group=group)
        case State.LEFT:
            # Left by themselves (in another tab, perhaps): nothing to say. Else somebody ended the call.
            return View(state=None, bye="ended" if _was_ended(own) else "", group=group)
        case State.ADMITTED if own.is_stale:
            return View(state=None, bye="ended", group=group)  # a page that was left open over night
    return View(state=room_state(own), group=group)


def _was_ended(own: Participant) -> bool:
    # Ending a call writes one time into the room and into every row of it.
    return own.room.is_closed or (own.ended_at is not None and own.ended_at == own.room.call_ended_at)
