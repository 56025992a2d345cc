"""A token opens no call by itself: whoever the portal does not admit is not in it, whatever the engine lets in.

The embedded relay refuses at the door (tests/test_rights.py); LiveKit's server believes a token until it expires,
and the portal puts the person out as soon as the engine reports them.
"""

import contextlib

import pytest
from livekit import rtc

from meetings.probe import Probe, ProbeOptions
from tests.calls import leave_all, wait_until
from tests.people import Person
from tests.portal import Portal

pytestmark = pytest.mark.calls

SILENT = ProbeOptions(audio=False, video=False)


async def test_a_removed_person_who_comes_with_an_old_token_is_not_in_the_call(
    portal: Portal, alice: Person, bob: Person
) -> None:
    slug = await alice.create_room()
    await alice.enter(slug)
    await bob.enter(slug)
    await alice.moderate(slug, bob, "admit")
    alices, bobs = await alice.entrance(slug), await bob.entrance(slug)
    host, guest, again = Probe(1), Probe(2), Probe(2, SILENT)
    try:
        await host.join(alices.url, alices.token)
        await guest.join(bobs.url, bobs.token)
        await alice.moderate(slug, bob, "remove")
        await wait_until(lambda: "disconnected" in guest.event_names(), guest.event_names)
        for _ in range(2):  # whoever tries again is put out again
            with contextlib.suppress(rtc.ConnectError):
                await again.join(bobs.url, bobs.token)
            await wait_until(lambda: _is_out(again, host), lambda: (again.event_names(), host.event_names()))
    finally:
        await leave_all([host, guest, again])


def _is_out(probe: Probe, host: Probe) -> bool:
    return not probe.room.isconnected() and not host.room.remote_participants
