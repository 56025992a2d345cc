"""The rules of axe-core on what people see: portal pages, device check, lobby, call, panel, dialog, ending."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.portal import Portal
from tests.screen_acts import host_opens_a_room
from tests.screens import ChromiumScreen, chromium

pytestmark = [pytest.mark.browser, pytest.mark.calls]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


async def test_pages_and_call_break_no_rule_of_axe(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as host, chromium(2, portal, media) as guest:
        for path in ("/", "/accounts/login/", "/legal/", "/accessibility/"):
            await guest.goto(path)
            await _assert_clean(guest, path)
        slug = await host_opens_a_room(host)
        await _assert_clean(host, "alone in the call")
        await guest.goto(f"/r/{slug}")
        await guest.shows("device-check")
        await _assert_clean(guest, "device check")
        await guest.fill('[data-testid="name-input"]', "Bob Petit")
        await guest.press("join-button")
        await guest.shows("lobby-waiting")
        await _assert_clean(guest, "lobby")
        await host.shows("waiting-notice")
        await _assert_clean(host, "somebody waits")
        await host.press("people-button")
        await host.shows("waiting-list")
        await _assert_clean(host, "people panel")
        await host.press(f"admit-{await guest.identity()}")
        await guest.shows("call-stage")
        await _assert_clean(guest, "in the call")
        await guest.press("more-menu")
        await guest.press("help-button")
        await guest.shows("shortcuts-dialog")
        await _assert_clean(guest, "shortcuts")
        await guest.press("shortcuts-close")
        await guest.press("leave-button")
        await guest.shows("ending-left")
        await _assert_clean(guest, "ending")
        await host.goto("/")
        await _assert_clean(host, "home, signed in")


async def _assert_clean(screen: ChromiumScreen, where: str) -> None:
    results: dict[str, Any] = (await Axe().run(screen.page, options=RULES)).response
    assert results["passes"], f"{where}: axe looked at nothing"
    found = {broken["id"]: [node["html"] for node in broken["nodes"]] for broken in results["violations"]}
    assert not found, f"{where}: {found}"
