"""True media in browsers where something changes under a call: each sees and hears exactly the others, never itself."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.calls import wait_until
from tests.people import sign_up
from tests.portal import Portal
from tests.screen_acts import guest_is_admitted, host_opens_a_room
from tests.screens import ChromiumScreen, assert_screens_meet, chromium

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
