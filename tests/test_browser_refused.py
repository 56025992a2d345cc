"""In a browser: who will not be let in reads so before they ask, and how a call's end is told to whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.calls import wait_until
from tests.people import ALICE, PASSWORD, Person
from tests.portal import Portal
from tests.screen_acts import guest_is_admitted, host_opens_a_room
from tests.screens import ChromiumScreen, chromium
from tests.test_browser_door import door, looks_right, provoked

pytestmark = [pytest.mark.browser, pytest.mark.calls]

GUEST = "Bob Petit"
CAPTURES = "navigator.mediaDevices.enumerateDevices === undefined ? -1 : window.captures"
COUNT_CAPTURES = """
window.captures = 0;
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wanted) => { window.captures += 1; return open(wanted); };
"""
SAID = "[...document.querySelectorAll('[data-testid=announcer] p')].map(({ innerText }) => innerText)"
_LAY_DOWN = """
from accounts.models import Membership, Organisation, Policy, User
ministry = Organisation.objects.create(name="Ministry without guests")
Membership.objects.create(user=User.objects.get(email="%s"), organisation=ministry)
Policy.objects.create(organisation=ministry, guests_allowed=False)
"""
_TAKE_BACK = """
from accounts.models import Membership, Organisation, Policy
for kind in (Policy, Membership):
    kind.objects.filter(organisation__name="Ministry without guests").delete()
Organisation.objects.filter(name="Ministry without guests").delete()
"""


async def test_who_was_removed_reads_so_at_the_door_and_the_door_opens_when_the_host_says_so(
    portal: Portal, media: Path, alice: Person
) -> None:
    async with door(1, portal, media) as host, door(2, portal, media) as guest:
        guest.tolerated.append("[Dd]ata ?[Cc]hannel")  # livekit-client says as much when the engine puts somebody out
        await guest.page.context.add_init_script(COUNT_CAPTURES)
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, GUEST)
        identity = await guest.identity()
        await host.press("people-button")
        await host.press(f"actions-{identity}")
        await host.press(f"remove-{identity}")
        await host.press("confirm-button")
        await guest.shows("ending-removed")
        await guest.goto(f"/r/{slug}")
        await is_refused(guest, "removed", "On vous a fait sortir de cette réunion")
        assert await guest.evaluate(CAPTURES) == 0, "a camera was opened for nothing"
        assert "contactez la personne qui vous a invité" in await guest.page.inner_text("main")
        await looks_right(guest, "refused-removed")
        await guest.page.evaluate("provoke({ isHurried: true })")
        await guest.page.reload()
        await is_refused(guest, "removed", "On vous a fait sortir de cette réunion")
        await alice.http.get(f"/rooms/{slug}/settings")
        await alice.forgive(slug, identity)
        await guest.shows("join-button")  # by itself
        await wait_until(lambda: guest.evaluate(f"{CAPTURES} > 0"), lambda: "no camera now")
        assert "Prêt" in await guest.evaluate("document.activeElement.innerText")


async def test_denied_and_locked_are_told_before_one_asks(
    portal: Portal, media: Path, bob: Person, alice: Person
) -> None:
    slug = await alice.create_room("Comité budgétaire")
    await alice.enter(slug)
    async with door(1, portal, media) as guest:
        await guest.ask_to_enter(slug, GUEST)
        await guest.shows("lobby-waiting")
        await alice.moderate(slug, await guest.identity(), "deny")
        await guest.shows("ending-denied")
        await guest.goto(f"/r/{slug}")
        await is_refused(guest, "denied", "Votre entrée n’a pas été acceptée")
        await guest.page.context.clear_cookies()
        assert (await alice.call(slug, "lock")).status_code == 204
        await provoked_closed(guest, slug)
        await is_refused(guest, "locked", "Le salon est verrouillé")
        assert (await alice.call(slug, "unlock")).status_code == 204
        await guest.shows("join-button")


async def test_where_no_guests_are_allowed_the_door_says_so_at_once_and_leads_to_the_sign_in(
    portal: Portal, media: Path, alice: Person
) -> None:
    slug = await alice.create_room()
    async with no_guests(portal), door(1, portal, media) as guest:
        await guest.goto(f"/r/{slug}")
        await is_refused(guest, "no_guests", "Ce salon n’accueille pas d’invités")
        await looks_right(guest, "refused-no-guests")
        await guest.press("sign-in-link")
        await guest.wait_for('input[name="login"]')
        await guest.fill('input[name="login"]', ALICE)
        await guest.fill('input[name="password"]', PASSWORD)
        await guest.click('main form [type="submit"]')
        await guest.shows("join-button")
        assert await guest.evaluate("location.pathname") == f"/r/{slug}"


async def test_a_rule_that_comes_while_a_guest_stands_before_the_door_is_told_after_the_click(
    portal: Portal, media: Path, alice: Person
) -> None:
    slug = await alice.create_room()
    async with door(1, portal, media) as guest:
        guest.tolerated.append("Failed to load resource")
        await provoked(guest, slug, {})
        async with no_guests(portal):
            await guest.fill('[data-testid="name-input"]', GUEST)
            await guest.press("join-button")
            await guest.wait_for('[data-testid="join-notice"][data-notice="refused"] >> text=compte')


async def test_who_ends_the_call_reads_that_they_did_and_opens_it_again_the_others_that_it_is_over(
    portal: Portal, media: Path
) -> None:
    async with chromium(1, portal, media) as host, chromium(2, portal, media) as guest:
        for screen in (host, guest):  # livekit-client complains where the media server ends the connection first
            screen.tolerated.append(r"[Dd]ata ?[Cc]hannel")
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, GUEST)
        await host.press("leave-menu")
        await host.press("end-for-all")
        await host.press("confirm-button")
        await host.shows("ending-ended-by-you")
        await guest.shows("ending-ended")
        assert "Vous avez mis fin à la réunion" in await host.page.inner_text("h1")
        # The live region: the end, once, and nothing of the call.
        assert await host.evaluate(SAID) == ["Toutes les personnes présentes en sont sorties."]
        assert await guest.evaluate(SAID) == ["La personne qui l’organise y a mis fin pour tout le monde."]
        await looks_right(host, "ended-by-you")
        await host.press("rejoin-button")
        await host.shows("call-stage")
        assert "sorties" not in " ".join(await host.evaluate(SAID))


async def is_refused(screen: ChromiumScreen, code: str, title: str) -> None:
    await screen.wait_for(f'[data-testid="door-closed"][data-refusal="{code}"]')
    assert await screen.page.inner_text("h1") == title
    for act in ("join-button", "name-input", "preview"):
        assert await screen.page.locator(f'[data-testid="{act}"]').count() == 0, act


async def provoked_closed(screen: ChromiumScreen, slug: str) -> None:
    """The page, hurried, of a door that is closed."""
    await screen.goto(f"/r/{slug}")
    await screen.page.evaluate("provoke({ isHurried: true })")
    await screen.page.reload()


@asynccontextmanager
async def no_guests(portal: Portal) -> AsyncIterator[None]:
    """Meanwhile Alice's organisation allows no guests in its rooms."""
    await asyncio.to_thread(portal.manage, "shell", "--no-imports", "-c", _LAY_DOWN % ALICE)
    try:
        yield
    finally:
        await asyncio.to_thread(portal.manage, "shell", "--no-imports", "-c", _TAKE_BACK)
