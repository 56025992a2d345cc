"""Every address of the API, tried with every scope, by everybody, and by who has no token that works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.api.scopes import scopes
from accounts.api.tests.callers import Program, code_of, json_of, token_for
from accounts.models import ApiToken, User
from accounts.services.api_tokens import revoke_token
from meetings import media
from meetings.models import Room
from meetings.models.participant import Role
from meetings.tests.rows import make_participant, make_user
from visio_portal import api_urls
from visio_portal.api_document import document
from visio_portal.testing import FakeEngine

pytestmark = pytest.mark.django_db

PEOPLE = ("alice", "bob", "charlie", "dana", "boss")


@dataclass
class Scene:
    """Alice's room: Bob moderates, Charlie takes part, Dana has nothing to do with it, the boss is a superuser."""

    people: dict[str, User]
    room: Room


@pytest.fixture(autouse=True)
def no_limits_from_before() -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def engine(settings: Settings) -> Iterator[FakeEngine]:
    with FakeEngine().running() as fake:
        settings.LIVEKIT_URL = fake.url
        yield fake
        media.close()


@pytest.fixture
def scene() -> Scene:
    people = {name: make_user(name) for name in PEOPLE}
    people["boss"].is_staff = people["boss"].is_superuser = True
    people["boss"].save()
    room = Room.objects.create(owner=people["alice"], name="Budget committee")
    for name, role in (("alice", Role.HOST), ("bob", Role.MODERATOR), ("charlie", Role.PARTICIPANT)):
        make_participant(room, name, user=people[name], role=role)
    return Scene(people, room)


Door = Callable[[Program, Scene], HttpResponse]


def door(method: str, path: str, body: Any = None) -> Door:
    def try_it(caller: Program, scene: Scene) -> HttpResponse:
        return caller.send(method, path.format(room=scene.room.pk, person=scene.people["alice"].public_id), body)

    return try_it


# Name, as in the OpenAPI document: door, the scope that it needs, and what each gets who has it:
#                                                                     Alice, Bob, Charlie, Dana, the boss
DOORS: dict[str, tuple[Door, str, tuple[int, int, int, int, int]]] = {
    "get_token": (door("GET", "token"), "", (200, 200, 200, 200, 200)),
    "get_people": (door("GET", "people"), "people:read", (200, 200, 200, 200, 200)),
    "get_person": (door("GET", "people/{person}"), "people:read", (200, 404, 404, 404, 200)),
    "get_rooms": (door("GET", "rooms"), "rooms:read", (200, 200, 200, 200, 200)),
    "post_rooms": (door("POST", "rooms", {"name": "New"}), "rooms:write", (201, 201, 201, 201, 201)),
    "get_room": (door("GET", "rooms/{room}"), "rooms:read", (200, 404, 404, 404, 404)),
    "patch_room": (door("PATCH", "rooms/{room}", {"name": "Mine"}), "rooms:write", (200, 404, 404, 404, 404)),
    "delete_room": (door("DELETE", "rooms/{room}"), "rooms:write", (204, 404, 404, 404, 404)),
    "get_participants": (door("GET", "rooms/{room}/participants"), "calls:read", (200, 404, 404, 404, 404)),
    "get_calls": (door("GET", "rooms/{room}/calls"), "calls:read", (200, 404, 404, 404, 404)),
}
CHANGES = ("post_rooms", "patch_room", "delete_room")


def test_no_address_is_left_out() -> None:
    operations = {said["operationId"]: said for methods in document()["paths"].values() for said in methods.values()}
    assert set(operations) == set(DOORS)
    for name, said in operations.items():
        assert said.get("x-scope", "") == DOORS[name][1]
    assert len(document()["paths"]) == len(api_urls.described)


def test_each_address_has_token_json_and_a_scope_for_each_method_and_no_session() -> None:
    for pattern in api_urls.described:
        view: Any = getattr(pattern.callback, "cls", None)
        assert [kind.__name__ for kind in view.authentication_classes] == ["TokenAuthentication"]
        assert [kind.__name__ for kind in view.renderer_classes] == ["JSONRenderer"]
        assert view.needs_token
        methods = {name.upper() for name in ("get", "post", "patch", "delete") if hasattr(view, name)}
        assert methods == set(view.scopes)


@pytest.mark.parametrize("scope", ["", *sorted(scopes)])
@pytest.mark.parametrize("name", DOORS)
def test_each_scope_opens_its_own_doors_and_no_other(name: str, scope: str, scene: Scene) -> None:
    try_it, needed, statuses = DOORS[name]
    given = token_for(scene.people["alice"], *([scope] if scope else ["people:read"]))
    if not scope:
        ApiToken.objects.update(scopes=[])
    answer = try_it(Program(given.secret), scene)
    if needed in ("", scope):
        assert answer.status_code == statuses[0]
    else:
        assert (answer.status_code, code_of(answer)) == (403, "scope_missing")
        assert needed in json_of(answer)["message"]


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("name", DOORS)
def test_with_all_scopes_one_gets_what_its_owner_may_have(name: str, person: str, scene: Scene) -> None:
    try_it, _needed, statuses = DOORS[name]
    answer = try_it(Program(token_for(scene.people[person], *scopes).secret), scene)
    assert answer.status_code == statuses[PEOPLE.index(person)]


def test_lists_hold_the_owners_own(scene: Scene) -> None:
    for person in PEOPLE:
        caller = Program(token_for(scene.people[person], *scopes).secret)
        rooms = [row["id"] for row in json_of(caller.get("rooms"))["results"]]
        assert rooms == ([str(scene.room.pk)] if person == "alice" else [])
        seen = {row["id"] for row in json_of(caller.get("people"))["results"]}
        own = {str(scene.people[person].public_id)}
        assert seen == ({str(user.public_id) for user in scene.people.values()} if person == "boss" else own)


def _nothing(scene: Scene) -> str:
    return ""


def _unknown(scene: Scene) -> str:
    return f"visio_{'a' * 10}_{'b' * 43}"


def _revoked(scene: Scene) -> str:
    given = token_for(scene.people["alice"], *scopes)
    revoke_token(given.token, acting_user=None)
    return given.secret


def _expired(scene: Scene) -> str:
    given = token_for(scene.people["alice"], *scopes)
    long_ago = timezone.now() - timedelta(days=2)
    ApiToken.objects.update(created_at=long_ago, expires_at=long_ago + timedelta(days=1))
    return given.secret


def _suspended(scene: Scene) -> str:
    given = token_for(scene.people["alice"], *scopes)
    User.objects.filter(pk=scene.people["alice"].pk).update(is_active=False)
    return given.secret


NO_TOKENS: dict[str, Callable[[Scene], str]] = {
    "token_missing": _nothing,
    "token_unknown": _unknown,
    "token_revoked": _revoked,
    "token_expired": _expired,
    "owner_suspended": _suspended,
}


@pytest.mark.parametrize("code", NO_TOKENS)
@pytest.mark.parametrize("name", DOORS)
def test_no_door_opens_to_what_is_no_token_any_more(name: str, code: str, scene: Scene) -> None:
    before = list(Room.objects.values())
    answer = DOORS[name][0](Program(NO_TOKENS[code](scene)), scene)
    assert (answer.status_code, code_of(answer)) == (401, code)
    assert list(Room.objects.values()) == before


@pytest.mark.parametrize("name", DOORS)
def test_a_session_opens_no_door(name: str, scene: Scene) -> None:
    caller = Program("")
    caller.client = Client()
    caller.client.force_login(scene.people["alice"], backend="django.contrib.auth.backends.ModelBackend")
    assert DOORS[name][0](caller, scene).status_code == 401


def test_the_document_is_openapi_three_and_needs_no_token(scene: Scene) -> None:
    answer = Program("").get("openapi.json")
    said = json_of(answer)
    assert answer.status_code == 200
    assert said["openapi"].startswith("3.")
    assert said["components"]["securitySchemes"] == {"token": said["components"]["securitySchemes"]["token"]}
    assert not any(name in answer.content.decode() for name in ("<script", "cdn", "unpkg"))
