"""HR without a shell, in a real browser: a file is brought, looked at, applied, and taken back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from accounts.factors.tests.codes import code_of
from tests.people import PASSWORD, Person
from tests.portal import Portal
from tests.screens import ChromiumScreen, chromium

pytestmark = [pytest.mark.browser]

_HR = "rh@example.org"
_DUTY = """
from accounts.models import HrDuty, Organisation, User
HrDuty.objects.create(user=User.objects.get(email="rh@example.org"), source="sirh-test")
Organisation.objects.create(name="Direction", source="sirh-test", external_id="D")
"""
_PEOPLE = """Matricule;Courriel;Prénom;Nom;Service
1;agent.un@rh.example;Anne;Martin;D
2;agent.deux@rh.example;Karim;Noël;D
3;sans adresse;Zoé;Petit;D
"""
_COUNT = 'from accounts.models import User; print(User.objects.filter(email__endswith="@rh.example").count())'
_APPLY = 'form[action$="/apply/"] [type="submit"]'


async def test_hr_brings_a_file_looks_at_it_applies_it_and_takes_it_back(
    portal: Portal, media: Path, tmp_path: Path
) -> None:
    file = tmp_path / "agents.csv"
    file.write_text(_PEOPLE)
    async with Person(portal, "Hélène Roy") as person:
        await person.accept(await asyncio.to_thread(portal.manage, "invite", _HR))
        secret = await person.add_app()
    await _shell(portal, _DUTY)
    async with chromium(1, portal, media) as screen:
        await screen.give_password(_HR, PASSWORD)
        await screen.fill('[name="code"]', code_of(secret))
        await screen.click('form:has([name="code"]) [type="submit"]')
        await screen.is_signed_in(_HR)
        await screen.goto("/accounts/profile/")
        await screen.click('a[href="/accounts/hr/"]')
        await _seen(screen, media, "desk")
        await screen.page.set_input_files('[name="people"]', file)
        await screen.click('form[enctype] [type="submit"]')
        await screen.wait_for(_APPLY)  # the page looks again by itself
        await _seen(screen, media, "ready")
        assert await screen.page.locator("tbody tr").count() == 3  # one wrong row, two new people
        assert await _count(portal) == 0

        # By keys alone: the box, then the button.
        await screen.page.focus('[name="sure"]')
        await screen.page.keyboard.press("Space")
        await screen.page.keyboard.press("Tab")
        await screen.page.keyboard.press("Enter")
        await screen.wait_for('a[href*="/accounts/hr/runs/"]')
        await _seen(screen, media, "applied")
        assert await _count(portal) == 2

        await screen.click('a[href*="/accounts/hr/runs/"]')
        await screen.click('a[href$="/undo/"]')
        await screen.page.wait_for_url("**/undo/")
        await _seen(screen, media, "undo")
        await screen.click('main form [type="submit"]')
        await screen.wait_for("main .fr-alert--success")
        await _seen(screen, media, "undone")
        assert await _count(portal) == 0


async def _seen(screen: ChromiumScreen, media: Path, name: str) -> None:
    """No page is wider than a phone."""
    await screen.wait_for("h1")
    await screen.show_as(360, 740, "dark")
    wide = await screen.evaluate("document.documentElement.scrollWidth > innerWidth")
    await screen.page.screenshot(path=media / f"hr-{name}-phone.png", full_page=True)
    await screen.show_as(1280, 800, "light")
    await screen.page.screenshot(path=media / f"hr-{name}-desk.png", full_page=True)
    assert not wide, f"{name} is wider than a phone"


async def _count(portal: Portal) -> int:
    return int(await _shell(portal, _COUNT))


async def _shell(portal: Portal, code: str) -> str:
    return await asyncio.to_thread(portal.manage, "shell", "--no-imports", "-c", code)
