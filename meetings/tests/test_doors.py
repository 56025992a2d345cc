"""Every door of a room, tried by everybody, in every state: who is not meant to pass gets nothing, not even a hint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from meetings.models import Participant, Room
from meetings.models.participant import Role, State
from meetings.tests.conftest import Meeting
from visio_portal.testing import PEOPLE, Cast, Person

Door = Callable[[Person, Room, Participant], HttpResponse]


def api(act: str, body: Any = None) -> Door:
    return lambda person, room, target: person.call(room, act, body)


def on_target(act: str, body: Any = None) -> Door:
    return lambda person, room, target: person.call(room, f"participants/{target.identity}/{act}", body)


def page(path: str) -> Door:
    return lambda person, room, target: person.get(path.format(slug=room.slug))


def form(path: str, data: dict[str, str] | None = None) -> Door:
    return lambda person, room, target: person.post(path.format(slug=room.slug, identity=target.identity), data)


DOORS: dict[str, Door] = {
    "page": page("/r/{slug}"),
    "doorway": page("/api/rooms/{slug}/doorway"),
    "enter": api("enter", {"name": "Somebody"}),
    "token": api("token"),
    "state": lambda person, room, target: person.state(room),
    "leave": api("leave"),
    "admit": on_target("admit"),
    "deny": on_target("deny"),
    "remove": on_target("remove"),
    "mute": on_target("mute", {"source": "microphone"}),
    "mute others": api("mute_others"),
    "role": on_target("role", {"role": "moderator"}),
    "admit_all": api("admit_all"),
    "lower_hand": on_target("lower_hand"),
    "lower_hands": api("lower_hands"),
    "messages": lambda person, room, target: person.get(f"/api/rooms/{room.slug}/messages"),
    "post message": api("messages", {"text": "Hello", "key": "k1"}),
    "reactions": api("reactions", {"reaction": "clap"}),
    "hand": api("hand", {"isRaised": True}),
    "report": lambda person, room, target: person.beacon(room, {"reason": "left"}),
    "rating": api("report/rating", {"rating": "good"}),
    "lobby message": api("lobby_message", {"text": "We begin at ten."}),
    "lock": api("lock"),
    "unlock": api("unlock"),
    "end": api("end"),
    "settings": page("/rooms/{slug}/settings"),
    "save settings": form("/rooms/{slug}/settings", {"name": "Mine"}),
    "close": form("/rooms/{slug}/close"),
    "forgive": form("/rooms/{slug}/participants/{identity}/forgive"),
}
MODERATION = (
    *("admit", "deny", "remove", "mute", "lower_hand"),
    *("lower_hands", "admit_all", "lobby message", "lock", "unlock", "end"),
)
# What everybody in the call does beside speaking.
TOGETHER = {"messages": 200, "post message": 201, "reactions": 204, "hand": 204}
NEEDS_ADMITTED_TARGET = ("mute", "role")

# What each person gets while the call goes on:   Alice, Bob, Charlie, Dana, Eve
EXPECTED: dict[str, tuple[int, int, int, int, int]] = {
    "page": (200, 200, 200, 200, 200),
    "doorway": (200, 200, 200, 200, 200),
    "enter": (200, 200, 200, 200, 200),
    "token": (200, 200, 200, 403, 403),
    "state": (200, 200, 200, 404, 404),
    "leave": (204, 204, 204, 404, 404),
    **dict.fromkeys(MODERATION, (204, 204, 403, 404, 404)),
    **{door: (status, status, status, 403, 403) for door, status in TOGETHER.items()},
    "report": (204, 204, 204, 404, 404),
    "rating": (404, 404, 404, 404, 404),  # nobody has left
    "mute others": (200, 200, 403, 404, 404),
    "role": (204, 403, 403, 404, 404),
    "settings": (200, 404, 404, 404, 302),
    "save settings": (302, 404, 404, 404, 302),
    "close": (302, 404, 404, 404, 302),
    "forgive": (302, 404, 404, 404, 302),
}


def waiting_frank(meeting: Meeting, door: str) -> Participant:
    """A guest at whom the doors are aimed."""
    state = State.ADMITTED if door in NEEDS_ADMITTED_TARGET else State.WAITING
    return Person("Frank").sits(meeting.room, state=state)


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("door", DOORS)
def test_each_door_opens_for_whom_it_should(door: str, name: str, meeting: Meeting) -> None:
    frank = waiting_frank(meeting, door)
    answer = DOORS[door](meeting.cast[name], meeting.room, frank)
    assert answer.status_code == EXPECTED[door][PEOPLE.index(name)]


@pytest.mark.parametrize("door", [*MODERATION, "role", "save settings", "close", "forgive"])
def test_a_closed_door_changes_nothing(door: str, meeting: Meeting) -> None:
    frank = waiting_frank(meeting, door)
    before = (Room.objects.values().get(pk=meeting.room.pk), list(Participant.objects.order_by("pk").values()))
    for name in [
        name for name, status in zip(PEOPLE, EXPECTED[door], strict=True) if name != "alice" and status != 204
    ]:
        DOORS[door](meeting.cast[name], meeting.room, frank)
        after = (Room.objects.values().get(pk=meeting.room.pk), list(Participant.objects.order_by("pk").values()))
        assert after == before, f"{name} changed something"


# (The link of a room is what opens the two others.)
@pytest.mark.parametrize("door", [door for door in DOORS if door not in ("page", "doorway", "enter")])
def test_a_missing_room_answers_like_one_that_is_not_yours(door: str, meeting: Meeting) -> None:
    frank = waiting_frank(meeting, door)
    missing = Room(slug="zzz-zzzz-zzz", owner=meeting.cast.alice.signed_in)
    theirs = DOORS[door](meeting.cast.dana, meeting.room, frank)
    nobodys = DOORS[door](meeting.cast.dana, missing, frank)
    assert (nobodys.status_code, _words(nobodys)) == (theirs.status_code, _words(theirs))


# What Bob the moderator gets when his row is in another state:
#                   waiting, denied, removed, left
AFTERWARDS: dict[str, tuple[int, int, int, int]] = {
    "enter": (200, 403, 403, 200),
    "token": (403, 403, 403, 403),
    "state": (200, 200, 200, 200),
    "leave": (204, 204, 204, 204),
    **dict.fromkeys((*MODERATION, *TOGETHER, "mute others", "role"), (403, 403, 403, 403)),
    "report": (204, 204, 204, 204),
    "rating": (404, 404, 404, 404),
}
STATES = (State.WAITING, State.DENIED, State.REMOVED, State.LEFT)


@pytest.mark.parametrize("door", AFTERWARDS)
def test_a_role_is_worth_nothing_outside_the_call(door: str, meeting: Meeting) -> None:
    frank = waiting_frank(meeting, door)
    for state, status in zip(STATES, AFTERWARDS[door], strict=True):
        Participant.objects.filter(pk=meeting.bob.pk).update(state=state, role=Role.MODERATOR)
        assert DOORS[door](meeting.cast.bob, meeting.room, frank).status_code == status, state


@pytest.mark.parametrize("door", DOORS)
def test_a_room_that_is_closed_for_good_lets_nobody_in(door: str, meeting: Meeting) -> None:
    frank = waiting_frank(meeting, door)
    Room.objects.filter(pk=meeting.room.pk).update(closed_at=timezone.now())
    for name, while_open in zip(PEOPLE, EXPECTED[door], strict=True):
        has_row = name in ("alice", "bob", "charlie")
        moderation = 403 if has_row else 404
        expected = {
            "page": 404,
            "doorway": 410,
            "enter": 410,
            "token": 403,
            "role": moderation,
            "mute others": moderation,
            **dict.fromkeys(TOGETHER, 403),
            **dict.fromkeys(MODERATION, moderation),
        }
        answer = DOORS[door](meeting.cast[name], meeting.room, frank)
        assert answer.status_code == expected.get(door, while_open), name


@pytest.mark.parametrize(
    ("name", "status"), [("alice", 200), ("bob", 200), ("charlie", 200), ("dana", 403), ("eve", 403)]
)
def test_a_locked_room_refuses_who_is_new_and_keeps_who_is_in(name: str, status: int, meeting: Meeting) -> None:
    Room.objects.filter(pk=meeting.room.pk).update(is_locked=True)
    answer = meeting.cast[name].call(meeting.room, "enter", {"name": "Somebody"})
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"] == "locked"  # type: ignore[attr-defined]  # the test client's


@pytest.mark.parametrize("door", ["admit", "deny", "remove", "mute", "lower_hand", "role"])
def test_the_host_of_one_room_has_no_power_in_another(door: str, meeting: Meeting) -> None:
    frank = waiting_frank(meeting, door)
    danas_room = Room.objects.create(owner=meeting.cast.dana.signed_in)
    meeting.cast.dana.sits(danas_room, role=Role.HOST)
    answer = DOORS[door](meeting.cast.dana, danas_room, frank)
    assert answer.status_code == 404


def test_another_browser_of_the_same_guest_name_is_another_person(cast: Cast, meeting: Meeting) -> None:
    Person("Frank").sits(meeting.room)
    other = Person("Frank")
    assert other.call(meeting.room, "token").status_code == 403
    assert other.call(meeting.room, "enter", {"name": "Frank"}).json()["state"] == "waiting"  # type: ignore[attr-defined]  # the test client's


def test_a_suspended_account_gets_nothing(meeting: Meeting) -> None:
    user = meeting.cast.bob.signed_in
    user.is_active = False
    user.save()
    assert meeting.cast.bob.call(meeting.room, "token").status_code == 403
    assert meeting.cast.bob.call(meeting.room, "lock").status_code == 404


@pytest.mark.parametrize("act", ["enter", "token", "leave", "messages", "reactions", "hand", "lock", "end"])
def test_a_request_from_another_site_is_refused(act: str, meeting: Meeting) -> None:
    client = meeting.cast.alice.client
    client.handler.enforce_csrf_checks = True
    answer = client.post(f"/api/rooms/{meeting.room.slug}/{act}", "{}", content_type="application/json")
    assert answer.status_code == 403
    assert Participant.objects.get(pk=meeting.alice.pk).is_admitted


def _words(answer: HttpResponse) -> str:
    """What the answer says; of a page only that it is one (its forms differ by their tokens)."""
    return answer.content.decode() if answer["Content-Type"] == "application/json" else "page"
