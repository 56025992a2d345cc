"""Calls between stock Python SDK clients through a real worker process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from livekit import rtc
from livekit.protocol import models
from livekit.protocol import room as room_api

from relay.errors import Refused
from relay.tests.gateway import Gateway, Person, WorkerProcess

pytestmark = pytest.mark.calls


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    worker = WorkerProcess(tmp_path)
    await worker.start()
    gateway = Gateway(worker)
    await gateway.start()
    yield gateway
    await gateway.stop()
    await worker.stop()


@contextlib.asynccontextmanager
async def people(gateway: Gateway, *identities: str) -> AsyncIterator[list[Person]]:
    """People in one room, who leave at the end."""
    present = [Person(gateway, identity) for identity in identities]
    await asyncio.gather(*(person.join() for person in present))
    try:
        yield present
    finally:
        await asyncio.gather(*(person.leave() for person in present))


async def test_two_people_see_and_hear_each_other_and_exchange_data(gateway: Gateway) -> None:
    async with people(gateway, "alice", "bob") as (alice, bob):
        await asyncio.gather(alice.publish_tone(), bob.publish_tone(), alice.publish_colour(60), bob.publish_colour(180))
        await asyncio.gather(alice.sees("bob", 180), bob.sees("alice", 60), alice.hears("bob"), bob.hears("alice"))

        await alice.room.local_participant.publish_data(b"hello", reliable=True, topic="t")
        await bob.room.local_participant.publish_data(b"quick", reliable=False, destination_identities=["alice"])
        await bob.until(lambda: any(packet.data == b"hello" for packet in bob.data), "reliable data")
        await alice.until(lambda: any(packet.data == b"quick" for packet in alice.data), "lossy data")
        sender = bob.data[0].participant
        assert sender is not None
        assert sender.identity == "alice"

        await gateway.wait_for_event("track_published", 4)
        await alice.until(lambda: alice.count("local_track_subscribed") == 2, "local track subscribed")
        await alice.until(lambda: alice.count("active_speakers_changed") > 0, "active speakers")
