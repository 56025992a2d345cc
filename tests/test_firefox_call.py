"""Firefox ESR and Chromium in one call.

Not against a LiveKit server on the loopback address: Firefox does not send media there. The embedded relay is reached
at this machine's own address, as people do.
"""

from pathlib import Path

import pytest

from tests.portal import Portal
from tests.screen_acts import cut_the_websocket, guest_is_admitted, host_opens_a_room, mute_and_unmute
from tests.screens import assert_screens_meet, chromium, firefox

pytestmark = [pytest.mark.browser, pytest.mark.calls, pytest.mark.embedded]


async def test_chromium_and_firefox_see_and_hear_each_other(portal: Portal, media: Path) -> None:
    async with chromium(1, portal.url, media) as host, firefox(2, portal.url, media) as guest:
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, "Bob Petit")
        await assert_screens_meet([host, guest])
        await mute_and_unmute(guest, host)
        await cut_the_websocket(guest, [host, guest])
