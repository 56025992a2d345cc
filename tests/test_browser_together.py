"""What people do in a call beside talking: they write, raise hands, react; and are told of it as they wish."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from livekit import rtc

from tests.calls import wait_until
from tests.keyboard import Keyboard
from tests.people import Person
from tests.portal import Portal
from tests.screen_acts import guest_is_admitted, host_opens_a_room
from tests.screens import ChromiumScreen, chromium
from tests.test_browser_axe import RULES

pytestmark = [pytest.mark.browser, pytest.mark.calls]

GUEST = "Bob Petit"
LOG = '[data-testid="chat-log"] article'
TEXTS = f"[...document.querySelectorAll('{LOG}')].map((line) => line.querySelector('[id$=-text]').innerText)"
# Of each sound that is played: its first note, in hertz.
COUNT_NOTES = """
window.notes = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  notes.push(this.frequency.value);
  return start.apply(this, when);
};
"""
# A page whose packets of data get lost while it `isDeaf`.
MAY_BE_DEAF = """
window.isDeaf = false;
const handler = Object.getOwnPropertyDescriptor(RTCDataChannel.prototype, "onmessage");
Object.defineProperty(RTCDataChannel.prototype, "onmessage", {
  ...handler,
  set(handle) { handler.set.call(this, (event) => { if (!window.isDeaf) handle(event); }); },
});
"""


@asynccontextmanager
async def two_in_a_call(
    portal: Portal, media: Path, *, script: str = ""
) -> AsyncIterator[tuple[ChromiumScreen, ChromiumScreen, str]]:
    async with chromium(1, portal, media) as host, chromium(2, portal, media) as guest:
        for screen in (host, guest):
            await screen.page.add_init_script(script)
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, GUEST)
        yield host, guest, slug


async def test_what_is_written_is_shown_as_text_and_nothing_else(portal: Portal, media: Path) -> None:
    image = "<img src=x onerror='document.title=1'><b>gras</b>"
    turned = "Bonjour \u202egnp.exe\u202c fin"
    long = "é" * 1999 + "!"
    link = "Ordre du jour : https://intranet.example/ordre?jour=1, et javascript:alert(1)"
    async with two_in_a_call(portal, media) as (host, guest, _):
        for text in (image, turned, long, link):
            await _write(guest, text)
        await wait_until(lambda: _badge(host, "4"), lambda: "no badge of four")
        await _hears(host, f"{GUEST} :")
        await host.press("chat-button")
        await host.shows("chat-log")
        expected = [image, "Bonjour gnp.exe fin", long]
        await wait_until(lambda: _reads(host, [*expected, None]), lambda: "the texts are others")
        shown = await host.evaluate(f"document.querySelectorAll('{LOG} :is(img, b, script)').length")
        assert shown == 0, "a text became elements"
        links = await host.evaluate(
            f"[...document.querySelectorAll('{LOG} a')].map(({{ href, rel, target, firstChild }}) =>"
            " [href, rel, target, firstChild.textContent])"
        )
        address = "https://intranet.example/ordre?jour=1"
        assert links == [[address, "noopener noreferrer", "_blank", address]]
        directions = await host.evaluate(
            f"[...document.querySelectorAll('{LOG}')].map((line) => [line.querySelector('bdi').textContent,"
            " line.querySelector('[id$=-text]').dir])"
        )
        assert directions == [[GUEST, "auto"]] * 4
        assert await host.evaluate("document.querySelector('[data-testid=chat-button-badge]') === null")
        await _is_clean(host, "chat")
        widths = await host.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1], f"a long word makes the page {widths[0]} wide"


async def test_a_draft_outlives_its_panel_and_a_failed_message_is_sent_again_once(portal: Portal, media: Path) -> None:
    async with two_in_a_call(portal, media) as (host, guest, _):
        await guest.press("chat-button")
        await guest.wait_for('[data-testid="chat-input"]:focus')
        await guest.page.keyboard.type("à moitié")
        await guest.page.keyboard.press("Escape")
        await wait_until(
            lambda: guest.evaluate("document.querySelector('[data-testid=chat-panel]') === null"), lambda: "still open"
        )
        await guest.page.keyboard.press("c")
        await guest.shows("chat-input")
        assert await guest.page.input_value('[data-testid="chat-input"]') == "à moitié"
        await guest.page.keyboard.press("Shift+Enter")
        await guest.page.keyboard.type("fini")
        guest.tolerated.append("Failed to load resource")
        await guest.page.route("**/messages", lambda route: route.abort())
        await guest.page.keyboard.press("Enter")
        await guest.shows("chat-send-again")
        assert await guest.page.input_value('[data-testid="chat-input"]') == ""
        await _hears(guest, "Ce message n’est pas parti")
        await guest.page.unroute("**/messages")
        await guest.press("chat-send-again")
        await wait_until(lambda: _reads(guest, ["à moitié\nfini"]), lambda: "it was not sent")
        await host.press("chat-button")
        await wait_until(lambda: _reads(host, ["à moitié\nfini"]), lambda: "it did not arrive once")
        assert await guest.evaluate("document.querySelector('[data-testid=chat-outgoing]') === null")


async def test_messages_are_deleted_by_their_author_or_a_host_for_everybody(portal: Portal, media: Path) -> None:
    async with two_in_a_call(portal, media) as (host, guest, _):
        await _write(guest, "de Bob")
        await host.press("chat-button")
        await _write(host, "de la maison")
        for screen in (host, guest):
            await wait_until(lambda screen=screen: _reads(screen, ["de Bob", "de la maison"]), lambda: "not both")
        assert await guest.evaluate("document.querySelectorAll('[data-testid^=chat-delete]').length") == 1
        await host.page.hover(f"{LOG} >> nth=0")
        await host.click(f"{LOG}:first-of-type [data-testid^=chat-delete]")
        await host.press("confirm-button")
        for screen in (host, guest):
            await wait_until(
                lambda screen=screen: _reads(screen, ["Message supprimé", "de la maison"]), lambda: "it is still there"
            )
        assert await host.evaluate("document.activeElement.matches('article[data-deleted=true]')"), "focus is lost"


async def test_who_reconnects_reads_what_was_missed_and_who_comes_late_what_was_said(
    portal: Portal, media: Path, bob: Person
) -> None:
    async with two_in_a_call(portal, media, script=MAY_BE_DEAF) as (host, guest, slug):
        await _write(host, "avant")
        await wait_until(lambda: _badge(guest, "1"), lambda: "the first did not come")
        guest.tolerated.append("WebSocket is already in CLOSING or CLOSED state")
        await guest.evaluate("window.isDeaf = true")
        await _write(host, "pendant")
        await wait_until(lambda: _reads(host, ["avant", "pendant"]), lambda: "it was not sent")
        assert await _badge(guest, "1"), "nothing was missed"
        assert await guest.evaluate("probe.cut('/rtc')") == 1
        await wait_until(lambda: _badge(guest, "2"), lambda: "the missed message does not come")
        await guest.evaluate("window.isDeaf = false")
        await guest.press("chat-button")
        await wait_until(lambda: _reads(guest, ["avant", "pendant"]), lambda: "not both, once, in their order")

        assert await bob.enter(slug) == "waiting"
        refused = await bob.http.get(f"/api/rooms/{slug}/messages")
        assert refused.status_code in (403, 404), "who waits reads the chat"
        await guest.press("leave-button")
        await guest.shows("ending-left")
        await guest.press("rejoin-button")
        await guest.shows("call-stage")
        await guest.press("chat-button")
        await wait_until(lambda: _reads(guest, ["avant", "pendant"]), lambda: "no history")
        assert await guest.evaluate("document.querySelector('[data-testid=chat-button-badge]') === null")


async def test_the_log_stays_where_it_is_read_and_counts_what_comes_below(portal: Portal, media: Path) -> None:
    at_end = "(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight < 2)(log)"
    log = "const log = document.querySelector('[data-testid=chat-log]');"
    async with two_in_a_call(portal, media) as (host, guest, _):
        await guest.press("chat-button")
        await guest.shows("chat-log")
        for number in range(5):
            await _write(host, "\n".join(f"{number}.{line}" for line in range(9)))
        count = f"document.querySelectorAll('{LOG}').length"
        await wait_until(lambda: guest.evaluate(f"{count} === 5"), lambda: "not all came")
        await wait_until(lambda: guest.evaluate(f"(() => {{ {log} return {at_end} }})()"), lambda: "not at its end")
        await guest.evaluate(f"(() => {{ {log} log.scrollTop = 0 }})()")
        await _write(host, "encore")
        await guest.shows("chat-new-below")
        below = "document.querySelector('[data-testid=chat-new-below]').textContent"
        assert "1 nouveau message" in await guest.evaluate(below)
        assert await guest.evaluate(f"(() => {{ {log} return log.scrollTop }})()") == 0, "it moved under the reader"
        await guest.press("chat-new-below")
        await wait_until(lambda: guest.evaluate(f"(() => {{ {log} return {at_end} }})()"), lambda: "not at its end")
        assert await guest.evaluate("document.querySelector('[data-testid=chat-new-below]') === null")
        assert await guest.evaluate("document.activeElement !== document.body"), "the focus is nowhere"


async def test_hands_have_an_order_and_a_host_lowers_one_or_all(portal: Portal, media: Path) -> None:
    async with two_in_a_call(portal, media, script=COUNT_NOTES) as (host, guest, _):
        bob = await guest.identity()
        alice = await host.identity()
        await host.evaluate("notes.length = 0")
        await guest.page.keyboard.press("h")
        await _hears(guest, "Votre main est levée, numéro 1")
        await _hears(host, f"{GUEST} lève la main")
        assert await host.evaluate("notes.filter((hertz) => Math.round(hertz) === 784).length") == 2
        await host.press("hand-button")
        for screen in (host, guest):
            for identity, order in ((bob, "1"), (alice, "2")):
                await screen.wait_for(f'[data-identity="{identity}"] [data-testid="tile-hand"][data-order="{order}"]')
        await host.press("people-button")
        await host.shows("people-panel")
        people = "[...document.querySelectorAll('[data-testid=person]')].map(({ dataset }) => dataset.identity)"
        assert await host.evaluate(people) == [bob, alice], "hands come first, as they were raised"
        await _is_clean(host, "people, hands")
        await host.press(f"lower-hand-{bob}")
        await _hears(guest, "Une personne qui modère la réunion a baissé votre main.")
        await guest.wait_for(f'[data-identity="{alice}"] [data-testid="tile-hand"][data-order="1"]')
        await guest.press("hand-button")
        await host.shows(f"lower-hand-{bob}")
        await host.press("lower-all-hands")
        for screen in (host, guest):
            await wait_until(
                lambda screen=screen: screen.evaluate("document.querySelector('[data-testid=tile-hand]') === null"),
                lambda: "a hand stays up",
            )
        assert await host.evaluate("document.activeElement !== document.body"), "the focus is nowhere"


async def test_a_reaction_stands_on_its_senders_tile_for_some_seconds_and_is_announced(
    portal: Portal, media: Path
) -> None:
    async with two_in_a_call(portal, media) as (host, guest, _):
        bob = await guest.identity()
        await host.press("more-menu")
        await host.press("notices-button")
        await host.page.select_option('[data-testid="announce-reactions"]', "full")
        await _is_clean(host, "notices")
        await guest.press("reactions-button")
        await guest.press("reaction-clap")
        for screen in (host, guest):
            await screen.wait_for(f'[data-identity="{bob}"] [data-testid="tile-reaction"][data-reaction="clap"]')
        await _hears(host, f"{GUEST} : Applaudissements")
        await wait_until(
            lambda: host.evaluate("document.querySelector('[data-testid=tile-reaction]') === null"),
            lambda: "the sign stays",
        )


async def test_a_host_turns_everybody_elses_microphone_off(portal: Portal, media: Path) -> None:
    async with two_in_a_call(portal, media) as (host, guest, _):
        bob = await guest.identity()
        await host.wait_for(f'[data-testid="tile"][data-identity="{bob}"][data-mic="on"]')
        await host.press("people-button")
        await host.press("mute-others")
        await host.press("confirm-button")
        await host.wait_for(f'[data-testid="tile"][data-identity="{bob}"][data-mic="off"]')
        await _hears(host, "1 micro coupé")
        await _hears(guest, "Une personne qui modère la réunion a coupé votre micro.")


async def test_the_chat_is_walked_message_by_message_by_keyboard(portal: Portal, media: Path) -> None:
    async with two_in_a_call(portal, media) as (host_screen, guest, _):
        host = await Keyboard.of(host_screen)
        for text in ("un", "deux", "trois https://a.example/"):
            await _write(guest, text)
        await wait_until(lambda: _badge(host_screen, "3"), lambda: "no badge")
        await host.tab_to("button", "Discussion 3 messages non lus")
        await host.press("Enter")
        await host.lands_on("textbox", "Votre message à tout le monde")
        await host.press("m")
        assert await host_screen.page.input_value('[data-testid="chat-input"]') == "m", "a letter is only a letter"
        await host.press("Alt+m")
        await host.hears("Micro coupé")
        await host.press("Alt+m")
        await host.hears("Micro activé")
        await host.press("Shift+Tab")  # the button to delete that message
        await host.press("Shift+Tab")  # the link in it
        assert (await host.focus()).role == "link"
        await host.press("Shift+Tab")
        time = r"\d\d:\d\d"
        for key, text in (("", "trois"), ("ArrowUp", "deux"), ("Home", "un"), ("ArrowDown", "deux"), ("End", "trois")):
            if key:
                await host.press(key)
            focus = await host.focus()
            assert focus.role == "article"
            assert re.search(rf"{GUEST}.* {time} .*{text}", focus.name), f"{focus} after {key!r}"
        await host.press("Escape")
        await host.lands_on("button", "Discussion")


async def test_what_one_cannot_see_is_asked_for_by_key(portal: Portal, media: Path, bob: Person) -> None:
    async with chromium(1, portal, media) as screen:
        slug = await host_opens_a_room(screen)
        host = await Keyboard.of(screen)
        await host.press("i")
        await host.hears("Micro activé. Caméra activée")
        await host.press("m")
        await host.hears("Micro coupé")
        await host.press("Alt+i")
        await host.hears("Micro coupé. Caméra activée")

        async def hears_of_silence() -> bool:
            await host.press("q")
            return "Personne ne parle" in str(await _said(screen))

        await wait_until(hears_of_silence, lambda: "somebody speaks still")
        await host.press("l")
        await host.hears("Personne n’attend à l’entrée")
        assert await bob.enter(slug) == "waiting"
        await host.hears("Bob Petit attend à l’entrée")
        await host.press("l")
        await host.hears("En attente à l’entrée : Bob Petit")
        await screen.press("more-menu")
        await screen.press("notices-button")
        await screen.shows("notices-list")
        past = await screen.evaluate("document.querySelector('[data-testid=notices-list]').innerText")
        assert "Micro coupé. Caméra activée" in past, f"the list keeps what vanished: {past}"


async def test_key_combinations_are_chosen_kept_and_refused_where_they_are_taken(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media) as screen:
        slug = await host_opens_a_room(screen)
        host = await Keyboard.of(screen)
        await host.press("?")
        await screen.shows("shortcuts-dialog")
        await _is_clean(screen, "shortcuts")
        for pressed, answer in (
            ("Alt+m", "Alt+M sert déjà à «\u00a0Activer ou couper le micro\u00a0»"),
            ("Control+Shift+t", "Ctrl+Shift+T est réservé au navigateur"),
            ("x", "X n’est pas possible"),
            ("Alt+Shift+k", "Ouvrir ou fermer la discussion : Alt+Shift+K"),
        ):
            await screen.press("chord-chat")
            await host.press(pressed)
            await _answers(screen, answer)
        await screen.press("shortcuts-switch")
        await screen.press("shortcuts-close")
        await screen.goto(f"/r/{slug}")
        await screen.press("join-button")
        await screen.shows("call-stage")
        await host.press("c")
        await host.press("Alt+c")
        await host.press("Alt+Shift+k")
        await screen.shows("chat-panel")
        await host.press("Alt+Shift+k")
        await wait_until(
            lambda: screen.evaluate("document.querySelector('[data-testid=chat-panel]') === null"),
            lambda: "pressed twice, the chat stays open: the old key opened it",
        )


async def test_announcements_and_sounds_are_as_the_person_wants_them(portal: Portal, media: Path) -> None:
    async with two_in_a_call(portal, media, script=COUNT_NOTES) as (host, guest, _):
        await host.press("more-menu")
        await host.press("notices-button")
        await host.page.select_option('[data-testid="announce-chat"]', "short")
        await host.evaluate("notes.length = 0")
        await _write(guest, "premier")
        await _hears(host, f"Message de {GUEST}")
        assert await host.evaluate("notes") == pytest.approx([659.25], abs=0.1)
        await host.page.select_option('[data-testid="announce-chat"]', "off")
        await host.press("sound-chat")
        await host.press("mic-button")
        await _hears(host, "Micro coupé")
        await _write(guest, "deuxième")
        await wait_until(lambda: _badge(host, "2"), lambda: "the badge is the sound's visual twin")
        assert "deuxième" not in str(await _said(host))
        assert len(await host.evaluate("notes")) == 1


async def test_in_a_large_meeting_news_are_bundled_people_are_searched_and_no_sound_is_played(
    portal: Portal, media: Path
) -> None:
    async with chromium(1, portal, media) as host, AsyncExitStack() as stack:
        await host.page.add_init_script(COUNT_NOTES)
        slug = await host_opens_a_room(host)
        guests = await _silent_guests(stack, portal, host, slug, count=11)
        await _counts(host, 12)
        await host.evaluate("notes.length = 0")
        for number, text in enumerate(("un", "deux", "trois")):
            await guests[0].call(slug, "messages", {"text": text, "key": f"key-{number}"})
        await _hears(host, "3 nouveaux messages")
        for guest in guests[:2]:
            await guest.call(slug, "hand", {"isRaised": True})
        await _hears(host, "2 mains se lèvent")
        assert await host.evaluate("notes.length") > 0
        await host.fill('[data-testid="people-search"]', "invite 07")
        names = "[...document.querySelectorAll('[data-testid=person]')].map(({ dataset }) => dataset.name)"
        await wait_until(lambda: host.evaluate(f"String({names}) === 'Invité 07'"), lambda: "found are others")
        found = "document.querySelector('[data-testid=people-found]').textContent"
        assert await host.evaluate(found) == "1 personne trouvée"
        await _silent_guests(stack, portal, host, slug, count=9, first=12)
        await _counts(host, 21)
        await host.evaluate("notes.length = 0")
        await guests[0].call(slug, "messages", {"text": "quatre", "key": "key-4"})
        await _hears(host, "quatre")
        assert await host.evaluate("notes") == []


async def test_the_focus_stays_in_the_panel_when_its_control_goes(portal: Portal, media: Path) -> None:
    async with two_in_a_call(portal, media) as (screen, guest, _):
        host = await Keyboard.of(screen)
        await host.press("p")
        await host.lands_on("heading", "Personnes")
        await host.tab_to("button", f"Actions pour {GUEST}")
        await guest.press("leave-button")
        await host.lands_on("heading", "Personnes")


async def _silent_guests(
    stack: AsyncExitStack, portal: Portal, host: ChromiumScreen, slug: str, *, count: int, first: int = 1
) -> list[Person]:
    """People who are in the call and send nothing but what they write."""
    guests = [
        await stack.enter_async_context(Person(portal, f"Invité {number:02}")) for number in range(first, first + count)
    ]
    for guest in guests:
        assert await guest.enter(slug) == "waiting"
    await host.shows("notice-see" if await _panel(host) == "none" else "waiting-list")
    if await _panel(host) == "none":
        await host.press("notice-see")
    waiting = "document.querySelectorAll('[data-testid=waiting-person]').length"
    await wait_until(lambda: host.evaluate(f"{waiting} === {count}"), lambda: "not all wait")
    await host.press("admit-all")
    for guest in guests:
        await wait_until(lambda guest=guest: _is_admitted(guest, slug), lambda: "not admitted")
        entrance = await guest.entrance(slug)
        room = rtc.Room()
        await room.connect(entrance.url, entrance.token, rtc.RoomOptions(auto_subscribe=False))
        stack.push_async_callback(room.disconnect)
    return guests


async def _is_admitted(guest: Person, slug: str) -> bool:
    return bool((await guest.state(slug))["me"]["state"] == "admitted")


async def _panel(screen: ChromiumScreen) -> str:
    return str(await screen.evaluate("document.querySelector('[data-testid=call-stage]').dataset.panel"))


async def _counts(screen: ChromiumScreen, people: int) -> None:
    await screen.wait_for(f'[data-testid="people-count"][data-count="{people}"]')


async def _write(screen: ChromiumScreen, text: str) -> None:
    """Into the chat, opened where it is not; the next one may follow at once."""
    if await screen.evaluate("document.querySelector('[data-testid=call-stage]').dataset.panel !== 'chat'"):
        await screen.press("chat-button")
    await screen.fill('[data-testid="chat-input"]', text)
    await screen.page.press('[data-testid="chat-input"]', "Enter")
    await wait_until(
        lambda: screen.evaluate("document.querySelector('[data-testid=chat-outgoing]') === null"),
        lambda: f"{text[:40]!r} is not sent",
    )


async def _reads(screen: ChromiumScreen, texts: list[str | None]) -> bool:
    """The log has these messages, None standing for any."""
    found: list[str] = await screen.evaluate(TEXTS)
    pairs = zip(found, texts, strict=False)
    return len(found) == len(texts) and all(wanted in (None, text) for text, wanted in pairs)


async def _badge(screen: ChromiumScreen, number: str) -> bool:
    badge = "document.querySelector('[data-testid=chat-button-badge] > span')?.textContent"
    return bool(await screen.evaluate(badge) == number)


async def _said(screen: ChromiumScreen) -> Any:
    return await screen.evaluate("document.querySelector('[data-testid=announcer]').textContent")


async def _hears(screen: ChromiumScreen, words: str) -> None:
    last: list[Any] = []

    async def is_said() -> bool:
        last[:] = [await _said(screen)]
        return words in str(last[0])

    await wait_until(is_said, lambda: f"the live region says {last}, not {words!r}")


async def _answers(screen: ChromiumScreen, words: str) -> None:
    answer = "document.querySelector('[data-testid=chord-answer]').textContent"
    await wait_until(
        lambda: screen.evaluate(f"{answer}.includes({words!r})"), lambda: f"the list does not say {words!r}"
    )


async def _is_clean(screen: ChromiumScreen, where: str) -> None:
    results = (await Axe().run(screen.page, options=RULES)).response
    found = {broken["id"]: [node["html"] for node in broken["nodes"]] for broken in results["violations"]}
    assert results["passes"], f"{where}: axe looked at nothing"
    assert not found, f"{where}: {found}"
