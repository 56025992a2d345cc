"""The pages around a call: what they show, to whom, and in which language."""

from __future__ import annotations

import itertools
import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.shortcuts import render
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.models import User
from meetings.models import Attendance, CallSession, Participant, Room
from meetings.services.rooms import MAX_OPEN_ROOMS, ensure_first_room
from meetings.views.api import MISSES_PER_MINUTE
from meetings.views.pages import ROOMS_ON_PAGE
from visio_portal.testing import Cast

SLUG = re.compile(r"/r/[a-z]{3}-[a-z]{4}-[a-z]{3}")


@pytest.mark.parametrize(
    "typed",
    [
        "abc-defg-hij",
        " ABC-DEFG-HIJ ",
        "abcdefghij",
        "abc defg hij",
        "https://visio.example.org/r/abc-defg-hij",
        "https://visio.example.org:8443/r/abc-defg-hij?next=//evil.example#x",
        "visio.example.org/r/abc-defg-hij",
        "<http://localhost:8000/r/ABC-DEFG-HIJ>",
        "/r/abc-defg-hij/",
        "r/abc-defg-hij: /r/abc-defg-hij",
        "abc-defg-hij.",
        "<abc-defg-hij>",
        "« abc-defg-hij »,",
        "https://autre.example/r/zzz-zzzz-zzz or https://visio.example.org/r/abc-defg-hij",
        "Join us: https://visio.example.org/r/abc-defg-hij (from 9:00)",
    ],
)
def test_a_link_or_code_leads_to_the_room_on_this_portal(typed: str, cast: Cast, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["visio.example.org", "localhost", "testserver"]
    Room.objects.create(owner=cast.alice.signed_in, slug="abc-defg-hij")
    answer = cast.eve.post("/", {"code": typed})
    assert (answer.status_code, answer["Location"]) == (302, "/r/abc-defg-hij")


@pytest.mark.parametrize(
    "typed",
    [
        "https://autre.example/r/abc-defg-hij",
        "http://evil.example:8000/r/abc-defg-hij?next=https://visio.example.org/r/abc-defg-hij",
        "autre.example/r/abc-defg-hij",
        "https://visio.example.org@autre.example/r/abc-defg-hij",
        "https://visio.example.org.autre.example/r/abc-defg-hij",
        "https:///r/abc-defg-hij",
        "https://autre.example/visio.example.org/r/abc-defg-hij",
        "Venez : <https://autre.example/team/r/abc-defg-hij>",
    ],
)
def test_the_link_of_another_site_is_not_taken_for_ours(typed: str, cast: Cast, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["visio.example.org", "testserver"]
    Room.objects.create(owner=cast.alice.signed_in, slug="abc-defg-hij")
    page = cast.eve.post("/", {"code": typed})
    assert page.status_code == 200
    assert "Ce lien mène à un autre site" in page.content.decode()


def test_a_link_in_capitals_leads_to_the_room(cast: Cast) -> None:
    Room.objects.create(owner=cast.alice.signed_in, slug="abc-defg-hij")
    answer = cast.eve.get("/r/ABC-DEFG-HIJ")
    assert (answer.status_code, answer["Location"]) == (302, "/r/abc-defg-hij")


@pytest.mark.parametrize(
    "typed",
    ["nonsense", "abc-defg", "https://evil.example/", "abc-defg-hi1", "<script>", "http://[/", "/r/abc-defg-hijk"],
)
def test_what_is_no_code_is_explained_and_not_followed(typed: str, cast: Cast) -> None:
    answer = cast.eve.post("/", {"code": typed})
    assert answer.status_code == 200
    assert "abc-defg-hij" in answer.content.decode()
    assert "<script>" not in answer.content.decode().replace('<script src="', "").replace("<script type=", "")


def test_a_code_of_no_open_room_is_said_at_once_and_cannot_be_guessed_at(cast: Cast) -> None:
    Room.objects.create(owner=cast.alice.signed_in, slug="abc-defg-hij", closed_at=timezone.now())
    for code in ("abc-defg-hij", "zzz-zzzz-zzz"):
        page = cast.eve.post("/", {"code": code})
        assert page.status_code == 200
        assert "id_code-desc-error" in page.content.decode()
    answers = [cast.eve.post("/", {"code": "zzz-zzzz-zzz"}).status_code for _ in range(MISSES_PER_MINUTE)]
    assert answers[0] == 200
    assert answers[-1] == 429
    assert cast.eve.get("/r/zzz-zzzz-zzz").status_code == 429  # the same tries, by whichever door


def test_meet_now_makes_a_room_and_goes_there(cast: Cast) -> None:
    answer = cast.alice.post("/rooms/new", {"name": " Budget \u202e committee "})
    assert SLUG.fullmatch(answer["Location"])
    room = Room.objects.get()
    assert (room.name, room.owner, room.has_lobby) == ("Budget committee", cast.alice.user, True)
    assert cast.eve.post("/rooms/new")["Location"].startswith("/accounts/login/")
    assert Room.objects.count() == 1


def test_a_script_that_makes_a_room_is_told_the_way_and_the_link(cast: Cast, settings: Any) -> None:
    settings.PORTAL_URL = "https://visio.example.org"
    answer = cast.alice.client.post("/rooms/new", headers={"accept": "application/json"})
    path = f"/r/{Room.objects.get().slug}"
    assert answer.json() == {"path": path, "link": f"https://visio.example.org{path}"}
    Room.objects.bulk_create(Room(owner=cast.alice.signed_in) for _ in range(MAX_OPEN_ROOMS))
    refused = cast.alice.client.post("/rooms/new", headers={"accept": "application/json"})
    assert refused.json() == {"path": "/rooms/", "link": ""}
    assert "portal-rooms" in cast.alice.get("/rooms/").content.decode()


def test_a_person_cannot_fill_the_portal_with_rooms(cast: Cast) -> None:
    Room.objects.bulk_create(Room(owner=cast.alice.signed_in) for _ in range(MAX_OPEN_ROOMS))
    assert cast.alice.post("/rooms/new")["Location"] == "/rooms/"
    assert Room.objects.count() == MAX_OPEN_ROOMS


def test_my_rooms_are_mine(cast: Cast) -> None:
    Room.objects.create(owner=cast.alice.signed_in, name="Of Alice")
    Room.objects.create(owner=cast.dana.signed_in, name="Of Dana")
    for path in ("/", "/rooms/"):
        page = cast.dana.get(path).content.decode()
        assert "Of Dana" in page
        assert "Of Alice" not in page


def test_a_room_says_how_many_people_are_inside_now(cast: Cast) -> None:
    room = Room.objects.create(owner=cast.alice.signed_in, name="Budget committee")
    now = timezone.now()
    call = CallSession.objects.create(room=room, sid="RM_now", started_at=now, last_seen_at=now)
    over = CallSession.objects.create(room=room, sid="RM_over", started_at=now, ended_at=now, last_seen_at=now)
    inside, gone = cast.bob.sits(room), cast.charlie.sits(room)
    _stay(call, inside, "PA_1")
    _stay(call, inside, "PA_2")  # a second window is no second person
    _stay(call, gone, "PA_3", left_at=now)
    _stay(over, gone, "PA_4")
    assert [vars(found)["people_inside"] for found in Room.objects.with_people_inside()] == [1]
    for path in ("/", "/rooms/"):
        assert "1 person inside now" in cast.alice.client.get(path, headers={"accept-language": "en"}).content.decode()
    CallSession.objects.update(ended_at=timezone.now())
    assert "inside now" not in cast.alice.client.get("/", headers={"accept-language": "en"}).content.decode()


def test_past_meetings_cost_the_home_page_nothing(cast: Cast) -> None:
    """Counted in steps of SQLite's machine, which are the same on every computer."""
    if connection.vendor != "sqlite":
        pytest.skip("counts SQLite's steps")
    room = Room.objects.create(owner=cast.alice.signed_in, name="Budget committee")
    guest = cast.bob.sits(room)

    def steps() -> int:
        counted = itertools.count()
        connection.connection.set_progress_handler(lambda: next(counted) < 0, 1)
        list(Room.objects.visible_to(cast.alice.signed_in).open().busiest_first()[:5])
        connection.connection.set_progress_handler(None, 1)
        return next(counted)

    def hold_meeting(sid: str, *, is_over: bool) -> None:
        now = timezone.now()
        call = CallSession.objects.create(
            room=room, sid=sid, started_at=now, last_seen_at=now, ended_at=now if is_over else None
        )
        for number in range(100):
            _stay(call, guest, f"{sid}-{number}", left_at=now if is_over else None)

    steps()  # the statement is prepared
    before = steps()
    hold_meeting("RM_over", is_over=True)
    assert steps() < before + 100
    hold_meeting("RM_now", is_over=False)
    assert steps() > before + 100, "what is counted is not what is read"


def _stay(call: CallSession, participant: Participant, sid: str, **fields: Any) -> None:
    came = call.started_at
    Attendance.objects.create(call=call, participant=participant, sid=sid, joined_at=came, last_seen_at=came, **fields)


def test_many_rooms_come_by_pages_and_are_found_by_words(cast: Cast) -> None:
    for number in range(ROOMS_ON_PAGE + 5):
        Room.objects.create(owner=cast.alice.signed_in, name=f"Committee {number}")
    Room.objects.create(owner=cast.alice.signed_in, slug="wxy-wxyz-wxy", name="Budget 2027")
    pages = [cast.alice.get(f"/rooms/?page={number}").content.decode() for number in (1, 2)]
    assert [page.count('class="portal-room"') for page in pages] == [ROOMS_ON_PAGE, 6]
    assert cast.alice.get("/rooms/?page=nonsense").status_code == 200
    for words in ("budget", "2027 BUDGET", "wxyz"):
        found = cast.alice.client.get("/rooms/", {"q": words}).content.decode()
        assert found.count('class="portal-room"') == 1
        assert "Budget 2027" in found
    nothing = cast.alice.client.get("/rooms/", {"q": "<b>x"}).content.decode()
    assert "&lt;b&gt;x" in nothing
    assert "<b>x" not in nothing


def test_who_has_no_room_is_told_what_one_is(cast: Cast) -> None:
    for path in ("/", "/rooms/"):
        assert "portal-empty" in cast.alice.get(path).content.decode()
        assert "portal-empty" not in cast.eve.get("/").content.decode()


@pytest.mark.usefixtures("compiled_locale")
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_room_without_a_name_is_called_the_same_everywhere(language: str, cast: Cast) -> None:
    room = Room.objects.create(owner=cast.alice.signed_in)
    name = {"fr": "Réunion", "en": "Meeting"}[language] + f" {room.slug}"
    headers = {"accept-language": language}
    for path, shown in (
        ("/", f"<bdi>{name}</bdi>"),
        ("/rooms/", f"<bdi>{name}</bdi>"),
        (f"/rooms/{room.slug}/settings", f"<bdi>{name}</bdi>"),
        (f"/r/{room.slug}", f"<title>{name} – Visio</title>"),
        (f"/r/{room.slug}", f'"title": {json.dumps(name)}'),
    ):
        page = cast.alice.client.get(path, headers=headers).content.decode()
        assert shown in page, path


def test_the_owner_changes_name_lobby_and_lock(cast: Cast) -> None:
    room = Room.objects.create(owner=cast.alice.signed_in, name="Old")
    path = f"/rooms/{room.slug}/settings"
    assert cast.alice.post(path, {"name": " New\u202e ", "is_locked": "on"}).status_code == 302
    room.refresh_from_db()
    assert (room.name, room.has_lobby, room.is_locked) == ("New", False, True)
    refused = cast.alice.post(path, {"name": "x" * 101, "has_lobby": "on"})
    assert refused.status_code == 200
    assert "<title>New –" in refused.content.decode()  # what the room is called, not what was refused
    assert cast.dana.post(path, {"name": "Stolen"}).status_code == 404
    room.refresh_from_db()
    assert room.name == "New"


def test_lists_ask_the_database_no_more_for_more_rooms(cast: Cast, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        Room.objects.create(owner=cast.alice.signed_in, name=f"Room {number}")
    cast.alice.get("/rooms/")
    with django_assert_max_num_queries(7):  # two ask what her organisation lays down, one whether she leads any
        cast.alice.get("/rooms/")


@pytest.mark.parametrize("name", ["alice", "eve"])
def test_the_call_page_gets_what_its_contract_says(name: str, cast: Cast, settings: Any) -> None:
    room = Room.objects.create(owner=cast.alice.signed_in, name="Budget committee")
    answer = cast[name].get(f"/r/{room.slug}")
    page = answer.content.decode()
    found = re.search(r'<script id="call-config" type="application/json">(.*?)</script>', page)
    assert found
    config = json.loads(found.group(1))
    # By it the page knows how far the visitor's own clock is off.
    assert abs(datetime.fromisoformat(config.pop("now")) - timezone.now()) < timedelta(minutes=1)
    assert config == {
        "room": {"slug": room.slug, "title": "Budget committee", "hasLobby": True},
        "me": {
            "name": "Alice Martin" if name == "alice" else "",
            "isSignedIn": name == "alice",
            "isOwner": name == "alice",
        },
        "doorway": {
            "inside": {"view": "names", "count": 0, "names": []} if name == "alice" else {"view": "nothing"},
            "refusal": None,
            "waiting": {"count": 0, "names": []} if name == "alice" else None,
        },
        "locale": "fr",
        "urls": {
            "api": f"/api/rooms/{room.slug}",
            "websocket": f"/ws/rooms/{room.slug}",
            "home": "/",
            "language": "/i18n/setlang/",
            "signIn": f"/accounts/login/?next=%2Fr%2F{room.slug}",
        },
        "assets": {"base": "/static/call/"},
    }
    assert 'id="call-root"' in page
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(
    ("language", "word"), [("fr", "Rejoindre"), ("en", "Join"), ("de", "Teilnehmen"), ("it", "Rejoindre")]
)
def test_a_page_says_its_language(language: str, word: str, cast: Cast, compiled_locale: None) -> None:
    page = cast.eve.client.get("/", headers={"accept-language": language}).content.decode()
    assert f'<html lang="{language if language != "it" else "fr"}"' in page
    assert word in page


def test_the_language_is_chosen_by_hand(cast: Cast) -> None:
    cast.eve.post("/i18n/setlang/", {"language": "de", "next": "/legal/"})
    assert '<html lang="de"' in cast.eve.get("/legal/").content.decode()


PAGES = (
    "/",
    "/accounts/login/",
    "/legal/",
    "/accessibility/",
    "/nothing-here",
    "/rooms/",
    "/accounts/password/change/",
    "/accounts/profile/",
)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_holds_an_inline_script_or_style_or_another_host(path: str, cast: Cast) -> None:
    person = cast.eve if path == "/accounts/login/" else cast.alice
    page = person.get(path).content.decode()
    assert re.search(r"<title>\s*\S", page)
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)
    assert not re.search(r'(?:src|<link[^>]*href)="(?:https?:)?//', page)


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "429", "500", "503"])
def test_error_pages_need_nothing_that_may_be_broken(name: str, cast: Cast, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        page = render(RequestFactory().get("/"), f"{name}.html").content.decode()
    assert "Visio" in page


def test_the_first_room_is_made_once(cast: Cast) -> None:
    assert ensure_first_room() is None  # no administrator yet
    alice = cast.alice.signed_in
    alice.is_superuser = True
    alice.save()
    room = ensure_first_room()
    assert room is not None
    assert ensure_first_room() == room


@pytest.mark.parametrize(
    ("path", "names"),
    [("/legal/", ["LEGAL_PUBLISHER", "LEGAL_HOST", "PRIVACY_CONTACT"]), ("/accessibility/", ["ACCESSIBILITY_CONTACT"])],
)
def test_who_answers_for_the_portal_is_named_and_a_gap_is_told_to_administrators_only(
    path: str, names: list[str], cast: Cast, settings: Any
) -> None:
    administrator = Client()
    administrator.force_login(User.objects.create_superuser("root@culture.example"))
    for name in names:
        assert name not in cast.eve.get(path).content.decode()
        assert name not in cast.alice.get(path).content.decode()
        assert name in administrator.get(path).content.decode()
    for name in names:
        setattr(settings, name, f"<b>{name.title()}</b> dpo@ministry.example")
    page = cast.eve.get(path).content.decode()
    for name in names:
        assert f'&lt;b&gt;{name.title()}&lt;/b&gt; <a href="mailto:dpo@ministry.example"' in page
