"""What people do on the portal's pages in a real browser: forms that are refused, the chosen scheme, and the connection
test, on a network that works, one without UDP, and one that lets nothing through.

That each page looks right by itself is test_browser_axe.py's; pictures of these states are kept in build/screenshots.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from tests.people import ALICE, PASSWORD
from tests.portal import ROOT, Portal, free_port
from tests.screens import CHROMIUM, FLAGS, ChromiumScreen, chromium

pytestmark = [pytest.mark.browser]

SHOTS = ROOT / "build" / "screenshots"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


async def test_forms_say_beside_the_field_why_they_are_refused(portal: Portal) -> None:
    async with _browser() as browser:
        page = await browser.new_page(locale="fr")
        for typed in ("nonsense", "zzz-zzzz-zzz"):
            await page.goto(portal.url)
            await page.fill("#id_code", typed)
            await page.click("form[action='/'] [type=submit]")
            described = await page.get_attribute("#id_code", "aria-describedby")
            assert await page.inner_text(f"#{described}")
            await _assert_looks_right(page, f"refused-{typed}")
        await _sign_in(page, portal)
        await page.goto(portal.url + "/accounts/profile/")
        await page.fill("#id_password", "wrong")
        await page.click("form[action$='sign-out-elsewhere/'] [type=submit]")
        await _assert_looks_right(page, "profile-refused")
        assert await page.input_value("#id_password") == ""


async def test_the_chosen_scheme_is_remembered_on_the_next_page(portal: Portal) -> None:
    async with _browser() as browser:
        page = await browser.new_page(color_scheme="light")
        await page.goto(portal.url)
        await page.click("#footer [aria-controls=fr-theme-modal]")
        await page.click("label[for=fr-radios-theme-dark]")
        await page.goto(portal.url + "/legal/")
        assert await page.get_attribute("html", "data-fr-theme") == "dark"


async def test_a_button_that_a_policy_switched_off_stays_off_and_says_why(portal: Portal) -> None:
    async with _browser() as browser, _laid_down(portal, 'room_creation="nobody"'):
        page = await browser.new_page(locale="fr", viewport={"width": 360, "height": 740})
        await _sign_in(page, portal)
        button = page.locator("form[action='/rooms/new'] [type=submit]")
        for address in (portal.url, portal.url, portal.url + "/rooms/"):
            await page.goto(address)
            await page.wait_for_load_state("load")
            assert await button.is_disabled()  # also after the page's own script has run
            described = await button.get_attribute("aria-describedby")
            assert "Règle fixée par" in await page.inner_text(f"#{described}")
        await _assert_looks_right(page, "rooms-barred")
        await page.goto(portal.url)
        await _assert_looks_right(page, "home-barred")


async def test_an_open_page_follows_the_system_where_nobody_chose_otherwise(portal: Portal) -> None:
    async with _browser() as browser:
        context = await browser.new_context(color_scheme="light")
        page = await context.new_page()
        await _sign_in(page, portal)
        await page.click("form[action='/rooms/new'] [type=submit]")
        await page.wait_for_selector("[data-testid=device-check]")
        for address in (page.url, portal.url):
            await page.goto(address)
            for scheme in ("dark", "light", "dark"):
                await page.emulate_media(color_scheme=scheme)
                await page.wait_for_selector(f"html[data-fr-theme={scheme}]")
        room, other = page, await context.new_page()
        # What is chosen on one page holds on all that are open, whatever the system says then.
        await other.goto(portal.url)
        await other.click("#footer [aria-controls=fr-theme-modal]")
        await other.click("label[for=fr-radios-theme-light]")
        await room.wait_for_selector("html[data-fr-theme=light][data-fr-scheme=light]")
        await room.emulate_media(color_scheme="light")
        await room.emulate_media(color_scheme="dark")
        await room.wait_for_function("matchMedia('(prefers-color-scheme: dark)').matches")
        assert await room.get_attribute("html", "data-fr-theme") == "light"


# --- the connection test ---------------------------------------------------------------------------------------------


async def test_the_connection_test_finds_all_well_by_keyboard_alone(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as screen:
        await screen.goto("/test")
        await screen.shows("start-button")
        await screen.page.focus("[data-testid=start-button]")
        await screen.page.keyboard.press("Enter")
        await screen.page.wait_for_selector("html[data-test-state=running]")
        await _assert_looks_right(screen.page, "test-running")
        await _done(screen)
        assert await screen.page.evaluate("document.activeElement.dataset.testid") == "start-button"
        for step in ("browser", "camera", "microphone"):
            assert await screen.page.get_attribute(f"[data-testid=step-{step}]", "data-state") == "good", step
        # A machine that runs all tests at once may be slow; nothing else may be found.
        found = await _verdict(screen)
        assert found in [("open", "unanswered"), ("limited", "slow"), ("limited", "very-slow")]
        report = await screen.page.input_value("[data-testid=report-text]")
        assert "Voie directe (UDP) : fonctionne" in report
        assert "Voie de secours (TCP) : fonctionne" in report
        assert "Mbit/s" in report
        await _assert_looks_right(screen.page, "test-done")
        # The microphone is heard back, the speaker heard, and the answers are in the report.
        await _press(screen, "record-button")
        await screen.page.wait_for_selector("[data-testid=hears-itself]:visible")
        await _press(screen, "hears-itself-yes")
        await _press(screen, "speaker-button")
        await screen.page.wait_for_selector("[data-testid=hears-speaker]:visible")
        await _press(screen, "hears-speaker-no")
        assert await _verdict(screen) == ("limited", "sound")
        await _press(screen, "hears-speaker-yes")
        assert await _verdict(screen) == (("good", "all-good") if found[0] == "open" else found)
        await _press(screen, "report-copy")
        copied = str(await screen.evaluate("navigator.clipboard.readText()"))
        assert copied.strip() == (await screen.page.input_value("[data-testid=report-text]")).strip()
        assert "S’entend soi-même : Oui" in copied
        await _assert_looks_right(screen.page, "test-answered")


async def test_without_udp_the_connection_test_names_it_and_goes_round(
    own_portal: Callable[..., Portal], media: Path
) -> None:
    # A door that lets TCP through to the relay, and answers no UDP: most offices' way out.
    door = free_port()
    portal = own_portal(workers=1, environment={"RELAY_ADDRESSES": f"127.0.0.1=127.0.0.1:{door}"})
    async with _tcp_door(door, portal.relay_port), chromium(1, portal, media) as screen:
        await screen.goto("/test")
        await screen.press("start-button")
        await _done(screen)
        assert await _verdict(screen) in [("limited", "detour"), ("limited", "slow"), ("limited", "very-slow")]
        report = await screen.page.input_value("[data-testid=report-text]")
        assert f"Voie directe (UDP) : bloquée : UDP 127.0.0.1:{door}\n" in report
        assert "Voie de secours (TCP) : fonctionne" in report
        assert "Mbit/s" in report


async def test_where_nothing_passes_protocol_host_and_port_are_named(
    own_portal: Callable[..., Portal], media: Path
) -> None:
    # Addresses that lead nowhere, as behind a firewall that drops what it does not know.
    portal = own_portal(workers=1, environment={"RELAY_ADDRESSES": "127.0.0.1=192.0.2.1"})
    async with chromium(1, portal, media) as screen:
        await screen.goto("/test")
        await screen.press("start-button")
        await _done(screen)
        assert await _verdict(screen) == ("bad", "no-path")
        sentence = await screen.page.inner_text("[data-testid=verdict]")
        for protocol in ("UDP", "TCP"):
            assert f"{protocol} 192.0.2.1:{portal.relay_port}" in sentence
        await _assert_looks_right(screen.page, "test-blocked")


@asynccontextmanager
async def _tcp_door(port: int, behind: int) -> AsyncIterator[None]:
    """Whoever connects to `port` on this machine is connected to the port `behind` it, by TCP only."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", behind)
        await asyncio.gather(carry(reader, inner_writer), carry(inner_reader, writer))

    server = await asyncio.start_server(enter, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


@asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        try:
            yield browser
        finally:
            await browser.close()


async def _sign_in(page: Page, portal: Portal) -> None:
    await page.goto(portal.url + "/accounts/login/")
    await page.fill("input[name=login]", ALICE)
    await page.fill("input[name=password]", PASSWORD)
    await page.click("main form [type=submit]")
    await page.wait_for_url(portal.url + "/")


@asynccontextmanager
async def _laid_down(portal: Portal, rule: str) -> AsyncIterator[None]:
    """For the whole portal, as long as it lasts."""

    async def policies(act: str) -> None:
        code = f"from accounts.models import Policy; Policy.objects.{act}"
        await asyncio.to_thread(portal.manage, "shell", "--no-imports", "-c", code)

    await policies(f"create({rule})")
    try:
        yield
    finally:
        await policies("all().delete()")


async def _assert_looks_right(page: Page, name: str) -> None:
    """No rule of axe is broken, nothing is wider than the window, and a picture is kept."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
    results: dict[str, Any] = (await Axe().run(page, options=RULES)).response
    assert results["passes"], f"{name}: axe looked at nothing"
    found = {broken["id"]: [node["html"] for node in broken["nodes"]] for broken in results["violations"]}
    assert not found, f"{name}: {found}"
    too_wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0, f"{name}: {too_wide} pixels wider than the window"


async def _press(screen: ChromiumScreen, test_id: str) -> None:
    await screen.page.focus(f'[data-testid="{test_id}"]')
    await screen.page.keyboard.press("Enter")


async def _done(screen: ChromiumScreen) -> None:
    # Three ways that do not work take their time-outs one after the other.
    await screen.page.wait_for_selector("html[data-test-state=done]", timeout=120_000)


async def _verdict(screen: ChromiumScreen) -> tuple[str | None, str | None]:
    verdict = screen.page.locator("[data-testid=verdict]")
    return await verdict.get_attribute("data-grade"), await verdict.get_attribute("data-reason")
