"""The pages around a call: what they show, to whom, and in which language."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.shortcuts import render
from django.test import RequestFactory

from meetings.models import Room
from meetings.services.rooms import MAX_OPEN_ROOMS, ensure_first_room
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
        "http://evil.example/r/abc-defg-hij?next=//evil.example#x",
        "/r/abc-defg-hij/",
    ],
)
def test_a_link_or_code_leads_to_the_room_on_this_portal(typed: str, cast: Cast) -> None:
    answer = cast.eve.post("/", {"code": typed})
    assert (answer.status_code, answer["Location"]) == (302, "/r/abc-defg-hij")


@pytest.mark.parametrize(
    "typed", ["nonsense", "abc-defg", "https://evil.example/", "abc-defg-hi1", "<script>", "http://[/"]
)
def test_what_is_no_code_is_explained_and_not_followed(typed: str, cast: Cast) -> None:
    answer = cast.eve.post("/", {"code": typed})
    assert answer.status_code == 200
    assert "abc-defg-hij" in answer.content.decode()
    assert "<script>" not in answer.content.decode().replace('<script src="', "").replace("<script type=", "")


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


def test_lists_ask_the_database_no_more_for_more_rooms(cast: Cast, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        Room.objects.create(owner=cast.alice.signed_in, name=f"Room {number}")
    cast.alice.get("/rooms/")
    with django_assert_max_num_queries(4):
        cast.alice.get("/rooms/")


@pytest.mark.parametrize("name", ["alice", "eve"])
def test_the_call_page_gets_what_its_contract_says(name: str, cast: Cast, settings: Any) -> None:
    room = Room.objects.create(owner=cast.alice.signed_in, name="Budget committee")
    answer = cast[name].get(f"/r/{room.slug}")
    page = answer.content.decode()
    found = re.search(r'<script id="call-config" type="application/json">(.*?)</script>', page)
    assert found
    config = json.loads(found.group(1))
    assert config == {
        "room": {"slug": room.slug, "name": "Budget committee", "hasLobby": True},
        "me": {"name": "Alice Martin" if name == "alice" else "", "isSignedIn": name == "alice"},
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
