"""Before the door: who learns who is inside, who waits at which place, and what the host tells those who wait."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Membership, Organisation
from meetings.models import Attendance, CallSession, Participant, Room
from meetings.models.participant import Role, State
from meetings.services import doorway, lobby
from meetings.tests.conftest import Meeting
from visio_portal.testing import Person

NOTHING = {"view": "nothing"}
HOSTILE = "<b>Bonjour</b>\u202e<script>alert(1)</script>"


@pytest.fixture
def call(meeting: Meeting) -> Meeting:
    """Alice and Bob are in the call, in this order; Charlie is admitted and not there; so says the engine."""
    session = CallSession.objects.create(
        room=meeting.room, sid="RM_1", started_at=timezone.now(), last_seen_at=timezone.now()
    )
    for seconds, row in enumerate((meeting.alice, meeting.bob)):
        come_in(session, row, after=seconds)
    return meeting


def come_in(session: CallSession, row: Participant, *, after: int = 0, window: int = 1) -> Attendance:
    at = session.started_at + timedelta(seconds=after)
    return Attendance.objects.create(
        participant=row, call=session, sid=f"PA_{row.identity}_{window}", joined_at=at, last_seen_at=at
    )


def door(person: Person, room: Room) -> Any:
    answer = person.get(f"/api/rooms/{room.slug}/doorway")
    assert answer.status_code == 200
    return answer.json()  # type: ignore[attr-defined]  # the test client's


def inside(person: Person, room: Room) -> Any:
    return door(person, room)["inside"]


def refusal(person: Person, room: Room) -> Any:
    found = door(person, room)["refusal"]
    return found and found["code"]


def state(person: Person, room: Room) -> Any:
    return person.state(room).json()  # type: ignore[attr-defined]  # the test client's


def test_who_was_admitted_and_the_owner_read_the_names_of_the_others(call: Meeting) -> None:
    both = {"view": "names", "count": 2, "names": ["Alice Martin", "Bob Durand"]}
    assert inside(call.cast.charlie, call.room) == both
    assert inside(call.cast.alice, call.room) == {"view": "names", "count": 1, "names": ["Bob Durand"]}


@pytest.mark.parametrize("name", ["dana", "eve"])
def test_who_must_wait_learns_neither_names_nor_number_nor_that_it_has_begun(name: str, call: Meeting) -> None:
    assert inside(call.cast[name], call.room) == NOTHING
    call.cast[name].call(call.room, "enter", {"name": name})
    assert inside(call.cast[name], call.room) == NOTHING


def test_without_a_lobby_people_with_an_account_read_names_and_guests_that_it_has_begun(call: Meeting) -> None:
    Room.objects.update(has_lobby=False)
    assert inside(call.cast.dana, call.room)["names"] == ["Alice Martin", "Bob Durand"]
    assert inside(call.cast.eve, call.room) == {"view": "begun", "hasBegun": True}
    CallSession.objects.update(ended_at=timezone.now() + timedelta(minutes=1))
    assert inside(call.cast.dana, call.room) == {"view": "names", "count": 0, "names": []}
    assert inside(call.cast.eve, call.room) == {"view": "begun", "hasBegun": False}


@pytest.mark.parametrize("has_lobby", [True, False])
def test_a_guest_who_was_let_in_reads_names(has_lobby: bool, call: Meeting) -> None:
    Room.objects.update(has_lobby=has_lobby)
    call.cast.eve.sits(call.room)
    assert inside(call.cast.eve, call.room)["count"] == 2


@pytest.mark.parametrize("state", [State.DENIED, State.REMOVED])
def test_who_was_sent_away_learns_nothing(state: State, call: Meeting) -> None:
    Room.objects.update(has_lobby=False)
    call.cast.dana.sits(call.room, state=state)
    assert inside(call.cast.dana, call.room) == NOTHING
    assert refusal(call.cast.dana, call.room) == state
    assert door(call.cast.dana, call.room)["waiting"] is None


def test_who_was_sent_away_learns_when_they_may_ask_again(meeting: Meeting) -> None:
    own = meeting.cast.eve.sits(meeting.room, state=State.REMOVED)
    assert refusal(meeting.cast.eve, meeting.room) == "removed"
    meeting.cast.alice.post(f"/rooms/{meeting.room.slug}/participants/{own.identity}/forgive")
    assert refusal(meeting.cast.eve, meeting.room) is None
    Participant.objects.filter(pk=own.pk).update(state=State.DENIED)
    assert refusal(meeting.cast.eve, meeting.room) == "denied"
    meeting.cast.alice.call(meeting.room, "end")
    assert refusal(meeting.cast.eve, meeting.room) is None


def test_a_refusal_before_the_door_is_told_in_the_readers_language_and_leaves_no_trace(meeting: Meeting) -> None:
    Room.objects.update(is_locked=True)
    rows, kept = Participant.objects.count(), AuditEntry.objects.count()
    path = f"/api/rooms/{meeting.room.slug}/doorway"
    answer = meeting.cast.eve.client.get(path, headers={"accept-language": "en"}).json()
    assert answer["refusal"] == {"code": "locked", "message": "The host has locked this room."}
    assert refusal(meeting.cast.alice, meeting.room) is None
    assert (Participant.objects.count(), AuditEntry.objects.count()) == (rows, kept)


def test_the_owner_sees_before_the_door_who_waits_and_nobody_else_does(meeting: Meeting) -> None:
    for name in ("Eve", "Fred", "Grete", "Hugo", "Ida"):
        Person(name).call(meeting.room, "enter", {"name": name})
    meeting.cast.alice.call(meeting.room, "leave")
    some = {"count": 5, "names": ["Eve", "Fred", "Grete", "Hugo"]}
    # Bob moderates, and is admitted: he sees them inside as well.
    seen = {name: door(meeting.cast[name], meeting.room)["waiting"] for name in ("alice", "bob", "charlie", "dana")}
    assert seen == {"alice": some, "bob": some, "charlie": None, "dana": None}
    meeting.cast.bob.call(meeting.room, "leave")
    assert door(meeting.cast.bob, meeting.room)["waiting"] is None
    assert door(meeting.cast.eve, meeting.room)["waiting"] is None


def test_a_locked_room_tells_nobody_new_anything(call: Meeting) -> None:
    Room.objects.update(has_lobby=False, is_locked=True)
    assert inside(call.cast.dana, call.room) == inside(call.cast.eve, call.room) == NOTHING
    assert refusal(call.cast.dana, call.room) == refusal(call.cast.eve, call.room) == "locked"
    assert refusal(call.cast.charlie, call.room) is None
    assert inside(call.cast.charlie, call.room)["count"] == 2


def test_an_admission_of_another_day_shows_no_names(call: Meeting) -> None:
    guest = call.cast.eve.sits(call.room)
    Participant.objects.filter(pk=guest.pk).update(admitted_at=timezone.now() - timedelta(hours=13))
    assert inside(call.cast.eve, call.room) == NOTHING


def test_many_are_a_few_names_and_a_number_and_two_windows_are_one_person(call: Meeting) -> None:
    session = CallSession.objects.get()
    come_in(session, call.alice, after=5, window=2)
    for number in range(doorway.MAX_NAMES):
        guest = Person(f"Guest {number}").sits(call.room)
        come_in(session, guest, after=10 + number)
    seen = inside(call.cast.charlie, call.room)
    assert seen["count"] == 2 + doorway.MAX_NAMES
    assert seen["names"] == ["Alice Martin", "Bob Durand", "Guest 0", "Guest 1"]


def test_who_left_or_was_put_out_is_not_named(call: Meeting) -> None:
    Attendance.objects.filter(participant=call.alice).update(left_at=timezone.now() + timedelta(minutes=1))
    Participant.objects.filter(pk=call.bob.pk).update(state=State.REMOVED)
    assert inside(call.cast.charlie, call.room) == {"view": "names", "count": 0, "names": []}


def test_the_people_of_another_room_are_not_named(call: Meeting) -> None:
    other = Room.objects.create(owner=call.cast.dana.signed_in)
    assert inside(call.cast.dana, other) == {"view": "names", "count": 0, "names": []}


def test_a_closed_room_and_a_wrong_link_tell_nothing(call: Meeting) -> None:
    Room.objects.update(closed_at=timezone.now())
    for slug, status in ((call.room.slug, 410), ("zzz-zzzz-zzz", 404)):
        answer = call.cast.eve.get(f"/api/rooms/{slug}/doorway")
        assert (answer.status_code, "names" in answer.content.decode()) == (status, False)


def test_looking_is_limited_and_wrong_links_are_so_sooner(call: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "LOOKS_PER_MINUTE", 3)
    path = f"/api/rooms/{call.room.slug}/doorway"
    assert [call.cast.eve.get(path).status_code for _ in range(4)] == [200, 200, 200, 429]
    missed = [call.cast.eve.get("/api/rooms/zzz-zzzz-zzz/doorway").status_code for _ in range(31)]
    assert (missed[0], missed[-1]) == (404, 429)


def test_looking_makes_no_row_and_no_session(call: Meeting) -> None:
    rows = Participant.objects.count()
    fresh = Person("Fred")
    assert inside(fresh, call.room) == NOTHING
    assert Participant.objects.count() == rows
    assert not fresh.client.cookies


def test_those_who_wait_know_their_place_in_the_order_of_asking(meeting: Meeting) -> None:
    guests = [Person(name) for name in ("Eve", "Fred", "Grete")]
    rows = [guest.call(meeting.room, "enter", {"name": guest.name}).json() for guest in guests]  # type: ignore[attr-defined]  # the test client's
    assert [state(guest, meeting.room)["queue"] for guest in guests] == [
        {"place": 1, "length": 3},
        {"place": 2, "length": 3},
        {"place": 3, "length": 3},
    ]
    guests[0].call(meeting.room, "leave")
    guests[0].call(meeting.room, "enter", {"name": "Eve"})  # who comes back is the last one
    assert [state(guest, meeting.room)["queue"]["place"] for guest in guests] == [3, 1, 2]
    seen = [person["name"] for person in state(meeting.cast.alice, meeting.room)["waiting"]]
    assert seen == ["Fred", "Grete", "Eve"]  # the host's list is the same queue
    identity = rows[1]["participant"]["identity"]
    meeting.cast.alice.call(meeting.room, f"participants/{identity}/admit")
    assert state(guests[1], meeting.room)["queue"] is None
    assert state(guests[2], meeting.room)["queue"] == {"place": 1, "length": 2}
    assert state(meeting.cast.alice, meeting.room)["queue"] is None


def test_two_of_one_name_are_told_apart_by_where_they_come_from_and_when(meeting: Meeting) -> None:
    cast, room = meeting.cast, meeting.room
    dana, fred = cast.dana.signed_in, Person("Dana Leroy")
    cast.dana.call(room, "enter", {"name": "ignored"})
    fred.call(room, "enter", {"name": cast.dana.name})
    first, second = state(cast.alice, room)["waiting"]
    assert (first["name"], first["isGuest"], first["origin"]) == (dana.display_name, False, dana.email.split("@")[1])
    assert (second["isGuest"], second["origin"]) == (True, "")
    assert first["askedAt"] < second["askedAt"]
    ministry, club = (Organisation.objects.create(name=name) for name in ("Ministry of Tests", "Club"))
    today = timezone.localdate()
    Membership.objects.create(user=dana, organisation=ministry, from_on=today - timedelta(days=9))
    Membership.objects.create(user=dana, organisation=club, from_on=today - timedelta(days=99), until_on=today)
    Membership.objects.create(user=dana, organisation=club, from_on=today + timedelta(days=1))
    assert state(cast.bob, room)["waiting"][0]["origin"] == "Ministry of Tests"
    # A guest who moderates lets people in, and is not told where they work.
    fay = Person("Fay")
    fay.sits(room, role=Role.MODERATOR)
    assert [(one["isGuest"], one["origin"]) for one in state(fay, room)["waiting"]] == [(False, ""), (True, "")]
    assert state(cast.charlie, room)["waiting"] == state(cast.dana, room)["waiting"] == []


def test_asking_again_under_another_name_keeps_the_place(meeting: Meeting) -> None:
    first, second = Person("Eve"), Person("Fred")
    for guest, name in ((first, "Evee"), (second, "Fred"), (first, "Eve")):
        guest.call(meeting.room, "enter", {"name": name})
    assert state(first, meeting.room)["queue"] == {"place": 1, "length": 2}


def test_the_hosts_message_is_read_by_who_waits_and_who_moderates_only(meeting: Meeting) -> None:
    meeting.cast.eve.call(meeting.room, "enter", {"name": "Eve"})
    answer = meeting.cast.bob.call(meeting.room, "lobby_message", {"text": "  We begin at ten.\r\nBob "})
    assert answer.status_code == 204
    for person, text in (("eve", "We begin at ten.\nBob"), ("alice", "We begin at ten.\nBob"), ("charlie", "")):
        assert state(meeting.cast[person], meeting.room)["room"]["lobbyMessage"] == text
    page = meeting.cast.dana.get(f"/r/{meeting.room.slug}").content.decode()
    assert "We begin at ten" not in page
    meeting.cast.alice.call(meeting.room, "lobby_message", {"text": ""})
    assert state(meeting.cast.eve, meeting.room)["room"]["lobbyMessage"] == ""


@pytest.mark.parametrize(("name", "status"), [("charlie", 403), ("dana", 404), ("eve", 404)])
def test_nobody_else_changes_it(name: str, status: int, meeting: Meeting) -> None:
    assert meeting.cast[name].call(meeting.room, "lobby_message", {"text": "Hello"}).status_code == status
    assert Room.objects.get().lobby_message == ""


@pytest.mark.parametrize(("text", "status"), [("é" * 300, 204), ("e" * 301, 400), (7, 400), (None, 400)])
def test_it_is_text_of_at_most_300_characters(text: Any, status: int, meeting: Meeting) -> None:
    assert meeting.cast.alice.call(meeting.room, "lobby_message", {"text": text}).status_code == status


def test_hostile_text_is_kept_as_text_and_shown_as_text(meeting: Meeting) -> None:
    meeting.cast.alice.call(meeting.room, "lobby_message", {"text": HOSTILE})
    assert Room.objects.get().lobby_message == "<b>Bonjour</b><script>alert(1)</script>"
    page = meeting.cast.alice.get(f"/rooms/{meeting.room.slug}/settings").content.decode()
    assert "&lt;b&gt;Bonjour&lt;/b&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


def test_the_owner_writes_it_in_the_settings(meeting: Meeting) -> None:
    path = f"/rooms/{meeting.room.slug}/settings"
    lines = "a" * 149 + "\r\n" + "b" * 150  # 300 characters to who typed them
    assert meeting.cast.alice.post(path, {"name": "x", "has_lobby": "on", "lobby_message": lines}).status_code == 302
    assert Room.objects.get().lobby_message == "a" * 149 + "\n" + "b" * 150
    refused = meeting.cast.alice.post(path, {"name": "x", "has_lobby": "on", "lobby_message": "c" * 301})
    assert refused.status_code == 200
    assert Room.objects.get().lobby_message.startswith("a")
    meeting.cast.alice.post(path, {"name": "x", "has_lobby": "on"})
    assert Room.objects.get().lobby_message == ""


def test_what_the_door_expects_is_what_entering_answers(meeting: Meeting) -> None:
    for has_lobby, is_locked in ((True, False), (False, False), (True, True), (False, True)):
        Room.objects.update(has_lobby=has_lobby, is_locked=is_locked)
        room = Room.objects.get()
        for person in ("alice", "charlie", "dana"):
            visitor = meeting.cast[person].visitor
            expected = lobby.expected(room, visitor=visitor)
            answer = meeting.cast[person].call(room, "enter", {"name": person})
            got = answer.json().get("state") if answer.status_code == 200 else None  # type: ignore[attr-defined]  # the test client's
            assert expected.state == got, (person, has_lobby, is_locked)
            code = expected.refusal.code if expected.refusal else None
            assert code == (None if got else answer.json()["error"])  # type: ignore[attr-defined]  # the test client's
        Participant.objects.filter(user=meeting.cast.dana.signed_in).delete()
