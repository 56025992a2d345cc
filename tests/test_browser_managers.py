"""A manager at work: from the header to a person of theirs, who is signed out everywhere and suspended, by keyboard."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from accounts.factors.tests.codes import code_of
from tests.people import PASSWORD, Person
from tests.portal import Portal
from tests.screens import ChromiumScreen, chromium

pytestmark = [pytest.mark.browser]

_MANAGER, _AGENT = "mona.manager@example.org", "lou.agent@example.org"
_SET_UP = f"""
from accounts.models import Membership, Organisation, User
museums = Organisation.objects.create(name="Musées")
louvre = Organisation.objects.create(name="Louvre", parent=museums)
for email, place, role in (("{_MANAGER}", museums, "manager"), ("{_AGENT}", louvre, "member")):
    Membership.objects.create(user=User.objects.get(email=email), organisation=place, role=role)
"""
_WIDER_THAN_THE_SCREEN = "document.documentElement.scrollWidth > innerWidth"


async def test_a_manager_finds_a_person_signs_them_out_and_suspends_them(portal: Portal, media: Path) -> None:
    async with Person(portal, "Mona Martin") as mona, Person(portal, "Lou Petit") as lou:
        await mona.accept(await asyncio.to_thread(portal.manage, "invite", _MANAGER))
        await lou.accept(await asyncio.to_thread(portal.manage, "invite", _AGENT))
        await asyncio.to_thread(portal.manage, "shell", "--no-imports", "-c", _SET_UP)
        async with chromium(1, portal, media) as screen:
            await screen.sign_in(_MANAGER, PASSWORD)
            await screen.click('header a[href="/organisation/"]')
            await screen.wait_for('[data-testid="tree"]')
            await screen.show_as(360, 740, "light")
            assert not await screen.evaluate(_WIDER_THAN_THE_SCREEN)
            await screen.click('[data-testid="tree"] a')
            await screen.click('main a[href$="/people/"]')
            await screen.fill("#search-people", "lou.ag")
            await screen.page.keyboard.press("Enter")
            await screen.wait_for('[data-testid="people"]')
            assert await screen.page.locator('[data-testid="people"] li').count() == 1
            await screen.click('[data-testid="people"] a')
            person = str(await screen.evaluate("location.pathname"))

            # Acting asks for a second factor, which is set up first, and shown where the session has none.
            await screen.click('[data-testid="acts"] a[href$="/sign-out/"]')
            await screen.page.wait_for_url("**/accounts/security/")
            secret = await mona.add_app()
            await screen.goto(person)
            await screen.click('[data-testid="acts"] a[href$="/sign-out/"]')
            await screen.wait_for('[name="code"]')
            await screen.fill('[name="code"]', code_of(secret, steps=1))
            await screen.page.keyboard.press("Enter")
            await screen.page.wait_for_url("**/sign-out/")

            assert (await lou.http.get("/rooms/")).status_code == 200
            await _do(screen)
            assert (await lou.http.get("/rooms/")).status_code == 302
            await lou.sign_in(_AGENT)
            await screen.click('[data-testid="acts"] a[href$="/suspend/"]')
            await _do(screen)
            await screen.wait_for("main .fr-badge--warning")
            assert (await lou.http.get("/rooms/")).status_code == 302
            assert not await screen.evaluate(_WIDER_THAN_THE_SCREEN)
            await screen.click('[data-testid="acts"] a[href$="/reactivate/"]')
            await _do(screen)
            await lou.sign_in(_AGENT)


async def _do(screen: ChromiumScreen) -> None:
    """By keyboard, and the page of the person says that it is done."""
    await screen.page.focus('main form [type="submit"]')
    await screen.page.keyboard.press("Enter")
    await screen.wait_for(".fr-alert--success")
