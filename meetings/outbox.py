"""Telling the people of a room that something changed, from whatever process it was changed in.

Only web may send to channel groups while the channel layer lives in its memory. There a message goes out when the
change is committed; any other process writes an `Outbox` row in the same transaction, and web's `run` reads them.
With Redis every process sends by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import DatabaseError, close_old_connections, transaction

from meetings.models import Outbox, Room

logger = logging.getLogger(__name__)

READ_SECONDS = 0.5
BATCH = 200

_web_loop: asyncio.AbstractEventLoop | None = None


def group_of(room: Room) -> str:
    """The channel group of everybody who has `/ws/rooms/<slug>` open."""
    return f"room.{room.media_name}"


def notify_room(room: Room) -> None:
    """Tell the room's pages to look again (handler `room_changed` of the consumer). Call it with the change."""
    send(group_of(room), {"type": "room.changed"})


def send(group: str, message: Mapping[str, Any]) -> None:
    """Send to a channel group once the surrounding transaction is committed; not at all if it is rolled back."""
    if _web_loop is not None:
        loop = _web_loop
        transaction.on_commit(lambda: _send_from_thread(loop, group, message))
    elif isinstance(get_channel_layer(), InMemoryChannelLayer):
        Outbox.objects.create(group=group, message=dict(message))
    else:
        transaction.on_commit(lambda: async_to_sync(_group_send)(group, message))


def bind(loop: asyncio.AbstractEventLoop | None) -> None:
    """Says that this process is web, and where its consumers live. None takes it back (tests)."""
    global _web_loop
    _web_loop = loop


async def run(executor: Executor) -> None:
    """Sends what other processes wrote, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(READ_SECONDS)
        try:
            await dispatch(executor)
        except DatabaseError:
            logger.warning("outbox: the database does not answer", exc_info=True)
            await loop.run_in_executor(executor, close_old_connections)


async def dispatch(executor: Executor) -> int:
    """Sends what waits, in the order of writing, and deletes it then: at least once. How many that were."""
    loop = asyncio.get_running_loop()
    rows = await loop.run_in_executor(executor, _waiting)
    for row in rows:
        await _group_send(row.group, row.message)
    if rows:
        await loop.run_in_executor(executor, _delete, [row.pk for row in rows])
    return len(rows)


def _waiting() -> list[Outbox]:
    try:
        return list(Outbox.objects.all()[:BATCH])
    finally:
        close_old_connections()


def _delete(keys: list[int]) -> None:
    # By key: a row with a lower number may be committed later.
    try:
        Outbox.objects.filter(pk__in=keys).delete()
    finally:
        close_old_connections()


def _send_from_thread(loop: asyncio.AbstractEventLoop, group: str, message: Mapping[str, Any]) -> None:
    # The in-memory layer belongs to its loop: nothing may be put into it from another thread.
    asyncio.run_coroutine_threadsafe(_group_send(group, message), loop)


async def _group_send(group: str, message: Mapping[str, Any]) -> None:
    layer = get_channel_layer()
    assert layer is not None
    try:
        await layer.group_send(group, dict(message))
    except _connection_errors():  # pages look again by themselves when their websocket reconnects
        logger.warning("a notice to a room was lost", exc_info=True)


def _connection_errors() -> tuple[type[Exception], ...]:
    """What a channel layer that is away raises. Redis is imported only where it is used: 0.2 s of web's start."""
    if isinstance(get_channel_layer(), InMemoryChannelLayer):
        return (OSError,)
    from redis.exceptions import RedisError

    return (OSError, RedisError)
