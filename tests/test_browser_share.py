"""A shared screen in a real call: a track of its own beside the camera, large for the others, gone when stopped."""

from pathlib import Path

import pytest
from livekit import rtc
from playwright.async_api import Page

from meetings.probe import Probe
from tests.calls import leave_all, wait_until
from tests.people import Person
from tests.portal import Portal
from tests.screen_acts import guest_is_admitted, host_opens_a_room
from tests.screens import ChromiumScreen, assert_meets, chromium

pytestmark = [pytest.mark.browser, pytest.mark.calls]

WINDOW = "Shared window"
WINDOW_NUMBER = 7  # of the card in it
UNPUBLISHED = -1
CAMERA, SHARE = rtc.TrackSource.SOURCE_CAMERA, rtc.TrackSource.SOURCE_SCREENSHARE


async def test_a_shared_window_is_seen_beside_the_camera_until_it_is_stopped(
    portal: Portal, media: Path, bob: Person
) -> None:
    probe = Probe(3)
    async with chromium(1, portal, media) as host, chromium(2, portal, media, shares=WINDOW) as guest:
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, "Chloé Durand")
        assert await bob.enter(slug) == "waiting"
        await host.press("notice-admit")
        await wait_until(lambda: _may_enter(bob, slug), lambda: "the host's click admitted nobody")
        entrance = await bob.entrance(slug)
        sharer = await guest.identity()
        others = {sharer: guest.number, bob.identity: probe.number}
        try:
            await probe.join(entrance.url, entrance.token)
            await assert_meets(host, others)

            window = await _share(guest)
            await assert_meets(host, others, screens={sharer: WINDOW_NUMBER})
            await _sdk_sees(probe, sharer, {CAMERA: {guest.number}, SHARE: {WINDOW_NUMBER}})
            await _assert_focused(host)
            # The sharer is told so, and not shown a mirror in a mirror.
            await assert_meets(guest, {await host.identity(): host.number, bob.identity: probe.number})

            await guest.press("share-button")
            await _assert_stopped(host, guest, probe, others)

            await window.close()
            window = await _share(guest)
            await assert_meets(host, others, screens={sharer: WINDOW_NUMBER})
            await window.close()  # the browser ends the track
            await _assert_stopped(host, guest, probe, others)

            window = await _share(guest)
            await assert_meets(host, others, screens={sharer: WINDOW_NUMBER})
            await host.press("people-button")
            await host.press(f"actions-{sharer}")
            await host.press(f"mute-screen_share-{sharer}")
            await _assert_stopped(host, guest, probe, others)
        finally:
            await leave_all([probe])


async def _share(screen: ChromiumScreen) -> Page:
    """Opens a window with a card in it and shares it through the page's button; the window."""
    window = await screen.page.context.new_page()
    await window.evaluate("([number, title]) => probe.show(number, title)", [WINDOW_NUMBER, WINDOW])
    await screen.page.bring_to_front()
    await screen.press("share-button")
    await screen.wait_for('[data-testid="share-button"][aria-pressed="true"]')
    await screen.shows("own-share")
    return window


async def _assert_focused(screen: ChromiumScreen) -> None:
    """The shared window is by far the largest thing on the stage."""
    area = "((element) => element.getBoundingClientRect().width * element.getBoundingClientRect().height)"
    share = f"""{area}(document.querySelector('[data-testid="share-video"]'))"""
    tiles = f"""Math.max(...[...document.querySelectorAll('[data-testid="tile"]')].map({area}))"""
    await screen.shows("focus-layout")
    assert await screen.evaluate(f"{share} > 4 * {tiles}")


async def _assert_stopped(host: ChromiumScreen, guest: ChromiumScreen, probe: Probe, others: dict[str, int]) -> None:
    """Everybody is back in the grid, with cameras and voices as before and nothing else."""
    for screen in (host, guest):
        await screen.shows("tile-grid")
        assert not await screen.evaluate("document.querySelectorAll('[data-testid=share-tile]').length")
    await guest.wait_for('[data-testid="share-button"][aria-pressed="false"]')
    await assert_meets(host, others)
    sharer = await guest.identity()
    await wait_until(lambda: _sources(probe, sharer) == {CAMERA}, lambda: _sources(probe, sharer))
    await _sdk_sees(probe, sharer, {CAMERA: {guest.number}})


async def _sdk_sees(probe: Probe, identity: str, wanted: dict[int, set[int]]) -> None:
    probe.forget()
    await wait_until(lambda: _cards(probe, identity) == wanted, lambda: f"{_cards(probe, identity)}, wanted {wanted}")


def _cards(probe: Probe, identity: str) -> dict[int, set[int]]:
    """By source: the numbers on the cards that one participant's tracks showed since `forget`."""
    sources = _publications(probe, identity)
    found: dict[int, set[int]] = {}
    for seen in probe.seen:
        if seen.identity == identity:
            found.setdefault(sources.get(seen.track_sid, UNPUBLISHED), set()).add(seen.card.number)
    return found


def _sources(probe: Probe, identity: str) -> set[int]:
    return set(_publications(probe, identity).values())


def _publications(probe: Probe, identity: str) -> dict[str, int]:
    """The source of each video track, by its sid."""
    publications = probe.room.remote_participants[identity].track_publications.values()
    return {found.sid: found.source for found in publications if found.kind == rtc.TrackKind.KIND_VIDEO}


async def _may_enter(person: Person, slug: str) -> bool:
    return bool((await person.state(slug))["me"]["state"] == "admitted")
