"""Firefox ESR and Chromium in one call, at this machine's own address: Firefox sends no media to the loopback one."""

from pathlib import Path

import pytest

from tests.portal import Portal
from tests.screen_acts import cut_the_websocket, guest_is_admitted, host_opens_a_room, mute_and_unmute
from tests.screens import assert_screens_meet, chromium, firefox

pytestmark = [pytest.mark.browser, pytest.mark.calls]


async def test_chromium_and_firefox_see_and_hear_each_other(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as host, firefox(2, portal, media) as guest:
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, "Bob Petit")
        await assert_screens_meet([host, guest])
        await mute_and_unmute(guest, host)
        await cut_the_websocket(guest, [host, guest])
