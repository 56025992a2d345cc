"""True media in browsers where something changes under a call: each sees and hears exactly the others, never itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Route

from tests.calls import wait_until
from tests.people import sign_up
from tests.portal import Portal
from tests.screen_acts import guest_is_admitted, host_opens_a_room
from tests.screens import BROWSER, ChromiumScreen, assert_screens_meet, chromium

pytestmark = [pytest.mark.browser, pytest.mark.calls]

LARGE, SMALL = {"width": 1600, "height": 1000}, {"width": 480, "height": 400}
# What browsers note on the console when a connection of theirs is cut.
CUT = (r"WebSocket", r"net::ERR_", r"status of 50[0-9]", r"could not establish", r"signal connection", r"signal stream")


async def test_a_smaller_window_gets_the_lower_layer_and_a_larger_one_the_upper(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as host, chromium(2, portal, media) as guest:
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, "Bob Petit")
        everyone = [host, guest]
        sender = await host.identity()
        await guest.page.set_viewport_size(LARGE)  # type: ignore[arg-type]  # a dict of the same keys
        upper = await _steady_width(guest, sender, lambda width: width > 320)
        await assert_screens_meet(everyone)
        for size, is_right in ((SMALL, lambda width: width < upper), (LARGE, lambda width: width == upper)):
            await guest.page.set_viewport_size(size)  # type: ignore[arg-type]  # a dict of the same keys
            await _steady_width(guest, sender, is_right)
            await assert_screens_meet(everyone)


async def test_after_the_kill_of_its_worker_a_call_in_browsers_comes_back(
    own_portal: Callable[..., Portal], media: Path
) -> None:
    portal = own_portal(workers=1)
    await sign_up(portal)
    async with chromium(1, portal, media) as host, chromium(2, portal, media) as guest:
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, "Bob Petit")
        everyone = [host, guest]
        await assert_screens_meet(everyone)
        identities = [await screen.identity() for screen in everyone]
        for screen in everyone:
            screen.tolerated += CUT
        opened = [await screen.evaluate("probe.opened('/rtc')") for screen in everyone]
        pid = portal.kill("relay-0")
        for screen, before in zip(everyone, opened, strict=True):
            away = f"browser {screen.number} does not come back"
            await wait_until(partial(_is_back, screen, before), partial(str, away))
        await assert_screens_meet(everyone)
        assert [await screen.identity() for screen in everyone] == identities
        assert portal.children()["relay-0"] != pid


async def test_who_mutes_while_the_page_comes_in_again_is_not_heard_and_can_be_heard_at_once(
    portal: Portal, media: Path
) -> None:
    async with chromium(1, portal, media) as host, chromium(2, portal, media) as guest:
        await guest.page.context.add_init_script(path=BROWSER / "states.js")
        guest.tolerated += (*CUT, "websocket error during connection establishment")
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, "Bob Petit")
        await assert_screens_meet([host, guest])
        identity = await guest.identity()
        async with _livekit_gives_up(guest):
            assert await _microphone(guest) == ("true", "false"), "the switch shows what will come back"
            await guest.page.keyboard.press("m")
            await wait_until(partial(_microphone_is, guest, "false"), lambda: "the press was not taken")
            await guest.page.keyboard.press("m")
            await wait_until(partial(_microphone_is, guest, "true"), lambda: "the switch waits for something")
            await guest.page.keyboard.press("m")
            await wait_until(partial(_microphone_is, guest, "false"), lambda: "the third press was not taken")
            await wait_until(partial(_hears_nothing, host), lambda: "the old connection is still heard")
            await host.forget()
        await wait_until(partial(_frames_of, host, identity, 20), lambda: "the guest does not come back")
        _, heard = await host.report()
        assert heard == set(), "who had muted was heard"
        assert await _microphone(guest) == ("false", "false")
        await guest.press("mic-button")
        await assert_screens_meet([host, guest])


@asynccontextmanager
async def _livekit_gives_up(screen: ChromiumScreen) -> AsyncIterator[None]:
    """Its websocket is cut and not opened again; inside, the page asks to come in as new, and has no answer yet."""
    may_go = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_go.wait()
        await route.continue_()

    await screen.page.route("**/api/rooms/*/token", hold)
    await screen.evaluate("provoke({ refused: '/rtc', isHurried: true })")
    assert await screen.evaluate("probe.cut('/rtc')") == 1
    await screen.wait_for('[data-testid="reconnecting"][data-layer="rejoin"]')
    yield
    await screen.evaluate("provoke({})")
    may_go.set()
    await screen.page.unroute_all(behavior="wait")
    await screen.page.wait_for_selector('html[data-call-state="connected"]', state="attached")


async def _microphone(screen: ChromiumScreen) -> tuple[str | None, str | None]:
    """Whether its switch is on, and whether it waits."""
    button = screen.page.locator('[data-testid="mic-button"]')
    return await button.get_attribute("aria-pressed"), await button.get_attribute("aria-busy")


async def _microphone_is(screen: ChromiumScreen, pressed: str) -> bool:
    return await _microphone(screen) == (pressed, "false")


async def _hears_nothing(screen: ChromiumScreen) -> bool:
    """For a second and a half of the screen's own picture."""
    own = await screen.identity()
    await screen.forget()
    await wait_until(partial(_frames_of, screen, own, 15), lambda: "the own picture stands still")
    _, heard = await screen.report()
    return heard == set()


async def _frames_of(screen: ChromiumScreen, identity: str, count: int) -> bool:
    """So many different pictures were seen since `forget`."""
    seen, _ = await screen.report()
    return len(seen.get(identity, ())) >= count


async def _is_back(screen: ChromiumScreen, opened_before: int) -> bool:
    """Connected over a websocket that was opened after the kill."""
    connected = "document.documentElement.dataset.callState === 'connected'"
    return bool(await screen.evaluate(f"probe.opened('/rtc') > {opened_before} && {connected}"))


async def _steady_width(watcher: ChromiumScreen, sender: str, is_right: Callable[[int], bool]) -> int:
    """The width of the sender's pictures, once five in a row were of one and the right width."""
    await watcher.forget()
    last: list[int] = []

    async def is_steady() -> bool:
        last[:] = (await watcher.widths_of(sender))[-5:]
        return len(last) == 5 and len(set(last)) == 1 and is_right(last[0])

    await wait_until(is_steady, lambda: f"pictures of {sender} were {last} wide")
    return last[0]
