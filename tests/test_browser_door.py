"""Before the call, in a browser: who is inside already, devices that were refused, and the waiting room."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe

from meetings.probe import Probe
from tests.calls import wait_until
from tests.people import ALICE, PASSWORD, Person
from tests.portal import ROOT, Portal
from tests.screens import BROWSER, ChromiumScreen, chromium
from tests.test_browser_axe import RULES

pytestmark = [pytest.mark.browser, pytest.mark.calls]

SHOTS = ROOT / "build" / "screenshots"
PHONE, SMALL_PHONE, DESK = (360, 740), (360, 640), (1280, 800)
REFUSED = {"fault": "NotAllowedError", "words": "Permission denied"}
REFUSED_BY_SYSTEM = {"fault": "NotAllowedError", "words": "Permission denied by system"}
# Also those that a person makes with the keyboard, over all pages of the tab.
COUNT_CLICKS = """
addEventListener("click", () => {
  sessionStorage.setItem("clicks", String(1 + Number(sessionStorage.getItem("clicks") ?? 0)));
}, true);
"""
HOSTILE = "<img src=x onerror='document.title=1'>\nÀ tout de suite \u202eéé\u202c"


@asynccontextmanager
async def door(number: int, portal: Portal, media: Path) -> AsyncIterator[ChromiumScreen]:
    """A browser in which seldom states can be provoked, and the page hurries to ask who is inside."""
    async with chromium(number, portal, media) as screen:
        await screen.page.context.add_init_script(path=BROWSER / "states.js")
        yield screen


async def test_before_the_door_one_sees_who_is_inside_as_far_as_one_may(
    portal: Portal, media: Path, alice: Person, bob: Person
) -> None:
    slug = await alice.create_room("Comité budgétaire")
    await alice.enter(slug)
    entrance = await alice.entrance(slug)
    first, second = Probe(1), Probe(2)
    async with door(3, portal, media) as screen:
        try:
            await screen.goto(f"/r/{slug}")
            await screen.shows("device-check")
            await first.join(entrance.url, entrance.token)
            await screen.page.reload()
            await screen.shows("device-check")
            # A guest who will have to wait: neither names nor number, nowhere in the page.
            assert await screen.page.locator('[data-testid="inside"]').count() == 0
            assert "Alice" not in await screen.page.content()

            await screen.sign_in(ALICE, PASSWORD)
            await provoked(screen, slug, {"isHurried": True})
            await says(screen, "inside-count", "1 personne est déjà là")
            await says(screen, "inside-names", "Alice Martin")
            await bob.enter(slug)
            await alice.moderate(slug, bob, "admit")
            entrance = await bob.entrance(slug)
            await second.join(entrance.url, entrance.token)
            await says(screen, "inside-count", "2 personnes sont déjà là")  # without a reload
            await says(screen, "inside-names", "Alice Martin et Bob Petit")
            await looks_right(screen, "door-inside")
        finally:
            await first.leave()
            await second.leave()
        await says(screen, "inside-count", "Personne n’est encore là")


async def test_who_is_signed_in_with_remembered_devices_is_inside_in_two_clicks(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as screen:
        await screen.page.context.add_init_script(COUNT_CLICKS)
        await screen.sign_in(ALICE, PASSWORD)
        slug = await screen.meet_now()
        await screen.press("preview-camera-button")
        await screen.press("join-button")
        await screen.shows("call-stage")
        await screen.press("leave-button")
        await screen.shows("ending-left")

        await screen.goto("/")
        await screen.evaluate("sessionStorage.setItem('clicks', '0')")
        await screen.click(f'main a[href="/r/{slug}"]')
        await screen.press("join-button")
        await screen.page.wait_for_selector('html[data-call-state="connected"]', state="attached")
        await screen.shows("call-stage")
        assert await screen.evaluate("sessionStorage.getItem('clicks')") == "2"
        switches = (
            "['mic', 'camera'].map((which) => document.querySelector(`[data-testid=${which}-button]`).ariaPressed)"
        )
        assert await screen.evaluate(switches) == ["true", "false"], "not as it was chosen the last time"


async def test_what_was_refused_is_brought_back_by_the_browsers_own_steps_and_one_click(
    portal: Portal, media: Path, alice: Person
) -> None:
    slug = await alice.create_room()
    async with door(1, portal, media) as screen:
        for refusal, kind in ((REFUSED, "refused"), (REFUSED_BY_SYSTEM, "system")):
            await provoked(screen, slug, refusal)
            await screen.wait_for(f'[data-testid="device-fault"][data-fault="{kind}"][data-browser="chromium"]')
            box = screen.page.locator('[data-testid="device-fault"]')
            assert "Avec Chrom" in await box.locator(".fault__where").inner_text()
            steps = await box.locator("li").all_inner_texts()
            assert await box.locator(".fault__further").count() == 1
            assert sum("« Réessayer »" in step.replace("\u00a0", " ") for step in steps) == 1
            assert ("icône des réglages du site" in steps[0]) == (kind == "refused")
            await looks_right(screen, f"door-{kind}")
        await screen.page.evaluate("provoke({})")
        await screen.press("device-retry")
        await is_repaired(screen)
        # Allowed in the browser's own settings, it needs no click at all.
        await provoked(screen, slug, REFUSED)
        await screen.shows("device-fault")
        await allow(screen, "denied")
        await screen.page.evaluate("provoke({})")
        await allow(screen, "granted")
        await is_repaired(screen)


async def test_who_waits_knows_their_place_and_reads_the_hosts_message(
    portal: Portal, media: Path, bob: Person
) -> None:
    async with door(1, portal, media) as host, door(2, portal, media) as guest, Person(portal, "Carla") as carla:
        await host.sign_in(ALICE, PASSWORD)
        slug = await host.meet_now()
        await host.press("join-button")
        await host.shows("call-stage")
        for person in (bob, carla):
            assert await person.enter(slug) == "waiting"
        await guest.ask_to_enter(slug, "Eve Noël")
        await says(guest, "queue-place", "Vous êtes n° 3 sur 3 en attente")
        await host.press("people-button")
        await host.press("lobby-message-button")
        await host.fill('[data-testid="lobby-message-input"]', HOSTILE)
        await host.press("lobby-message-save")
        await says(
            guest,
            "host-message",
            "Message de l’organisation\n\n<img src=x onerror='document.title=1'>\nÀ tout de suite éé",
        )
        assert await guest.page.locator('[data-testid="host-message"] img').count() == 0
        await bob.call(slug, "leave")
        await says(guest, "queue-place", "Vous êtes n° 2 sur 2 en attente")
        await host.press(f"admit-{carla.identity}")
        await says(guest, "queue-place", "Vous êtes la seule personne en attente")
        await looks_right(guest, "door-waiting")
        # What one waits with can be tried meanwhile.
        await has_own_picture(guest)
        await guest.wait_for('[data-testid="level-meter"]')
        await guest.press("preview-camera-button")
        await guest.wait_for('[data-testid="preview-camera-button"][aria-pressed="false"]')
        assert await guest.page.locator('[data-testid="camera-select"]').is_enabled()
        await host.press("lobby-message-button")
        await host.fill('[data-testid="lobby-message-input"]', "")
        await host.press("lobby-message-save")
        await says(guest, "host-message", "")


async def test_on_a_small_phone_join_and_what_one_waits_for_are_seen_without_scrolling(
    portal: Portal, media: Path, alice: Person
) -> None:
    slug = await alice.create_room("Comité budgétaire")
    async with door(1, portal, media) as guest:
        await guest.page.set_viewport_size({"width": SMALL_PHONE[0], "height": SMALL_PHONE[1]})
        await provoked(guest, slug, REFUSED)
        await guest.shows("device-fault")
        assert await in_view(guest, "join-button") == [True]
        first_step = guest.page.locator('[data-testid="device-fault"] li').first
        assert not await first_step.is_visible()
        await guest.press("fault-steps")
        assert await first_step.is_visible()
        await guest.press("fault-steps")
        await guest.fill('[data-testid="name-input"]', "Eve Noël")
        await guest.press("join-button")
        await guest.shows("lobby-waiting")
        await says(guest, "queue-place", "Vous êtes la seule personne en attente")
        assert await in_view(guest, "queue-place") == [True]
        await guest.page.evaluate("provoke({})")
        await guest.press("device-retry")
        await is_repaired(guest)


async def test_a_host_before_the_door_sees_who_waits_as_they_come_and_go(
    portal: Portal, media: Path, bob: Person
) -> None:
    async with door(1, portal, media) as host, Person(portal, "Carla") as carla:
        await host.sign_in(ALICE, PASSWORD)
        slug = await host.meet_now()
        await provoked(host, slug, {"isHurried": True})
        assert await host.page.locator('[data-testid="waiting-outside"]').count() == 0
        await bob.enter(slug)
        await host.wait_for('[data-testid="waiting-outside"][data-count="1"]')
        await carla.enter(slug)
        await host.wait_for('[data-testid="waiting-outside"][data-count="2"]')
        await says(host, "waiting-outside-names", "Bob Petit et Carla")
        assert "2 personnes attendent" in await host.page.inner_text(
            '[role="status"]:has([data-testid="waiting-outside"])'
        )
        await looks_right(host, "door-host")
        await bob.call(slug, "leave")
        await host.wait_for('[data-testid="waiting-outside"][data-count="1"]')
        await carla.call(slug, "leave")
        await host.page.wait_for_selector('[data-testid="waiting-outside"]', state="detached")


async def test_of_two_people_of_one_name_the_host_lets_the_right_one_in(
    portal: Portal, media: Path, bob: Person
) -> None:
    async with door(1, portal, media) as host, Person(portal, "Bob Petit") as real:
        await real.accept(portal.manage("invite", "bob.petit@finances.example.org"))
        await host.sign_in(ALICE, PASSWORD)
        slug = await host.meet_now()
        await host.press("join-button")
        await host.shows("call-stage")
        await bob.enter(slug)
        await host.wait_for('[data-testid="waiting-notice"] >> text=invité')
        await host.press("people-button")
        assert "invité · attend depuis" in await host.page.inner_text(f'[data-testid="origin-{bob.identity}"]')
        assert await host.page.locator(f'[data-testid="place-{bob.identity}"]').count() == 0
        await real.enter(slug)
        real_row = f"origin-{real.identity}"
        await host.wait_for(f'[data-testid="{real_row}"] >> text=avec un compte · finances.example.org')
        assert await host.page.inner_text(f'[data-testid="place-{real.identity}"]') == "n° 2"
        names = [
            await host.page.get_attribute(f'[data-testid="admit-{one.identity}"]', "aria-label") for one in (bob, real)
        ]
        assert names == ["Admettre Bob Petit, n° 1", "Admettre Bob Petit, n° 2"]
        await host.page.screenshot(path=SHOTS / "door-same-names.png")
        await host.press(f"admit-{real.identity}")
        await host.page.wait_for_selector(f'[data-testid="{real_row}"]', state="detached")
        assert ((await real.state(slug))["me"]["state"], (await bob.state(slug))["me"]["state"]) == (
            "admitted",
            "waiting",
        )


async def provoked(screen: ChromiumScreen, slug: str, wanted: dict[str, Any]) -> None:
    await screen.goto(f"/r/{slug}")
    await screen.page.evaluate("(wanted) => provoke(wanted)", wanted)
    await screen.page.reload()
    await screen.shows("device-check")


async def says(screen: ChromiumScreen, test_id: str, text: str) -> None:
    shown = f"document.querySelector('[data-testid=\"{test_id}\"]')?.innerText"
    last: object = None

    async def is_so() -> bool:
        nonlocal last
        last = await screen.evaluate(shown)
        return bool(last == text)

    await wait_until(is_so, lambda: f"{test_id} says {last!r}, not {text!r}")


async def in_view(screen: ChromiumScreen, test_id: str) -> list[bool]:
    """Of each element: whether all of it is in the window, with nothing scrolled."""
    seen: list[bool] = await screen.page.evaluate(
        """(id) => [...document.querySelectorAll(`[data-testid="${id}"]`)].map((element) => {
          const { top, bottom, height } = element.getBoundingClientRect();
          return scrollY === 0 && height > 0 && top >= 0 && bottom <= innerHeight;
        })""",
        test_id,
    )
    return seen


async def allow(screen: ChromiumScreen, setting: str) -> None:
    """What the person chooses for this site in the browser's own settings."""
    browser = await screen.page.context.new_cdp_session(screen.page)
    context = (await browser.send("Target.getTargetInfo"))["targetInfo"]["browserContextId"]
    chosen = {"setting": setting, "origin": screen.url, "browserContextId": context}
    for name in ("camera", "microphone"):
        await browser.send("Browser.setPermission", {"permission": {"name": name}, **chosen})


async def is_repaired(screen: ChromiumScreen) -> None:
    await screen.page.wait_for_selector('[data-testid="device-fault"]', state="detached")
    await has_own_picture(screen)


async def has_own_picture(screen: ChromiumScreen) -> None:
    picture = "document.querySelector('[data-testid=\"preview\"] video').videoWidth > 0"
    await wait_until(lambda: screen.evaluate(picture), lambda: "no own picture")


async def looks_right(screen: ChromiumScreen, name: str) -> None:
    """On a phone and a desk: no rule of axe is broken, nothing is wider than the window, and a picture is kept."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    for where, size in (("phone", PHONE), ("desk", DESK)):
        await screen.show_as(*size, "light")
        await screen.page.screenshot(path=SHOTS / f"{name}-{where}.png", full_page=True)
        results: dict[str, Any] = (await Axe().run(screen.page, options=RULES)).response
        assert results["passes"], f"{name}: axe looked at nothing"
        found = {broken["id"]: [node["html"] for node in broken["nodes"]] for broken in results["violations"]}
        assert not found, f"{name}, {where}: {found}"
        too_wide = await screen.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, f"{name}, {where}: {too_wide} pixels wider than the window"
