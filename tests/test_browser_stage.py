"""The stage in a real browser: pages, pins and layouts; phones; what tiles and screens say of what goes wrong."""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from meetings.probe import Probe, ProbeOptions
from tests.calls import leave_all, wait_until
from tests.people import Person, sign_up
from tests.portal import Portal, free_port
from tests.screen_acts import guest_is_admitted, host_opens_a_room
from tests.screens import ChromiumScreen, chromium
from tests.shaper import Profile, Shaper

pytestmark = [pytest.mark.browser, pytest.mark.calls]

# Silent: who speaks changes the order of tiles, which other tests look at.
SMALL = ProbeOptions(width=160, height=96, simulcast=False, watch=False, listen=False, audio=False)
DESK, PHONE, OLD_PHONE, WALL = (1280, 800), (360, 740), (320, 568), (3840, 2160)
NAMES = ("Bob Petit", "Chloé Durand", "David Müller")
TILES = "[...document.querySelectorAll('[data-testid=tile]')]"


@asynccontextmanager
async def host_with_guests(
    portal: Portal, media: Path, *, count: int = 3, options: ProbeOptions = SMALL
) -> AsyncIterator[tuple[ChromiumScreen, list[Probe]]]:
    """Alice in a browser, and programs as her guests, each admitted."""
    probes: list[Probe] = []
    async with chromium(1, portal, media) as host:
        slug = await host_opens_a_room(host)
        try:
            for number, name in enumerate(NAMES[:count], start=3):
                probes.append(Probe(number, options))
                await _come_in(portal, host, slug, name, probes[-1])
            yield host, probes
        finally:
            await leave_all(probes)


async def _come_in(portal: Portal, host: ChromiumScreen, slug: str, name: str, probe: Probe) -> None:
    async with Person(portal, name) as person:
        assert await person.enter(slug) == "waiting"
        await host.press("notice-admit")

        async def is_admitted() -> bool:
            return bool((await person.state(slug))["me"]["state"] == "admitted")

        await wait_until(is_admitted, lambda: f"{name} was not admitted")
        entrance = await person.entrance(slug)
    await probe.join(entrance.url, entrance.token)


async def test_pages_hold_what_can_be_seen_and_the_rest_sends_nothing(portal: Portal, media: Path) -> None:
    async with host_with_guests(portal, media) as (host, probes):
        await _resize(host, 330, 420)
        everybody = {await host.identity(), *(probe.identity for probe in probes)}
        await host.shows("pager")
        first = await _shown(host)
        assert 1 <= len(first) < len(everybody)
        # Of the cameras of others only those on this page come in, as the page's own measurements say.
        await host.press("more-menu")
        await host.press("quality-button")
        names = {probe.identity: name for probe, name in zip(probes, NAMES, strict=True)}
        seen = {name for identity, name in names.items() if identity in first}
        await wait_until(lambda: _received_cameras(host), lambda: "nothing was measured")
        await _until_received(host, seen)
        await host.press("panel-close")
        pages = [first]
        while len(set().union(*pages)) < len(everybody):
            await host.click('[data-testid="pager"] button:last-child')
            before = pages[-1]
            await wait_until(partial(_differs, host, before), lambda: "the page was not turned")
            pages.append(await _shown(host))
            assert len(pages) <= len(everybody)
        assert set().union(*pages) == everybody
        await host.press("more-menu")
        await host.press("quality-button")
        await _until_received(host, {name for identity, name in names.items() if identity in pages[-1]})


async def test_people_are_pinned_by_menu_and_key_and_layouts_are_chosen(portal: Portal, media: Path) -> None:
    async with host_with_guests(portal, media, count=2) as (host, probes):
        await _resize(host, *DESK)
        bob, chloe = (probe.identity for probe in probes)
        await host.wait_for(f'[data-tile-key="{chloe}"] video')
        order = await _shown(host)

        await host.page.hover(f'[data-tile-key="{chloe}"]')
        await host.press(f"tile-menu-{chloe}")
        await host.press(f"pin-{chloe}")
        await _until_focused(host, chloe)
        focused = await host.evaluate("document.activeElement.dataset.testid")
        assert focused == f"tile-menu-{chloe}", "the focus stays on the tile that moved"
        assert await host.evaluate(_larger_than(chloe, bob, 4))

        await host.page.focus(f'[data-testid="tile-menu-{bob}"]')
        await host.page.keyboard.press("x")
        await _until_focused(host, bob)
        await host.page.keyboard.press("x")
        await _until_focused(host, "")
        assert await _shown(host) == order, "back in the grid everybody sits where they sat"

        await _choose(host, "layout-speaker")
        await wait_until(lambda: _focused(host), lambda: "nobody is large")
        assert await _focused(host) in (bob, chloe)
        await _choose(host, "self-view-button")
        await wait_until(lambda: _counts(host, 2), lambda: "the own picture is still there")
        await _choose(host, "layout-grid")
        await _until_focused(host, "")
        saved = json.loads(await host.evaluate("localStorage.getItem('visio.preferences.1')"))
        assert (saved["stageLayout"], saved["isSelfHidden"]) == ("grid", True)

        await probes[0].publish_card(3)  # type: ignore[arg-type]  # as a screen
        await host.wait_for('[data-testid="share-tile"]')
        assert await _focused(host) == "", "who wants a grid has one, with the screen in it"
        await _choose(host, "layout-auto")
        await _until_focused(host, f"share:{bob}")


async def test_a_phone_has_every_control_and_nothing_beside_the_screen(portal: Portal, media: Path) -> None:
    async with host_with_guests(portal, media, count=1) as (host, _):
        wanted = {"share-button", "people-button", "hand-button", "chat-button"}
        for width, height in (PHONE, OLD_PHONE):
            await _resize(host, width, height)
            await wait_until(partial(_fits, host, width), partial(str, f"something reaches over {width} px"))
            assert {"mic-button", "camera-button", "more-menu", "leave-button"} <= await _test_ids(host, ".bar")
            in_bar = wanted & await _test_ids(host, ".bar")
            await host.press("more-menu")
            assert wanted - in_bar <= await _test_ids(host, '[role="menu"]')
            await host.press("people-button" if "people-button" not in in_bar else "quality-button")
            await host.shows("panel-close")
            box = "document.querySelector('.panel').getBoundingClientRect()"
            assert await host.evaluate(f"[{box}.left, {box}.right]") == [0, width], "the panel is a sheet"
            await host.press("panel-close")


async def test_a_4k_screen_is_filled_and_nothing_reaches_beside_it_or_over_another(portal: Portal, media: Path) -> None:
    async with host_with_guests(portal, media) as (host, probes):
        await _resize(host, *WALL)
        await wait_until(partial(_counts, host, len(probes) + 1), lambda: "not everybody is on one page")
        await wait_until(partial(_fits, host, WALL[0]), lambda: "something reaches over the screen")
        await wait_until(partial(_tiles_fill, host, 0.7), lambda: "the tiles leave the stage empty")
        boxes = await _boxes(host)
        assert all(
            left >= 0 and top >= 0 and right <= WALL[0] and bottom <= WALL[1] for left, top, right, bottom in boxes
        )
        for index, (left, top, right, bottom) in enumerate(boxes):
            for other in boxes[index + 1 :]:
                assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top, boxes
        assert {"mic-button", "share-button", "chat-button", "hand-button"} <= await _test_ids(host, ".bar")


async def _boxes(screen: ChromiumScreen) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of each tile."""
    box = "({ left, top, right, bottom }) => [left, top, right, bottom]"
    return [
        tuple(found) for found in await screen.evaluate(f"{TILES}.map((t) => t.getBoundingClientRect()).map({box})")
    ]


async def _tiles_fill(screen: ChromiumScreen, share: float) -> bool:
    """They cover at least this share of the screen."""
    covered = sum((right - left) * (bottom - top) for left, top, right, bottom in await _boxes(screen))
    return covered >= share * WALL[0] * WALL[1]


async def test_what_a_locked_screen_took_is_opened_again_and_told(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as host:
        await host_opens_a_room(host)
        await host.wait_for("[data-local=true] video")
        await host.evaluate(_VISIBILITY % "hidden")
        await host.evaluate(
            """void (() => {
              const [track] = document.querySelector("[data-local=true] video").srcObject.getVideoTracks();
              track.stop();
              track.dispatchEvent(new Event("ended"));
            })()"""
        )
        await host.evaluate(_VISIBILITY % "visible")
        await wait_until(
            lambda: host.evaluate("document.body.innerText.includes('Elle est de nouveau ouverte')"),
            lambda: "nothing was told",
        )
        live = (
            "document.querySelector('[data-local=true] video')?.srcObject?.getVideoTracks()[0]?.readyState === 'live'"
        )
        await wait_until(lambda: host.evaluate(live), lambda: "the camera is not open")


async def test_tiles_say_why_there_is_no_picture(own_portal: Callable[..., Portal], media: Path) -> None:
    port = free_port()
    portal = own_portal(workers=1, environment={"RELAY_ADDRESSES": f"127.0.0.1=127.0.0.1:{port}"})
    await sign_up(portal)
    shaper = await Shaper.open(port=port, relay=("127.0.0.1", portal.relay_port))
    grain = ProbeOptions(width=640, height=352, grain=True, simulcast=False, watch=False, listen=False)
    try:
        async with host_with_guests(portal, media, count=1, options=grain) as (host, (bob,)):
            await _until_picture(host, bob, "fine")
            shaper.reshape(up=Profile(), down=Profile(rate_bps=100_000, delay_seconds=0.03))
            await _until_picture(host, bob, "paused")
            tile = f"document.querySelector('[data-tile-key=\"{bob.identity}\"]')"
            why = await host.evaluate(f"{tile}.querySelector('.tile__why').textContent")
            assert "préserver le son" in why
            shaper.reshape(up=Profile(), down=Profile())
            bob.set_muted(True)
            await _until_picture(host, bob, "camera-off")
            assert "caméra coupée" in await host.evaluate(f"{tile}.ariaLabel")
    finally:
        shaper.close()


async def test_each_ending_says_what_happened_and_each_departure_is_reported(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as host, chromium(2, portal, media) as guest:
        # livekit-client complains where the media server ends the connection before it does.
        guest.tolerated.append(r"[Dd]ata ?[Cc]hannel")
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, "Bob Petit")
        identity = await guest.identity()
        await guest.press("more-menu")
        await guest.press("quality-button")
        await guest.wait_for('[data-testid="quality-path"][data-path="udp"]')

        other = await guest.page.context.new_page()
        await other.goto(f"{portal.url}/r/{slug}")
        await other.click('[data-testid="join-button"]')
        await guest.shows("ending-duplicate")
        await _says_three_things(guest)
        report = await _until_reported(portal, identity, "duplicate_identity")
        assert (report["path"], report["browser"][:7]) == ("udp", "Chrome "), report
        assert report["join_ms"] > 0

        await other.wait_for_selector('[data-testid="call-stage"]')
        await other.goto("about:blank")
        await _until_reported(portal, identity, "page-closed")
        await other.close()

        await guest.page.bring_to_front()
        await guest.press("rejoin-button")
        await guest.shows("call-stage")
        await host.wait_for(f'[data-tile-key="{identity}"]')
        await host.press("people-button")
        await host.press(f"actions-{identity}")
        await host.press(f"remove-{identity}")
        await host.press("confirm-button")
        await guest.shows("ending-removed")
        await _says_three_things(guest)
        await _until_reported(portal, identity, "removed")


async def test_picture_in_picture_and_full_screen_where_the_browser_can(portal: Portal, media: Path) -> None:
    async with host_with_guests(portal, media, count=1) as (host, (bob,)):
        await host.wait_for(f'[data-tile-key="{bob.identity}"] video')
        await _choose(host, "fullscreen-button")
        await wait_until(lambda: host.evaluate("document.fullscreenElement !== null"), lambda: "no full screen")
        await _choose(host, "fullscreen-button")
        await wait_until(lambda: host.evaluate("document.fullscreenElement === null"), lambda: "still full screen")
        await _choose(host, "pip-button")
        await wait_until(lambda: host.evaluate(_PIP_SHOWS_BOB), lambda: "no picture in the small window")
        await _choose(host, "pip-button")
        await wait_until(lambda: host.evaluate("documentPictureInPicture.window === null"), lambda: "it stays open")


_PIP_SHOWS_BOB = """(() => {
  const video = documentPictureInPicture.window?.document.querySelector("[data-testid=pip-tile] video");
  const caption = documentPictureInPicture.window?.document.querySelector("figcaption")?.innerText;
  return caption === "Bob Petit" && video.videoWidth > 0;
})()"""

_VISIBILITY = """void (() => {
  Object.defineProperty(document, "visibilityState", { value: "%s", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
})()"""


async def _resize(screen: ChromiumScreen, width: int, height: int) -> None:
    await screen.page.set_viewport_size({"width": width, "height": height})


async def _choose(screen: ChromiumScreen, entry: str) -> None:
    """An entry of the "More" menu."""
    await screen.press("more-menu")
    await screen.press(entry)


async def _shown(screen: ChromiumScreen) -> list[str]:
    return list(await screen.evaluate(f"{TILES}.map(({{ dataset }}) => dataset.identity)"))


async def _differs(screen: ChromiumScreen, before: list[str]) -> bool:
    return await _shown(screen) != before


async def _counts(screen: ChromiumScreen, count: int) -> bool:
    return len(await _shown(screen)) == count


async def _focused(screen: ChromiumScreen) -> str:
    return str(await screen.evaluate("document.querySelector('.tiles').dataset.focused"))


async def _until_focused(screen: ChromiumScreen, key: str) -> None:
    async def is_focused() -> bool:
        return await _focused(screen) == key

    await wait_until(is_focused, lambda: f"{key or 'a grid'} is not in focus")


def _larger_than(key: str, other: str, times: int) -> str:
    def area(name: str) -> str:
        box = f"document.querySelector('[data-tile-key=\"{name}\"]').getBoundingClientRect()"
        return f"({box}.width * {box}.height)"

    return f"{area(key)} > {times} * {area(other)}"


async def _received_cameras(screen: ChromiumScreen) -> set[str]:
    """Whose cameras the quality panel says are coming in."""
    titles = await screen.evaluate(
        "[...document.querySelectorAll('[data-testid=quality-track][data-sent=false] h4')].map((h4) => h4.innerText)"
    )
    return {title.removeprefix("Caméra – ") for title in titles if title.startswith("Caméra")}


async def _until_received(screen: ChromiumScreen, wanted: set[str]) -> None:
    last: set[str] = set()

    async def is_so() -> bool:
        nonlocal last
        last = await _received_cameras(screen)
        return last == wanted

    await wait_until(is_so, lambda: f"cameras of {last} come in, wanted {wanted}")


async def _fits(screen: ChromiumScreen, width: int) -> bool:
    reach = "Math.max(...[...document.querySelectorAll('.stage *')].map((e) => e.getBoundingClientRect().right))"
    return bool(await screen.evaluate(f"innerWidth === {width} && {reach} <= {width}"))


async def _test_ids(screen: ChromiumScreen, within: str) -> set[str]:
    query = f"[...document.querySelectorAll('{within} [data-testid]')].map(({{ dataset }}) => dataset.testid)"
    return set(await screen.evaluate(query))


async def _until_picture(screen: ChromiumScreen, probe: Probe, state: str) -> None:
    selector = f'[data-tile-key="{probe.identity}"]'
    last: Any = None

    async def is_so() -> bool:
        nonlocal last
        last = await screen.evaluate(f"document.querySelector('{selector}')?.dataset.picture")
        return bool(last == state)

    await wait_until(is_so, lambda: f"the tile says {last}, wanted {state}")


async def _says_three_things(screen: ChromiumScreen) -> None:
    headings = await screen.evaluate("[...document.querySelectorAll('.ending :is(h1, h2)')].map((h) => h.innerText)")
    assert headings[1:] == ["Ce que nous faisons", "Ce que vous pouvez faire"], headings


async def _until_reported(portal: Portal, identity: str, reason: str) -> dict[str, Any]:
    """The row of one departure, once the page has told of it."""
    query = """
        SELECT reason, browser, path, join_ms, reconnects FROM meetings_callreport
        JOIN meetings_participant ON meetings_participant.id = participant_id WHERE identity = ? AND reason = ?
    """
    found: list[dict[str, Any]] = []

    def is_reported() -> bool:
        with closing(sqlite3.connect(portal.data_dir / "portal.sqlite3")) as database:
            database.row_factory = sqlite3.Row
            found[:] = [dict(row) for row in database.execute(query, (identity, reason))]
        return bool(found)

    await wait_until(is_reported, lambda: f"no report of {reason}")
    return found[-1]
