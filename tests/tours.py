"""Walks through the portal that stop at each page and each state of the call, so that somebody may look: axe, a camera.

Each tour says what it shows (`views`); `test_pages_and_states.py` sees to it that together they show all there is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from playwright.async_api import Page as Window
from playwright.async_api import Route

from accounts.factors.tests.codes import code_of
from tests.calls import wait_until
from tests.pages_and_states import PAGES, TEMPLATES, Page
from tests.people import ALICE, PASSWORD, Person
from tests.portal import Portal
from tests.screens import BROWSER, ChromiumScreen, chromium

# Of what a test provokes, the browser says as much on its console; and livekit-client of the cuts.
_PROVOKED = (r"Failed to load resource", r"WebSocket", r"websocket", r"signal", r"connection", r"[Dd]ata ?[Cc]hannel")
_WINDOW = "Budget 2027"
_SLIDE = f"""<!DOCTYPE html><html lang="fr"><title>{_WINDOW}</title><style>
body {{ margin: 0; height: 100vh; display: grid; align-content: center; gap: 3vh; padding: 0 8vw;
  background: #fff; color: #161616; font: 2.2vw Marianne, Arial, sans-serif }}
h1 {{ color: #000091; font-size: 4.4vw; margin: 0 }}
div {{ display: grid; grid-template-columns: 18vw 1fr 8vw; gap: 1vw; align-items: center }}
i {{ height: 3vw; background: #000091 }} i.b {{ background: #6a6af4 }} i.c {{ background: #e1000f }}</style>
<h1>Budget 2027</h1>
<div>Numérique<i style="width: 82%"></i>41 %</div><div>Formation<i class="b" style="width: 56%"></i>28 %</div>
<div>Bâtiments<i class="c" style="width: 38%"></i>19 %</div><div>Divers<i class="b" style="width: 24%"></i>12 %</div>
</html>"""

Look = Callable[[ChromiumScreen, str], Awaitable[None]]


@dataclass(slots=True)
class Cast:
    """Who walks: a host with an account, and a guest."""

    portal: Portal
    host: ChromiumScreen
    guest: ChromiumScreen
    language: str = "fr"
    email: str = ALICE
    guest_name: str = "Bob Petit"
    room: str = ""  # a room that the host has already; without it a new one
    company: Callable[[Cast, str], Awaitable[None]] | None = None  # brings more people into the call


@dataclass(frozen=True, slots=True)
class Tour:
    walk: Callable[[Cast, Look], Awaitable[None]]
    views: Sequence[str]


@asynccontextmanager
async def cast(
    portal: Portal, media: Path, *, locale: str = "fr-FR", films: tuple[Path | None, Path | None] = (None, None)
) -> AsyncIterator[Cast]:
    """Two browsers in which seldom states can be provoked. `films`: what their cameras see, if not test cards."""
    async with (
        chromium(1, portal, media, locale=locale, film=films[0]) as host,
        chromium(2, portal, media, shares=_WINDOW, locale=locale, film=films[1]) as guest,
    ):
        for screen in (host, guest):
            await screen.page.context.add_init_script(path=BROWSER / "states.js")
            screen.tolerated.extend(_PROVOKED)
        yield Cast(portal, host, guest, language=locale[:2])


async def _host_is_at_the_door(cast: Cast) -> str:
    """Signed in, before their room's device check; the room's slug."""
    host = cast.host
    await host.sign_in(cast.email, PASSWORD)
    if not cast.room:
        return await host.meet_now()
    await host.goto(f"/rooms/?{urlencode({'q': cast.room})}")
    await host.click('main a[href^="/r/"]')
    await host.shows("device-check")
    return str(await host.evaluate("location.pathname")).removeprefix("/r/")


# --- Pages


async def _pages(cast: Cast, look: Look) -> None:
    host, guest = cast.host, cast.guest
    slug = await _host_is_at_the_door(cast)
    invitation = await asyncio.to_thread(cast.portal.manage, "invite", "nouvelle.personne@example.org")
    places = {"slug": slug, "invitation": invitation.strip().removeprefix(cast.portal.url)}
    for page in (page for pages in PAGES.values() for page in pages if page.who != "administrator"):
        await _visit(host if page.who == "host" else guest, page, places, look)
    for name, text in (await asyncio.to_thread(_rendered, cast)).items():
        await _show(guest, name, text, look)


async def _visit(screen: ChromiumScreen, page: Page, places: dict[str, str], look: Look) -> None:
    await screen.goto(page.path.format(**places))
    await screen.wait_for("h1")
    await look(screen, page.name)


def _rendered(cast: Cast) -> dict[str, str]:
    """Each of TEMPLATES as the portal would make it, in one start of its interpreter."""
    shown = ", ".join(f"{page.name!r}: render_to_string({page.template!r}, {page.context})" for page in TEMPLATES)
    code = (
        "import json; from django.template.loader import render_to_string; from django.utils import translation; "
        f"translation.activate({cast.language!r}); print(json.dumps({{{shown}}}))"
    )
    found: dict[str, str] = json.loads(cast.portal.manage("shell", "--no-imports", "-c", code))
    return found


async def _show(screen: ChromiumScreen, name: str, text: str, look: Look) -> None:
    address = f"{screen.url}/shown/{name}"
    await screen.page.route(address, lambda route: route.fulfill(body=text, content_type="text/html; charset=utf-8"))
    await screen.page.goto(address)
    await screen.wait_for("h1")
    await look(screen, name)


# --- The administration

_ADMINISTRATOR = "administration@example.org"
# One relay worker more than there are: that is how one that is away looks.
_WITHOUT_A_WORKER = f"""
from allauth.mfa.models import Authenticator
from django.conf import settings; from django.test import Client; from accounts.models import User
settings.RELAY_WORKERS += 1
client = Client(headers={{"host": "localhost", "accept-language": %r}})
client.force_login(user := User.objects.get(email="{_ADMINISTRATOR}"), "django.contrib.auth.backends.ModelBackend")
session, app = client.session, Authenticator.objects.filter(user=user).first()
session["account_authentication_methods"] = [dict(method="mfa", at=0, id=app.pk)]
session["account_authentication_methods_user"] = str(user.pk)
session.save()
print(client.get("/admin/").content.decode())
"""
_CUT_OFF = """
from meetings.models import CallReport
print("".join(f"/admin/meetings/callreport/{row.pk}/change/" for row in CallReport.objects.cut_off()[:1]))
"""
# Two accounts of one person: to be merged, not to be merged, and merged.
_MERGES = """
from accounts.merging.merging import merge
from accounts.models import Employment, Membership, MergeProposal, Organisation, SignInIdentity, User
office, _ = Organisation.objects.get_or_create(name="Direction du numérique", siret="13002526500013")
for name in ("open", "refused", "merged"):
    known, is_new = User.objects.get_or_create(
        email=f"marie.durand.{name}@culture.example", defaults=dict(first_name="Marie", last_name="Durand"))
    if is_new:
        fresh = User.objects.create_user(
            f"{known.public_id.hex}@sign-in.invalid", first_name="Marie", last_name="Durand")
        Membership.objects.create(user=known, organisation=office)
        Employment.objects.create(user=known, source="sirh", hr_id=f"{name}-1", organisation=office)
        for person, idp in ((known, "71144ab3-ee1a-4401-b7b3-79b44f7daeeb"), (fresh, "fia-culture-2027")):
            SignInIdentity.objects.create(user=person, issuer="https://auth.example/api/v2", sub=f"{name} {idp}",
                email=known.email, siret=office.siret, idp_id=idp, uid="m.durand")
        if name == "refused":
            Employment.objects.create(user=fresh, source="sirh", hr_id=f"{name}-2")
        MergeProposal.objects.create(fresh=fresh, known=known, reason="new_sub")
        if name == "merged":
            merge(fresh, known, acting_user=None)
    proposal = MergeProposal.objects.get(known=known)
    print(f"/admin/accounts/mergeproposal/{proposal.pk}/change/")
"""
# An organisation that the administrator leads, with others in it, and people.
_LED = f"""
from accounts.models import Membership, Organisation, User
boss = User.objects.get(email="{_ADMINISTRATOR}")
led, is_new = Organisation.objects.get_or_create(name="Secrétariat général de la transformation numérique")
if is_new:
    Membership.objects.create(user=boss, organisation=led, role="administrator")
    for name in ("Direction des systèmes d’information", "Direction des affaires juridiques"):
        part = Organisation.objects.create(name=name, parent=led)
        Organisation.objects.create(name="Bureau 1", parent=part)
    for number, (first, last) in enumerate([("Zoé", "Lefèvre"), ("Marie-Antoinette", "de La Tour-d’Auvergne")] * 30):
        person = User.objects.create_user(f"agent{{number:02}}@modele.example", first_name=first, last_name=last)
        role = "manager" if number == 1 else "member"
        Membership.objects.create(user=person, organisation=led, role=role)
    User.objects.filter(email="agent02@modele.example").update(is_active=False)
print(led.public_id, User.objects.get(email="agent01@modele.example").public_id)
"""
_GIVE_TOKEN = f"""
from django.core.management import call_command; from accounts.models import ApiToken
call_command("give_api_token", "Room booking", "--owner", "{_ADMINISTRATOR}", "--scope", "rooms:read")
print(f"/admin/accounts/apitoken/{{ApiToken.objects.latest('pk').pk}}/change/")
"""


async def _administration(cast: Cast, look: Look) -> None:
    """With a departure of the demonstration to look at; those who walk in it have it already."""
    screen = cast.guest
    departure = (await _ask(cast, "shell", "--no-imports", "-c", _CUT_OFF)).strip()
    if not departure:
        await _ask(cast, "demo", "--yes")
        departure = (await _ask(cast, "shell", "--no-imports", "-c", _CUT_OFF)).strip()
    found = (await _ask(cast, "shell", "--no-imports", "-c", _MERGES)).split()
    places = {"departure": departure}
    places |= dict(zip(("merge", "refused", "merged"), found[-3:], strict=True))
    async with Person(cast.portal, "Camille Dubois") as administrator:
        await administrator.accept(await _ask(cast, "invite", "--admin", _ADMINISTRATOR))
        secret = await administrator.add_app()
    led = (await _ask(cast, "shell", "--no-imports", "-c", _LED)).split()
    places |= dict(zip(("organisation", "member"), led[-2:], strict=True))
    await screen.give_password(_ADMINISTRATOR, PASSWORD)
    await screen.wait_for('[name="code"]')
    await look(screen, "sign-in-code")
    await screen.fill('[name="code"]', code_of(secret))
    await screen.click('form:has([name="code"]) [type="submit"]')
    await screen.is_signed_in(_ADMINISTRATOR)
    places["token"] = (await _ask(cast, "shell", "--no-imports", "-c", _GIVE_TOKEN)).split()[-1]
    for page in (page for pages in PAGES.values() for page in pages if page.who == "administrator"):
        await _visit(screen, page, places, look)
    await _give_token(screen, look)
    text = await _ask(cast, "shell", "--no-imports", "-c", _WITHOUT_A_WORKER % cast.language)
    await _show(screen, "administration-worker-away", text[text.index("<!DOCTYPE") :], look)


async def _give_token(screen: ChromiumScreen, look: Look) -> None:
    """By the form, as far as the page that shows the token, this once."""
    await screen.goto("/admin/accounts/apitoken/add/")
    await screen.page.eval_on_selector("#apitoken_form", "form => { form.noValidate = true }")
    await screen.click('[type="submit"][name="_save"]')
    await screen.wait_for(".errornote")
    await look(screen, "administration-token-wrong")
    await screen.fill('[name="name"]', "Room booking")
    await screen.fill('[name="owner"]', _ADMINISTRATOR)
    await screen.click('[name="scopes"][value="rooms:read"]')
    await screen.click('[type="submit"][name="_save"]')
    await screen.wait_for(".messagelist .warning")
    await look(screen, "administration-token-given")


async def _ask(cast: Cast, *arguments: str) -> str:
    return await asyncio.to_thread(cast.portal.manage, *arguments)


# --- Before the call

_FAULTS = {
    "refused": ("NotAllowedError", "Permission denied"),
    "dismissed": ("NotAllowedError", "Permission dismissed"),
    "system": ("NotAllowedError", "Permission denied by system"),
    "missing": ("NotFoundError", ""),
    "busy": ("NotReadableError", ""),
    "insecure": ("InsecureContextError", ""),
    "unknown": ("TypeError", ""),
}
_LOBBY_MESSAGE = {
    "fr": "Nous terminons le point précédent et vous faisons entrer vers 10 h.\nAyez l’ordre du jour sous les yeux.",
    "en": "We are finishing the item before yours and will let you in at about ten.\nPlease have the agenda at hand.",
    "de": "Wir beenden den Punkt davor und lassen Sie gegen 10 Uhr herein.\nHalten Sie bitte die Tagesordnung bereit.",
}
# What the portal answers, by the notice that it leads to; without an answer it is away.
_REFUSALS = {
    "bad-name": (400, "bad_name"),
    "too-many": (429, "rate_limited"),
    "server-error": (500, ""),
    "offline": None,
}
# What the door says at once; the words beside are the portal's own, in whatever language.
_DOOR_REFUSALS = ("removed", "denied", "locked", "no_guests", "foreign_domain", "step_up", "room_full")


async def _before(cast: Cast, look: Look) -> None:
    guest = cast.guest
    slug = await _host_is_at_the_door(cast)
    async with Person(cast.portal, "Zoë Brown") as first, Person(cast.portal, "Seán O’Connor") as second:
        await first.enter(slug)
        await second.enter(slug)
        await cast.host.page.reload()
        await cast.host.shows("waiting-outside")
        await look(cast.host, "somebody-waits-outside")
        for person in (first, second):
            await person.call(slug, "leave")
    await _open(guest, slug, {"hasNoWebRtc": True})
    await _see(guest, "state-unsupported", look)
    for fault, (error, words) in _FAULTS.items():
        await _open(guest, slug, {"fault": error, "words": words})
        await _see(guest, f"fault-{fault}", look)
    for code in _DOOR_REFUSALS:
        async with _refused_at_the_door(guest, code):
            await _open(guest, slug, {})
            await _see(guest, f"refusal-{code}", look)
    await _open(guest, slug, {})
    await _see(guest, "state-device-check", look)
    await guest.fill('[data-testid="name-input"]', cast.guest_name)
    for notice, refusal in _REFUSALS.items():
        async with _answering(guest, "enter", refusal):
            await guest.press("join-button")
            await _see(guest, f"notice-{notice}", look)
    async with _held(guest, "enter"):
        await guest.press("join-button")
        await _see(guest, "state-entering", look)
    await _see(guest, "state-waiting", look)
    await guest.press("stop-waiting")
    await _is(guest, "left")
    await _told_while_waiting(cast, slug, look)
    await _is(guest, "left")
    await _open(guest, slug, {})
    async with _answering(guest, "enter", (404, "not_found")):
        await guest.press("join-button")
        await _see(guest, "state-not-found", look)


async def _told_while_waiting(cast: Cast, slug: str, look: Look) -> None:
    """Third of three, with a message of the host's."""
    host, guest = cast.host, cast.guest
    await host.goto(f"/rooms/{slug}/settings")
    await host.fill('textarea[name="lobby_message"]', _LOBBY_MESSAGE[cast.language])
    await host.click('main form:has([name="lobby_message"]) [type="submit"]')
    await host.wait_for(".fr-alert--success")
    async with Person(cast.portal, "Zoë Brown") as first, Person(cast.portal, "Seán O’Connor") as second:
        await first.enter(slug)
        await second.enter(slug)
        await _open(guest, slug, {})
        await guest.fill('[data-testid="name-input"]', cast.guest_name)
        await guest.press("join-button")
        await guest.wait_for('[data-testid="queue-place"][data-place="3"]')
        await guest.wait_for(".host-message__text")
        await look(guest, "waiting-and-told")
        for person in (first, second):
            await person.call(slug, "leave")
    await guest.press("stop-waiting")


# --- The call

_LINE = {
    "fr": "Bonjour ! Le document est ici : https://example.org/budget",
    "en": "Good morning! The paper is here: https://example.org/budget",
    "de": "Guten Morgen! Das Papier liegt hier: https://example.org/budget",
}


async def _call(cast: Cast, look: Look) -> None:
    host, guest = cast.host, cast.guest
    slug = await _host_is_at_the_door(cast)
    async with _held(host, "token"):
        await host.press("join-button")
        await _see(host, "state-connecting", look)
    await _see(host, "state-connected", look)
    await guest.ask_to_enter(slug, cast.guest_name)
    await host.shows("waiting-notice")
    await look(host, "somebody-waits")
    await host.press("people-button")
    await host.shows("waiting-list")
    await _see(host, "panel-people", look)
    await host.press("lobby-message-button")
    await host.fill('[data-testid="lobby-message-input"]', _LOBBY_MESSAGE[cast.language])
    await look(host, "lobby-message")
    await host.press("lobby-message-close")
    await host.press(f"admit-{await guest.identity()}")
    await guest.shows("call-stage")
    await host.press("panel-close")
    if cast.company:
        await cast.company(cast, slug)
    await host.wait_for('[data-testid="tile-video"] >> nth=1')
    await _chat(cast)
    await look(host, "several-people")
    await host.press("chat-button")
    await _see(host, "panel-chat", look)
    for panel in ("notices", "settings", "quality"):
        await host.press("more-menu")
        await host.press(f"{panel}-button")
        if panel == "quality":
            await host.shows("quality-path")  # the first figures
        await _see(host, f"panel-{panel}", look)
    await host.press("panel-close")
    for menu in ("more-menu", "mic-menu", "reactions-button", "leave-menu"):
        await host.press(menu)
        await host.wait_for('[role="menu"]')
        await look(host, f"open-{menu}")
        await host.page.keyboard.press("Escape")
    await host.press("leave-menu")
    await host.press("end-for-all")
    await host.shows("confirm-dialog")
    await look(host, "confirm")
    await host.press("confirm-close")
    await host.page.keyboard.press("?")
    await host.shows("shortcuts-dialog")
    await look(host, "shortcuts")
    await host.press("shortcuts-close")
    window = await _share(guest)
    picture = "document.querySelector('[data-testid=share-video]')?.videoWidth > 0"
    await wait_until(lambda: host.evaluate(picture), lambda: "the shared window is not seen")
    await host.page.wait_for_selector('[data-testid="toast"]', state="detached")
    await look(host, "share")
    await look(guest, "own-share")
    await window.close()
    await _back_at_the_door(host, look)
    await _cut(guest, look)


async def _back_at_the_door(host: ChromiumScreen, look: Look) -> None:
    """The host goes out and sees before the door who is inside."""
    await host.press("leave-button")
    await host.press("restart-button")
    await host.shows("inside-names")
    await look(host, "somebody-is-inside")
    await host.press("join-button")
    await host.shows("call-stage")


async def _chat(cast: Cast) -> None:
    """The guest says something and raises a hand."""
    host, guest = cast.host, cast.guest
    await guest.press("chat-button")
    await guest.fill('[data-testid="chat-input"]', _LINE[cast.language])
    await guest.press("chat-send")
    await guest.press("hand-button")
    await host.shows("chat-button-badge")
    await guest.press("panel-close")
    await host.page.wait_for_selector('[data-testid="toast"]', state="detached")  # they had their say


async def _share(guest: ChromiumScreen) -> Window:
    window = await guest.page.context.new_page()
    await window.set_content(_SLIDE)
    await guest.page.bring_to_front()
    await guest.press("share-button")
    await guest.shows("own-share")
    return window


async def _cut(guest: ChromiumScreen, look: Look) -> None:
    await _provoke(guest, {"refused": "/rtc"})
    assert await guest.evaluate("probe.cut('/rtc')") == 1
    await _see(guest, "reconnecting-signal", look)
    await _see(guest, "state-reconnecting", look)
    async with _held(guest, "token"):
        await _provoke(guest, {"refused": "/rtc", "isHurried": True})
        await _see(guest, "reconnecting-rejoin", look)
        await _provoke(guest, {})


# --- Endings


async def _endings(cast: Cast, look: Look) -> None:
    host, guest = cast.host, cast.guest
    slug = await _host_is_at_the_door(cast)
    await host.press("join-button")
    await host.press("people-button")
    await host.shows("people-panel")
    await _come_in(cast, slug)
    await guest.press("leave-button")
    await _see(guest, "state-left", look)
    await guest.press("rejoin-button")
    await guest.shows("call-stage")
    other = await guest.page.context.new_page()
    await other.goto(f"{guest.url}/r/{slug}")
    await other.click('[data-testid="join-button"]')
    await _see(guest, "state-duplicate", look)
    await other.close()
    await guest.press("rejoin-button")
    await guest.shows("call-stage")
    identity = await guest.identity()
    await host.press(f"actions-{identity}")
    await host.press(f"remove-{identity}")
    await host.press("confirm-button")
    await _see(guest, "state-removed", look)
    await _unreached(cast, slug, look)
    await _not_let_in(cast, slug, look)
    await host.press("unlock-button")
    await _come_in(cast, slug)
    await host.press("leave-menu")
    await host.press("end-for-all")
    await host.press("confirm-button")
    await _see(host, "state-ended-by-you", look)
    await _see(guest, "state-ended", look)


async def _unreached(cast: Cast, slug: str, look: Look) -> None:
    """Who is admitted cannot open the call: the portal is away, the network is, the certificate is not trusted."""
    guest = cast.guest
    async with _answering(guest, "token", None):
        await _come_in(cast, slug, {"isHurried": True}, state="reconnecting")
        await _see(guest, "state-unreachable", look)
        await guest.press("rejoin-button")
        await _is(guest, "reconnecting")
        await guest.page.context.set_offline(True)
        await _see(guest, "state-offline", look)
        await guest.page.context.set_offline(False)
    await _provoke(guest, {"isHurried": True, "refused": "/rtc"})
    await guest.page.route("**/trust", lambda route: route.fulfill(body="there is one"))
    await guest.press("rejoin-button")
    await _see(guest, "state-untrusted", look)


async def _not_let_in(cast: Cast, slug: str, look: Look) -> None:
    host, guest = cast.host, cast.guest
    await _as_stranger(cast, slug)
    await host.press(f"deny-{await guest.identity()}")
    await _see(guest, "state-denied", look)
    # Locked while they stand before it: who comes later reads so at the door.
    await guest.page.context.clear_cookies()
    await _open(guest, slug, {})
    await guest.fill('[data-testid="name-input"]', cast.guest_name)
    await host.press("lock-button")
    await host.shows("unlock-button")
    await guest.press("join-button")
    await _see(guest, "state-locked", look)


async def _come_in(cast: Cast, slug: str, provoked: dict[str, object] | None = None, state: str = "connected") -> None:
    """The guest, unknown to the portal, asks and is admitted."""
    await _as_stranger(cast, slug, provoked)
    await cast.host.press(f"admit-{await cast.guest.identity()}")
    await _is(cast.guest, state)


async def _as_stranger(cast: Cast, slug: str, provoked: dict[str, object] | None = None) -> None:
    await cast.guest.page.context.clear_cookies()
    await _open(cast.guest, slug, provoked or {})
    await cast.guest.fill('[data-testid="name-input"]', cast.guest_name)
    await cast.guest.press("join-button")
    await cast.guest.shows("lobby-waiting")


# --- Steps


async def _open(screen: ChromiumScreen, slug: str, provoked: dict[str, object]) -> None:
    """The call page, in which from its first line on happens what is `provoked`."""
    await screen.goto(f"/r/{slug}")
    await _provoke(screen, provoked)
    await screen.page.reload()


async def _provoke(screen: ChromiumScreen, wanted: dict[str, object]) -> None:
    await screen.page.evaluate("(wanted) => provoke(wanted)", wanted)


_SHOWN = {
    "reconnecting": '[data-testid="reconnecting"][data-layer="{}"]',
    "panel": '[data-testid="{}-panel"]',
    "fault": '[data-testid="device-fault"][data-fault="{}"]',
    "notice": '[data-testid="join-notice"][data-notice="{}"]',
    "refusal": '[data-testid="door-closed"][data-refusal="{}"]',
}


async def _see(screen: ChromiumScreen, view: str, look: Look) -> None:
    """Waits until the page itself says that this is shown, and has it looked at."""
    kind, _, value = view.partition("-")
    if kind == "state":
        await _is(screen, value)
        if await screen.page.locator(".ending").count():
            await _says_three_things(screen, view)
    else:
        await screen.wait_for(_SHOWN[kind].format(value))
    await look(screen, view)


async def _says_three_things(screen: ChromiumScreen, view: str) -> None:
    """Every screen after the call or instead of it: what happened, what we do about it, what one can do."""
    sentences = await screen.page.locator(".ending > .fr-text--lead, .ending > h2 + p").all_inner_texts()
    assert [sentence != "" for sentence in sentences] == [True] * 3, f"{view} says {sentences}"


async def _is(screen: ChromiumScreen, state: str) -> None:
    # The stage stands outside the page's flow: there the document itself has no height, thus is not "visible".
    await screen.page.wait_for_selector(f'html[data-call-state="{state}"]', state="attached")


@asynccontextmanager
async def _answering(screen: ChromiumScreen, call: str, refusal: tuple[int, str] | None) -> AsyncIterator[None]:
    """Meanwhile the portal answers this call of its API with a refusal, or not at all."""

    async def answer(route: Route) -> None:
        if refusal is None:
            await route.abort()
        else:
            await route.fulfill(status=refusal[0], json={"error": refusal[1], "message": ""})

    address = f"**/api/rooms/*/{call}"
    await screen.page.route(address, answer)
    yield
    await screen.page.unroute(address, answer)


@asynccontextmanager
async def _refused_at_the_door(screen: ChromiumScreen, code: str) -> AsyncIterator[None]:
    """Meanwhile the page comes with this refusal in it."""

    async def answer(route: Route) -> None:
        page = await route.fetch()
        refusal = json.dumps({"code": code, "message": code})
        await route.fulfill(response=page, body=(await page.text()).replace('"refusal": null', f'"refusal": {refusal}'))

    await screen.page.route("**/r/*", answer)
    yield
    await screen.page.unroute("**/r/*", answer)


@asynccontextmanager
async def _held(screen: ChromiumScreen, call: str) -> AsyncIterator[None]:
    """Meanwhile the portal's answer is on its way; it comes at the end."""
    may_go = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_go.wait()
        await route.continue_()

    address = f"**/api/rooms/*/{call}"
    await screen.page.route(address, hold)
    yield
    may_go.set()
    await screen.page.unroute_all(behavior="wait")


_ALL_PAGES = [page for pages in PAGES.values() for page in pages]
_PAGE_VIEWS = [page.name for page in _ALL_PAGES if page.who != "administrator"] + [page.name for page in TEMPLATES]
_ADMINISTRATION_VIEWS = [page.name for page in _ALL_PAGES if page.who == "administrator"]
_TOKEN_VIEWS = ["administration-token-wrong", "administration-token-given"]
TOURS: dict[str, Tour] = {
    "pages": Tour(_pages, _PAGE_VIEWS),
    "administration": Tour(
        _administration, ["sign-in-code", *_ADMINISTRATION_VIEWS, *_TOKEN_VIEWS, "administration-worker-away"]
    ),
    "before": Tour(
        _before,
        [
            "somebody-waits-outside",
            "state-unsupported",
            *(f"fault-{fault}" for fault in _FAULTS),
            *(f"refusal-{code}" for code in _DOOR_REFUSALS),
            "state-device-check",
            *(f"notice-{notice}" for notice in _REFUSALS),
            "state-entering",
            "state-waiting",
            "waiting-and-told",
            "state-not-found",
        ],
    ),
    "call": Tour(
        _call,
        [
            "state-connecting",
            "state-connected",
            "somebody-waits",
            "panel-people",
            "lobby-message",
            "several-people",
            "panel-chat",
            "panel-notices",
            "panel-settings",
            "panel-quality",
            "open-more-menu",
            "open-mic-menu",
            "open-reactions-button",
            "open-leave-menu",
            "confirm",
            "shortcuts",
            "share",
            "own-share",
            "somebody-is-inside",
            "reconnecting-signal",
            "state-reconnecting",
            "reconnecting-rejoin",
        ],
    ),
    "endings": Tour(
        _endings,
        [
            "state-left",
            "state-duplicate",
            "state-removed",
            "state-unreachable",
            "state-offline",
            "state-untrusted",
            "state-denied",
            "state-locked",
            "state-ended-by-you",
            "state-ended",
        ],
    ),
}
NOT_TOURED: dict[str, str] = {
    "reconnecting-media": "a moment between the two others, in the same banner with another sentence",
    "notice-refused": "the box of notice-server-error, with a sentence of the portal in it",
}
