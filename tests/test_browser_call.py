"""Calls in real browsers, through the real page, as people hold them."""

from pathlib import Path

import pytest

from meetings.probe import Probe
from tests.calls import leave_all, wait_until
from tests.people import ALICE, PASSWORD, Person
from tests.portal import Portal
from tests.screens import Screen, assert_gone, assert_meets, assert_screens_meet, chromium, firefox

pytestmark = [pytest.mark.browser, pytest.mark.calls]


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the films and sounds of fake devices are, made once."""
    return tmp_path_factory.mktemp("media")


async def host_opens_a_room(host: Screen) -> str:
    await host.sign_in(ALICE, PASSWORD)
    slug = await host.meet_now()
    await host.press("join-button")
    await host.shows("call-stage")
    return slug


async def guest_is_admitted(host: Screen, guest: Screen, slug: str, name: str) -> None:
    await guest.ask_to_enter(slug, name)
    await guest.shows("lobby-waiting")
    await host.press("notice-admit")
    await guest.shows("call-stage")


async def test_a_guest_waits_is_admitted_and_both_see_and_hear_each_other(portal: Portal, media: Path) -> None:
    async with chromium(1, portal.url, media) as host, chromium(2, portal.url, media) as guest:
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, "Bob Petit")
        await assert_screens_meet([host, guest])
        await _mute_and_unmute(guest, host)
        await _cut_the_websocket(guest, [host, guest])
        await guest.press("leave-button")
        await guest.shows("ending-left")
        await wait_until(
            lambda: host.evaluate("document.querySelectorAll('[data-testid=tile]').length === 1"),
            lambda: "the guest's tile stays",
        )


async def test_chromium_and_firefox_see_and_hear_each_other(portal: Portal, media: Path) -> None:
    async with chromium(1, portal.url, media) as host, firefox(2, portal.url, media) as guest:
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, "Bob Petit")
        await assert_screens_meet([host, guest])
        await _mute_and_unmute(guest, host)
        await _cut_the_websocket(guest, [host, guest])


async def test_a_browser_and_the_python_sdk_see_and_hear_each_other(portal: Portal, media: Path, bob: Person) -> None:
    probe = Probe(3)
    async with chromium(1, portal.url, media) as host:
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


async def _mute_and_unmute(speaker: Screen, listener: Screen) -> None:
    own, other = await speaker.identity(), await listener.identity()
    await speaker.press("mic-button")
    await speaker.press("camera-button")
    await assert_gone(listener, own)
    await assert_meets(speaker, {other: listener.number})
    await speaker.press("mic-button")
    await speaker.press("camera-button")
    await assert_screens_meet([speaker, listener])


async def _cut_the_websocket(screen: Screen, everyone: list[Screen]) -> None:
    # livekit-client writes on while the cut reaches it.
    screen.tolerated.append("WebSocket is already in CLOSING or CLOSED state")
    assert await screen.evaluate("probe.cut('/rtc')") == 1
    await wait_until(lambda: screen.evaluate("probe.opened('/rtc') === 2"), lambda: "no new websocket")
    await assert_screens_meet(everyone)
