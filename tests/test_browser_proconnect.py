"""Sign-in and sign-out by ProConnect in a real browser, under the portal's own content security policy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.async_api import ConsoleMessage, async_playwright

from tests.idp.service import SECRET, sign_in_service
from tests.portal import Portal, free_port
from tests.screens import CHROMIUM, FLAGS

pytestmark = [pytest.mark.browser]


async def test_people_sign_in_and_out_by_proconnect(own_portal: Callable[..., Portal]) -> None:
    port = free_port()
    with sign_in_service(f"http://localhost:{port}") as service:
        environment = {
            "OIDC_ISSUER": service.issuer,
            "OIDC_CLIENT_ID": "es256",
            "OIDC_CLIENT_SECRET": SECRET,
            "OIDC_SIGN_ALGORITHM": "ES256",
            "SUPPORT_CONTACT": "support@culture.example",
        }
        portal = own_portal(workers=1, port=port, environment=environment)
        url = portal.url
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = await browser.new_page(locale="fr")
            blocked: list[str] = []

            def note(message: ConsoleMessage) -> None:
                if "Content Security Policy" in message.text:
                    blocked.append(message.text)

            page.on("console", note)
            await page.goto(url)
            await page.click("a.fr-connect")
            await page.wait_for_url(f"{url}/")
            assert "Bonjour Marie DURAND" in await page.inner_text("h1")
            # A room of one's own, to see that the session is a whole one.
            await page.goto(f"{url}/rooms/")
            assert page.url == f"{url}/rooms/"
            await page.click("form[action='/accounts/logout/'] button")
            await page.wait_for_url(f"{url}/")
            assert "ProConnect" in await page.inner_text("[role=status]")
            assert await page.locator("a.fr-connect").count() == 1
            # Signed out there, too: the next click is no silent one, and asks again.
            service.become(
                sub="paul", given_name="Paul", usual_name="PETIT", email="paul@culture.example", _acr="eidas0"
            )
            await page.click("a.fr-connect")
            await page.wait_for_selector("code")
            assert "access_denied" in await page.inner_text("main")
            assert "support@culture.example" in await page.inner_text("main")
            assert not blocked
            await browser.close()
        assert "eyJ" not in portal.log(10_000)
