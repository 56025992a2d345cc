"""Processes die; calls go on, or come back by themselves."""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from meetings.probe import ProbeOptions
from tests.calls import assert_all_meet, in_room, wait_until
from tests.portal import Portal, descendants
from tests.signalling_client import signalling

pytestmark = pytest.mark.calls

LOCKED_SECONDS = 10
SLOWEST_PONG_SECONDS = 2.0  # far under the lock, far over what two busy cores do to one message


@pytest.fixture
def kill_portal(own_portal: Callable[..., Portal]) -> Portal:
    return own_portal(workers=2)


async def test_media_goes_on_while_web_is_killed_and_participants_resume(kill_portal: Portal) -> None:
    async with in_room(kill_portal, "web-dies", 2) as everyone:
        await assert_all_meet(everyone)
        await wait_until(lambda: "web-spare" in kill_portal.spares(), kill_portal.log)
        sids = [probe.room.local_participant.sid for probe in everyone]
        before = [await probe.losses() for probe in everyone]
        kill_portal.kill("web")
        await wait_until(
            lambda: all("reconnected" in probe.event_names() for probe in everyone),
            lambda: [probe.event_names() for probe in everyone],
        )
        after = [await probe.losses() for probe in everyone]
        for probe, sid, early, late in zip(everyone, sids, before, after, strict=True):
            assert probe.room.local_participant.sid == sid, "a resume keeps the participant"
            assert "track_unsubscribed" not in probe.event_names()
            assert late.packets_lost == early.packets_lost
            assert late.packets_received > early.packets_received
        await assert_all_meet(everyone)


async def test_calls_of_a_killed_worker_come_back_and_the_other_room_loses_nothing(kill_portal: Portal) -> None:
    async with AsyncExitStack() as stack:
        hit = await stack.enter_async_context(in_room(kill_portal, kill_portal.room_on(0), 3))
        spared = await stack.enter_async_context(in_room(kill_portal, kill_portal.room_on(1), 2))
        await assert_all_meet(hit)
        await assert_all_meet(spared)
        before = [await probe.losses() for probe in spared]
        pid = kill_portal.kill("relay-0")
        await wait_until(
            lambda: all("reconnected" in probe.event_names() for probe in hit),
            lambda: [probe.event_names() for probe in hit],
        )
        await assert_all_meet(hit)
        after = [await probe.losses() for probe in spared]
        assert [late.packets_lost for late in after] == [early.packets_lost for early in before]
        assert all("reconnecting" not in probe.event_names() for probe in spared)
        await assert_all_meet(spared)
        assert kill_portal.children()["relay-0"] != pid


async def test_a_locked_database_delays_no_ping(portal: Portal) -> None:
    """A participant whose pings were not answered would resume; the writers behind the lock are held for 10 s."""
    quiet = ProbeOptions(video=False)
    async with in_room(portal, "locked", 2, quiet) as everyone:
        await assert_all_meet(everyone, pictures=False)
        slowest = asyncio.create_task(_slowest_pong(portal))
        with closing(sqlite3.connect(portal.data_dir / "portal.sqlite3", isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                assert await slowest < SLOWEST_PONG_SECONDS
            finally:
                database.execute("ROLLBACK")
        assert all("reconnecting" not in probe.event_names() for probe in everyone)
        await assert_all_meet(everyone, pictures=False)


async def test_processes_that_hang_are_killed_and_replaced_while_the_others_go_on(kill_portal: Portal) -> None:
    await wait_until(lambda: "Ready in" in kill_portal.log(), kill_portal.log)
    before = kill_portal.children()
    hung = ("web", "worker", "relay-0")
    for name in hung:
        os.kill(before[name], signal.SIGSTOP)
    await wait_until(
        lambda: all(kill_portal.children().get(name, before[name]) != before[name] for name in hung),
        lambda: (before, kill_portal.children(), kill_portal.log()),
    )
    assert kill_portal.children()["relay-1"] == before["relay-1"]
    room = kill_portal.room_on(0)
    async with in_room(kill_portal, room, 2) as everyone:
        await assert_all_meet(everyone)


async def test_nothing_is_left_running_after_the_supervisor_is_killed(kill_portal: Portal) -> None:
    await wait_until(lambda: len(kill_portal.spares()) == 2, kill_portal.log)
    assert {"web", "worker", "relay-0", "relay-1"} <= set(kill_portal.children())
    assert kill_portal.process is not None
    children = descendants(kill_portal.process.pid)
    assert len(children) == 6
    kill_portal.process.kill()
    kill_portal.process.wait()
    await wait_until(lambda: not _alive(children), lambda: _alive(children))
    kill_portal.process = None


async def _slowest_pong(portal: Portal) -> float:
    until = time.monotonic() + LOCKED_SECONDS
    slowest = 0.0
    async with signalling(portal.engine_url, portal.token("locked", "pinger")) as client:
        while time.monotonic() < until:
            slowest = max(slowest, await client.ping())
            await asyncio.sleep(0.1)
    return slowest


def _alive(pids: Iterable[int]) -> list[int]:
    """A process that nobody has reaped yet has ended all the same."""
    return [pid for pid in pids if _state(pid) not in ("", "Z")]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
