"""What the call page says beside the call itself: how long it goes on, what is new, what begins, and how it was."""

import json
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.calls import wait_until
from tests.portal import Portal
from tests.screen_acts import guest_is_admitted, host_opens_a_room
from tests.screens import ChromiumScreen, chromium
from tests.test_browser_axe import RULES

pytestmark = [pytest.mark.browser, pytest.mark.calls]

GUEST = "Bob Petit"
DESK, PHONE, NARROW = (1280, 800), (360, 740), (320, 568)
WINDOW = "Budget slides"
# Left, top, right and bottom of each element of a test id.
BOXES = """(id) => [...document.querySelectorAll(`[data-testid=${id}]`)]
  .map((element) => element.getBoundingClientRect())
  .map(({ left, top, right, bottom }) => [left, top, right, bottom])"""
# What takes longer than a millisecond to move, and how: elements with what is drawn before and behind them.
MOVING = """[...document.querySelectorAll("#call-root, #call-root *")].flatMap((element) =>
  [null, "::before", "::after"].flatMap((part) => {
    const { animationName, animationDuration, transitionDuration, scrollBehavior } = getComputedStyle(element, part);
    const longest = (text) => Math.max(...text.split(",").map(parseFloat));
    const isAnimated = animationName !== "none" && longest(animationDuration) > 0.001;
    const isMoving = isAnimated || longest(transitionDuration) > 0.001 || scrollBehavior === "smooth";
    return isMoving ? [`${element.className} ${part}`] : [];
  }))"""
SHOWN_TOASTS = "[...document.querySelectorAll('[data-testid=toast]')].filter((toast) => toast.checkVisibility())"
# Of a toast: lines of text, and how far they are from the upper and the lower edge.
TEXT_IN_BOX = """(toast) => {
  const range = document.createRange();
  range.selectNodeContents(toast.firstChild);
  const [text, box] = [range.getBoundingClientRect(), toast.getBoundingClientRect()];
  const lines = Math.round(text.height / parseFloat(getComputedStyle(toast.firstChild).lineHeight));
  return [lines, text.top - box.top, box.bottom - text.bottom];
}"""
# Which states each shared screen's tile had, from its first moment on; frames may be kept from being told of.
WATCH_SHARES = """
window.shareStates = [];
window.isBlind = false;
addEventListener("playing", (event) => { if (window.isBlind) event.stopImmediatePropagation(); }, true);
new MutationObserver(() => {
  const state = document.querySelector("[data-testid=share-tile]")?.dataset.picture;
  if (state && state !== window.shareStates.at(-1)) window.shareStates.push(state);
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-picture"] });
"""


async def test_a_call_says_how_long_it_goes_on_and_afterwards_asks_how_it_was(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as host, chromium(2, portal, media) as guest:
        await _has_a_wrong_clock(guest, ahead_s=3 * 3600)
        slug = await host_opens_a_room(host)
        await host.shows("call-timer")
        await wait_until(lambda: _goes_on(host), lambda: "the clock stands still")
        await guest_is_admitted(host, guest, slug, GUEST)
        await guest.shows("call-timer")
        seconds = [await _seconds(screen) for screen in (host, guest)]
        assert abs(seconds[0] - seconds[1]) <= 2, seconds
        assert await host.evaluate("document.querySelector('[role=timer]').ariaLive") == "off"
        await _is_clean(host, "call")
        await host.page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
        assert not await host.page.is_visible('[data-testid="call-timer"]'), "no room for it, and the title is cut"
        await guest.press("leave-button")
        await guest.shows("call-rating")
        await _is_clean(guest, "rating")
        await guest.page.focus('[data-testid="rate-middling"]')
        await guest.page.keyboard.press("Enter")
        await guest.wait_for('[data-testid="call-rating"][data-state="thanked"]')
        focused = "document.activeElement.closest('[data-testid=call-rating]')?.innerText ?? ''"
        assert "Merci" in await guest.evaluate(focused)
        assert json.loads(portal.manage("shell", "--no-imports", "-c", _RATINGS))[GUEST] == "middling"
        await guest.press("rejoin-button")
        await guest.shows("call-stage")


async def test_who_wants_less_motion_sees_nothing_move_before_in_and_after_the_call(
    portal: Portal, media: Path
) -> None:
    async with chromium(1, portal, media) as host:
        await host.page.emulate_media(reduced_motion="reduce")
        await host_opens_a_room(host)
        await host.press("more-menu")
        await host.wait_for('[role="menu"]')
        assert await host.evaluate(MOVING) == []
        await host.page.emulate_media(reduced_motion="no-preference")
        assert await host.evaluate(MOVING), "without the wish nothing moves either: this looks at nothing"
        await host.page.emulate_media(reduced_motion="reduce")
        await host.page.keyboard.press("Escape")
        await host.press("leave-button")
        await host.shows("ending-left")
        assert await host.evaluate(MOVING) == []
        await host.press("restart-button")
        await host.shows("device-check")
        assert await host.evaluate(MOVING) == []


async def test_news_lie_above_the_faces_and_go_when_one_looks(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as host, chromium(2, portal, media) as guest:
        await host.page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, GUEST)
        await host.wait_for('[data-testid="toast"] >> text=arrivée dans la réunion')
        await guest.press("chat-button")
        await guest.fill(
            '[data-testid="chat-input"]', "Bonjour à toutes et à tous, le budget est en ligne depuis hier soir."
        )
        await guest.press("chat-send")
        await host.wait_for('[data-testid="toast"] >> text=Bonjour')
        shown, faces = await _boxes(host, "toast"), await _boxes(host, "tile")
        assert shown
        assert len(faces) == 2
        assert not [(toast, face) for toast in shown for face in faces if _overlap(toast, face)]
        await host.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        assert await host.evaluate(f"{SHOWN_TOASTS}.length") == 1
        # Also of several lines, the text does not touch the box's edges.
        await host.evaluate(f"{SHOWN_TOASTS}[0].firstChild.textContent = 'Le micro est débranché. '.repeat(6)")
        lines, above, below = await host.evaluate(f"({TEXT_IN_BOX})({SHOWN_TOASTS}[0])")
        assert (lines >= 4, above >= 7, below >= 7) == (True, True, True), (lines, above, below)
        await host.press("chat-button")
        await host.shows("chat-panel")
        about_chat = f"{SHOWN_TOASTS}.filter((toast) => /Bonjour/.test(toast.innerText)).length"
        assert not await host.evaluate(about_chat), "the chat is open, and still announced"
        # The tiles were laid out anew above the sheet.
        [sheet] = await _boxes(host, "chat-panel")
        assert sheet[3] - sheet[1] <= 0.65 * PHONE[1]

        async def both_are_above() -> bool:
            return [face[3] <= sheet[1] + 1 for face in await _boxes(host, "tile")] == [True, True]

        await wait_until(both_are_above, lambda: "no face above the sheet")


async def test_a_share_says_that_it_begins_until_its_first_picture(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as host, chromium(2, portal, media, shares=WINDOW) as guest:
        await host.page.add_init_script(WATCH_SHARES)
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, GUEST)
        await host.evaluate("window.isBlind = true")
        window = await _share(guest)
        await host.wait_for('[data-testid="share-tile"][data-picture="starting"] >> text=commence à partager')
        await guest.press("share-button")
        await host.page.wait_for_selector('[data-testid="share-tile"]', state="detached")
        await host.evaluate("window.isBlind = false; window.shareStates = []")
        await guest.press("share-button")
        await host.wait_for('[data-testid="share-tile"][data-picture="fine"]')
        assert await host.evaluate("shareStates") == ["starting", "fine"]
        await window.close()


_RATINGS = (
    "import json; from meetings.models import CallReport;"
    "print(json.dumps(dict(CallReport.objects.exclude(rating='').values_list('participant__name', 'rating'))))"
)


async def _has_a_wrong_clock(screen: ChromiumScreen, *, ahead_s: int) -> None:
    await screen.page.add_init_script(f"const right = Date.now; Date.now = () => right() + {ahead_s * 1000};")


async def _goes_on(screen: ChromiumScreen) -> bool:
    return await _seconds(screen) >= 3


async def _seconds(screen: ChromiumScreen) -> int:
    hours, minutes, seconds = (await screen.page.inner_text('[data-testid="call-timer"]')).split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


async def _boxes(screen: ChromiumScreen, test_id: str) -> list[list[float]]:
    boxes: list[list[float]] = await screen.page.evaluate(BOXES, test_id)
    return boxes


async def _is_clean(screen: ChromiumScreen, where: str) -> None:
    results = (await Axe().run(screen.page, options=RULES)).response
    assert results["passes"], f"{where}: axe looked at nothing"
    assert not results["violations"], f"{where}: {[broken['id'] for broken in results['violations']]}"


def _overlap(one: list[float], other: list[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


async def _share(screen: ChromiumScreen) -> Page:
    window = await screen.page.context.new_page()
    await window.set_content(
        f"<title>{WINDOW}</title><h1>Budget</h1><script>setInterval(() => document.body.append('.'), 200)</script>"
    )
    await screen.page.bring_to_front()
    await screen.press("share-button")
    await screen.shows("own-share")
    return window
