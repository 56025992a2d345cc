"""An agent leaves the administration in the middle of a call: out of it within five seconds, and no way back."""

from __future__ import annotations

import asyncio
import time

import pytest
from livekit import rtc

from meetings.probe import Probe
from tests.calls import assert_all_meet, leave_all, wait_until
from tests.people import ALICE, Person
from tests.portal import Portal

pytestmark = pytest.mark.calls

OUT_WITHIN_SECONDS = 5
_LEAVER = "leaver@example.org"
_SUSPEND = (
    "import time; from accounts.models import User; from accounts.services.leavers import suspend; "
    f"person = User.objects.get(email={_LEAVER!r}); heir = User.objects.get(email={ALICE!r}); "
    "began = time.time(); suspend(person, acting_user=None, heir=heir); print('at', began)"
)


async def test_a_suspended_person_is_out_of_a_live_call_and_the_portal_and_their_room_goes_on(
    portal: Portal, alice: Person
) -> None:
    async with Person(portal, "Luc Partant") as leaver:
        await leaver.accept(await asyncio.to_thread(portal.manage, "invite", _LEAVER))
        slug = await leaver.create_room()
        await leaver.enter(slug)
        if await alice.enter(slug) == "waiting":
            await leaver.moderate(slug, alice, "admit")
        theirs, hers = await leaver.entrance(slug), await alice.entrance(slug)
        going, staying = Probe(1), Probe(2)
        try:
            await going.join(theirs.url, theirs.token)
            await staying.join(hers.url, hers.token)
            await assert_all_meet([going, staying])
            printed = await asyncio.to_thread(portal.manage, "shell", "--no-imports", "-c", _SUSPEND)
            suspended_at = float(printed.rpartition("at ")[2])
            await wait_until(lambda: "disconnected" in going.event_names(), going.event_names)
            await wait_until(
                lambda: not staying.room.remote_participants, lambda: list(staying.room.remote_participants)
            )
            assert time.time() - suspended_at < OUT_WITHIN_SECONDS
            with pytest.raises(rtc.ConnectError):
                await Probe(3).join(theirs.url, theirs.token)
            assert (await leaver.call(slug, "token")).status_code == 403
            assert (await leaver.http.get("/rooms/")).status_code == 302
            assert slug in (await alice.http.get("/rooms/")).text  # hers now
            await alice.call(slug, "lock", {"locked": True})
            assert staying.room.isconnected()
        finally:
            await leave_all([going, staying])
