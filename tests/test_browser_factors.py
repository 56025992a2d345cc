"""Passkeys in a real browser, with Chromium's own virtual authenticator: added, used alone, used after the password."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import CDPSession

from tests.people import PASSWORD, Person
from tests.portal import Portal
from tests.screens import ChromiumScreen, chromium

pytestmark = [pytest.mark.browser]

_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
_ADD = 'form[data-passkey="create"] [type="submit"]'
_USE = 'form[data-passkey="get"] [type="submit"]'


async def test_a_passkey_is_added_signs_in_alone_opens_the_administration_and_is_removed(
    portal: Portal, media: Path
) -> None:
    email = "passkeys@example.org"
    async with Person(portal, "Camille Dubois") as person:
        await person.accept(await asyncio.to_thread(portal.manage, "invite", "--admin", email))
    async with chromium(1, portal, media) as screen:
        device, key = await _device(screen)
        await screen.sign_in(email, PASSWORD)
        await screen.goto("/admin/")
        assert await _path(screen) == "/accounts/security/"
        await screen.goto("/accounts/security/passkeys/add/")
        await screen.click(_ADD)
        await screen.page.wait_for_url("**/recovery-codes/")
        assert len(await _credentials(device, key)) == 1
        await screen.goto("/admin/")
        assert await _path(screen) == "/admin/"

        # Alone, without address or password, and it is two factors.
        await _sign_out(screen)
        await screen.goto("/accounts/login/?next=/admin/")
        await screen.click(_USE)
        await screen.page.wait_for_url(f"{screen.url}/admin/")  # not "**/admin/", which is how this page's address ends

        # After the password, for who began with that.
        await _sign_out(screen)
        await screen.give_password(email, PASSWORD)
        await screen.page.wait_for_url("**/security/code/")
        await screen.click(_USE)
        await screen.is_signed_in(email)

        await screen.goto("/accounts/security/")
        await screen.click('a[href$="/remove/"]')
        await screen.click('main form [type="submit"]')
        await screen.page.wait_for_url("**/accounts/security/")
        await screen.goto("/admin/")
        assert await _path(screen) == "/accounts/security/"
        await _sign_out(screen)
        await screen.goto("/accounts/login/")
        await screen.click(_USE)  # the device has it still; the portal knows it no more
        await screen.page.wait_for_selector(".fr-alert--error:visible")
        assert await _path(screen) == "/accounts/login/"


async def test_who_cancels_and_who_has_no_passkey_reads_why_and_can_go_on(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as screen:
        device, key = await _device(screen)
        await device.send("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
        await screen.goto("/accounts/login/")
        await screen.click(_USE)
        await screen.page.wait_for_selector("#passkey-trouble:visible")
        assert await screen.page.inner_text("#passkey-trouble")
        assert await screen.page.is_enabled(_USE)


async def _device(screen: ChromiumScreen) -> tuple[CDPSession, str]:
    device = await screen.page.context.new_cdp_session(screen.page)
    await device.send("WebAuthn.enable")
    made = await device.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
    return device, str(made["authenticatorId"])


async def _credentials(device: CDPSession, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await device.send("WebAuthn.getCredentials", {"authenticatorId": key}))[
        "credentials"
    ]
    assert all(one["isResidentCredential"] for one in found), json.dumps(found)
    return found


async def _path(screen: ChromiumScreen) -> str:
    return str(await screen.evaluate("location.pathname"))


async def _sign_out(screen: ChromiumScreen) -> None:
    await screen.goto("/accounts/logout/")
    await screen.click('main form [type="submit"]')
    await screen.page.wait_for_url("**/")
