"""A ministry changes its identity provider, in a real browser: proposal, preview, merge, the person's rooms, undo."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from accounts.factors.tests.codes import code_of
from tests.idp.service import SECRET, sign_in_service
from tests.people import PASSWORD, Person
from tests.portal import Portal, free_port
from tests.screens import CHROMIUM, FLAGS

pytestmark = [pytest.mark.browser]

ADMINISTRATOR = "camille@example.org"
PROPOSALS = "/admin/accounts/mergeproposal/?state=open"


async def test_a_person_with_a_new_key_gets_their_rooms_by_an_administrators_merge_and_not_after_its_undoing(
    own_portal: Callable[..., Portal],
) -> None:
    port = free_port()
    with sign_in_service(f"http://localhost:{port}") as service:
        environment = {
            "OIDC_ISSUER": service.issuer,
            "OIDC_CLIENT_ID": "es256",
            "OIDC_CLIENT_SECRET": SECRET,
            "OIDC_SIGN_ALGORITHM": "ES256",
        }
        portal = own_portal(workers=1, port=port, environment=environment)
        async with Person(portal, "Camille Dubois") as person:
            await person.accept(await asyncio.to_thread(portal.manage, "invite", "--admin", ADMINISTRATOR))
            secret = await person.add_app()
        blocked: list[str] = []
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            before = await _page(browser, blocked)
            await _sign_in(before, portal)
            await before.goto(f"{portal.url}/")
            await before.click('form[action="/rooms/new"] [type="submit"]')
            await before.wait_for_url("**/r/*")
            room = before.url.removeprefix(portal.url)

            service.become(sub="marie anew", idp_id="fia-culture-2027")
            marie = await _page(browser, blocked)
            assert not await _has(marie, portal, room)
            assert await marie.locator(".fr-notice, .fr-alert").count()

            office = await _page(browser, blocked)
            await _open_administration(office, portal, secret)
            await office.goto(portal.url + PROPOSALS)
            await office.click("#result_list tbody th a")
            await office.wait_for_selector(".portal-account")
            assert await office.locator(".portal-account").count() == 2
            assert "fia-culture-2027" in await office.inner_text(".portal-accounts")
            merge = 'form[action$="/merge/"]'
            await office.click(f"{merge} [type=submit]")  # the browser asks for the confirmation first
            assert await office.locator(merge).count() == 1
            await office.check(f"{merge} [name=same_person]")
            await office.click(f"{merge} [type=submit]")
            await office.wait_for_selector(".messagelist .success")
            proposal = office.url

            assert await _has(marie, portal, room)
            await marie.goto(f"{portal.url}{room}/settings".replace("/r/", "/rooms/"))
            assert await marie.locator('main form [name="name"]').count() == 1

            await office.goto(proposal)
            await office.click('form[action$="/undo/"] [type=submit]')
            await office.wait_for_selector(".messagelist .success")
            await office.wait_for_selector(merge)
            assert not await _has(marie, portal, room)
            assert not blocked
            await browser.close()


async def _page(browser: Browser, blocked: list[str]) -> Page:
    """A browser of its own, in which nothing may go against the content security policy."""

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            blocked.append(message.text)

    page = await (await browser.new_context(locale="fr")).new_page()
    page.on("console", note)
    return page


async def _sign_in(page: Page, portal: Portal) -> None:
    await page.goto(f"{portal.url}/accounts/proconnect/?next=/rooms/")
    await page.wait_for_url(f"{portal.url}/rooms/")


async def _has(page: Page, portal: Portal, room: str) -> bool:
    """Whether the room is among those of who signs in there now."""
    await _sign_in(page, portal)
    return await page.locator(f'main a[href="{room}"]').count() > 0


async def _open_administration(page: Page, portal: Portal, secret: str) -> None:
    await page.goto(f"{portal.url}/accounts/login/")
    await page.fill('input[name="login"]', ADMINISTRATOR)
    await page.fill('input[name="password"]', PASSWORD)
    await page.click('form:has([name="password"]) [type="submit"]')
    await page.fill('[name="code"]', code_of(secret))
    await page.click('form:has([name="code"]) [type="submit"]')
    await page.wait_for_url(f"{portal.url}/")
