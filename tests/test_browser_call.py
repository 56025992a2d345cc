"""Calls in real browsers, through the real page, as people hold them."""

from pathlib import Path

import pytest

from meetings.probe import Probe
from tests.calls import leave_all, wait_until
from tests.people import Person
from tests.portal import Portal
from tests.screen_acts import cut_the_websocket, guest_is_admitted, host_opens_a_room, mute_and_unmute
from tests.screens import assert_meets, assert_screens_meet, chromium

pytestmark = [pytest.mark.browser, pytest.mark.calls]


async def test_a_guest_waits_is_admitted_and_both_see_and_hear_each_other(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as host, chromium(2, portal, media) as guest:
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, "Bob Petit")
        await assert_screens_meet([host, guest])
        await mute_and_unmute(guest, host)
        await cut_the_websocket(guest, [host, guest])
        await guest.press("leave-button")
        await guest.shows("ending-left")
        await wait_until(
            lambda: host.evaluate("document.querySelectorAll('[data-testid=tile]').length === 1"),
            lambda: "the guest's tile stays",
        )


async def test_a_browser_and_the_python_sdk_see_and_hear_each_other(portal: Portal, media: Path, bob: Person) -> None:
    probe = Probe(3)
    async with chromium(1, portal, media) as host:
        slug = await host_opens_a_room(host)
        assert await bob.enter(slug) == "waiting"
        await host.press("notice-admit")
        await wait_until(lambda: _is_admitted(bob, slug), lambda: "the host's click admitted nobody")
        entrance = await bob.entrance(slug)
        try:
            await probe.join(entrance.url, entrance.token)
            await assert_meets(host, {bob.identity: 3})
            own = await host.identity()
            probe.forget()
            await wait_until(lambda: probe.sees() == {own: {1}} == probe.hears(), lambda: (probe.sees(), probe.hears()))
        finally:
            await leave_all([probe])


async def _is_admitted(person: Person, slug: str) -> bool:
    return bool((await person.state(slug))["me"]["state"] == "admitted")
