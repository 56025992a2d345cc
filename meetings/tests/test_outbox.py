"""Notices to a room's pages: sent after the commit, from web at once, from other processes by way of a row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db import connection, transaction

from meetings import outbox
from meetings.models import Outbox, Room
from meetings.tests.rows import make_room

pytestmark = pytest.mark.django_db(transaction=True)

NOTICE = {"type": "room.changed"}


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest_asyncio.fixture
async def room() -> Room:
    return await sync_to_async(make_room)()


@pytest_asyncio.fixture
async def page(room: Room) -> AsyncIterator[str]:
    """The channel of a page that has the room's websocket open."""
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(outbox.group_of(room), channel)
    yield channel
    await layer.group_discard(outbox.group_of(room), channel)


async def told(page: str) -> Any:
    layer: Any = get_channel_layer()
    async with asyncio.timeout(10):
        return await layer.receive(page)


def is_untold(page: str) -> bool:
    layer: Any = get_channel_layer()
    return page not in layer.channels or layer.channels[page].empty()


async def test_another_processs_notice_is_written_with_the_change_and_sent_by_web(
    room: Room, page: str, pool: ThreadPoolExecutor
) -> None:
    await sync_to_async(outbox.notify_room)(room)
    assert is_untold(page)
    assert await outbox.dispatch(pool) == 1
    assert await told(page) == NOTICE
    assert await outbox.dispatch(pool) == 0
    assert not await Outbox.objects.aexists()


async def test_a_notice_of_a_change_that_was_rolled_back_is_never_sent(room: Room, pool: ThreadPoolExecutor) -> None:
    def change() -> None:
        with transaction.atomic():
            outbox.notify_room(room)
            transaction.set_rollback(True)

    await sync_to_async(change)()
    assert await outbox.dispatch(pool) == 0


async def test_webs_own_notice_goes_out_at_its_commit_and_not_before(room: Room, page: str) -> None:
    outbox.bind(asyncio.get_running_loop())
    before_commit: list[bool] = []

    def change() -> None:
        with transaction.atomic():
            outbox.notify_room(room)
            before_commit.append(is_untold(page))
        connection.close()

    try:
        await asyncio.to_thread(change)
        assert await told(page) == NOTICE
    finally:
        outbox.bind(None)
    assert before_commit == [True]
    assert not await Outbox.objects.aexists()


async def test_web_sends_nothing_of_a_change_that_was_rolled_back(room: Room, page: str) -> None:
    outbox.bind(asyncio.get_running_loop())

    def change(*, is_rolled_back: bool) -> None:
        with transaction.atomic():
            outbox.send(outbox.group_of(room), {"type": "room.changed", "rolled_back": is_rolled_back})
            transaction.set_rollback(is_rolled_back)
        connection.close()

    try:
        await asyncio.to_thread(lambda: change(is_rolled_back=True))
        await asyncio.to_thread(lambda: change(is_rolled_back=False))
        assert (await told(page))["rolled_back"] is False
    finally:
        outbox.bind(None)


async def test_the_running_task_takes_what_comes_in_the_order_of_writing(
    room: Room, page: str, pool: ThreadPoolExecutor
) -> None:
    task = asyncio.create_task(outbox.run(pool))
    try:
        for number in range(5):
            await sync_to_async(outbox.send)(outbox.group_of(room), {"type": "room.changed", "number": number})
        assert [(await told(page))["number"] for _ in range(5)] == [0, 1, 2, 3, 4]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
