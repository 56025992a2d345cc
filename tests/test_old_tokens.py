"""A token opens no call by itself: whoever the portal does not admit is not in it, whatever the engine lets in.

The embedded relay refuses at the door (tests/test_rights.py); LiveKit's server believes a token until it expires,
and the portal puts the person out as soon as the engine reports them.
"""

import asyncio
import contextlib

import pytest
from livekit import rtc

from meetings.probe import Probe, ProbeOptions
from tests.calls import leave_all, wait_until
from tests.people import Entrance, Person

pytestmark = pytest.mark.calls

PUT_OUT_WITHIN_SECONDS = 15


async def test_a_removed_person_who_comes_with_an_old_token_is_not_in_the_call(alice: Person, bob: Person) -> None:
    slug = await alice.create_room()
    await alice.enter(slug)
    await bob.enter(slug)
    await alice.moderate(slug, bob, "admit")
    alices, bobs = await alice.entrance(slug), await bob.entrance(slug)
    host, guest = Probe(1), Probe(2)
    try:
        await host.join(alices.url, alices.token)
        await guest.join(bobs.url, bobs.token)
        await alice.moderate(slug, bob, "remove")
        await wait_until(lambda: "disconnected" in guest.event_names(), guest.event_names)
        for _ in range(2):  # whoever tries again is put out again
            await _is_refused_or_put_out(bobs)
            await wait_until(lambda: not host.room.remote_participants, host.event_names)
    finally:
        await leave_all([host, guest])


async def _is_refused_or_put_out(entrance: Entrance) -> None:
    """The Python SDK waits for ever where it is put out while it connects: then it was put out."""
    again = Probe(2, ProbeOptions(audio=False, video=False))
    with contextlib.suppress(rtc.ConnectError, TimeoutError):
        await asyncio.wait_for(again.join(entrance.url, entrance.token), PUT_OUT_WITHIN_SECONDS)
        await wait_until(lambda: "disconnected" in again.event_names(), again.event_names)
