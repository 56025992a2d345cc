"""Reactions are told and forgotten; hands go up in an order that all see, and fall when their people leave."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from meetings.engine_events import close_attendance
from meetings.models import Attendance, CallSession, Participant, Room
from meetings.models.participant import Role, State
from meetings.services import together
from meetings.tests.conftest import Meeting
from visio_portal.testing import FakeEngine, Person, make_cast


def hands(person: Person, room: Room) -> list[str]:
    raised: list[str] = person.state(room).json()["hands"]  # type: ignore[attr-defined]  # the test client's
    return raised


def raise_hand(person: Person, room: Room, *, is_raised: Any = True) -> int:
    return person.call(room, "hand", {"isRaised": is_raised}).status_code


# --- reactions


@pytest.mark.parametrize("reaction", together.REACTIONS)
def test_a_reaction_is_told_to_everybody_under_ones_own_name(
    reaction: str, meeting: Meeting, engine: FakeEngine
) -> None:
    body = {"reaction": reaction, "identity": meeting.alice.identity}
    assert meeting.cast.charlie.call(meeting.room, "reactions", body).status_code == 204
    [order] = engine.told("SendData")
    assert (order.room, order.topic, order.kind) == (meeting.room.media_name, "portal.reaction", 0)
    assert list(order.destination_identities) == []
    assert json.loads(order.data) == {"identity": meeting.charlie.identity, "reaction": reaction}


@pytest.mark.parametrize("body", [{}, {"reaction": "rocket"}, {"reaction": 1}, {"reaction": None}, {"reaction": "👍"}])
def test_only_the_fixed_reactions_exist(body: Any, meeting: Meeting, engine: FakeEngine) -> None:
    assert meeting.cast.charlie.call(meeting.room, "reactions", body).status_code == 400
    assert engine.orders == []


def test_a_reaction_that_the_engine_did_not_hear_is_told_to_be_lost(meeting: Meeting, engine: FakeEngine) -> None:
    engine.error = (503, "unavailable")
    assert meeting.cast.charlie.call(meeting.room, "reactions", {"reaction": "clap"}).status_code == 503


def test_applause_has_a_limit_for_each_and_for_all(
    meeting: Meeting, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "REACTIONS_PER_MINUTE", 2)
    monkeypatch.setattr(together, "ROOM_PACKETS_PER_MINUTE", 3)
    answers = [
        meeting.cast[name].call(meeting.room, "reactions", {"reaction": "clap"}).status_code
        for name in ("charlie", "charlie", "charlie", "bob", "alice")
    ]
    assert answers == [204, 204, 429, 204, 429]
    assert len(engine.told("SendData")) == 3


# --- hands


def test_hands_are_shown_in_the_order_of_raising(meeting: Meeting) -> None:
    for name in ("charlie", "alice", "bob"):
        assert raise_hand(meeting.cast[name], meeting.room) == 204
    order = [meeting.charlie.identity, meeting.alice.identity, meeting.bob.identity]
    assert [hands(meeting.cast[name], meeting.room) for name in ("alice", "bob", "charlie")] == [order] * 3


def test_a_hand_raised_again_keeps_its_place_until_it_was_lowered(meeting: Meeting) -> None:
    for name in ("charlie", "bob", "charlie"):
        raise_hand(meeting.cast[name], meeting.room)
    assert hands(meeting.cast.bob, meeting.room) == [meeting.charlie.identity, meeting.bob.identity]
    raise_hand(meeting.cast.charlie, meeting.room, is_raised=False)
    assert hands(meeting.cast.bob, meeting.room) == [meeting.bob.identity]
    raise_hand(meeting.cast.charlie, meeting.room)
    assert hands(meeting.cast.bob, meeting.room) == [meeting.bob.identity, meeting.charlie.identity]


@pytest.mark.parametrize("value", [None, 0, 1, "true", [], {}])
def test_a_hand_is_up_or_down_and_nothing_else(value: Any, meeting: Meeting) -> None:
    assert raise_hand(meeting.cast.charlie, meeting.room, is_raised=value) == 400
    assert hands(meeting.cast.charlie, meeting.room) == []


def test_hands_are_lowered_by_who_moderates_one_or_all(meeting: Meeting) -> None:
    for name in ("charlie", "alice", "bob"):
        raise_hand(meeting.cast[name], meeting.room)
    path = f"participants/{meeting.charlie.identity}/lower_hand"
    assert meeting.cast.charlie.call(meeting.room, f"participants/{meeting.bob.identity}/lower_hand").status_code == 403
    assert meeting.cast.bob.call(meeting.room, path).status_code == 204
    assert meeting.cast.bob.call(meeting.room, path).status_code == 204
    assert hands(meeting.cast.bob, meeting.room) == [meeting.alice.identity, meeting.bob.identity]
    assert meeting.cast.charlie.call(meeting.room, "lower_hands").status_code == 403
    assert meeting.cast.alice.call(meeting.room, "lower_hands").status_code == 204
    assert hands(meeting.cast.bob, meeting.room) == []


def test_lowering_all_hands_lowers_none_of_another_room(meeting: Meeting) -> None:
    danas = Room.objects.create(owner=meeting.cast.dana.signed_in)
    dana = meeting.cast.dana.sits(danas, role=Role.HOST)
    raise_hand(meeting.cast.dana, danas)
    meeting.cast.alice.call(meeting.room, "lower_hands")
    assert hands(meeting.cast.dana, danas) == [dana.identity]


def test_waving_without_end_is_limited(meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "HANDS_PER_MINUTE", 3)
    answers = [raise_hand(meeting.cast.charlie, meeting.room, is_raised=bool(turn % 2)) for turn in range(4)]
    assert answers == [204, 204, 204, 429]


def test_who_waits_sees_no_hands(meeting: Meeting) -> None:
    raise_hand(meeting.cast.charlie, meeting.room)
    frank = Person("Frank")
    frank.sits(meeting.room, state=State.WAITING)
    assert hands(frank, meeting.room) == []


def test_a_hand_falls_when_its_person_leaves_and_stays_down_when_they_return(meeting: Meeting) -> None:
    raise_hand(meeting.cast.charlie, meeting.room)
    meeting.cast.charlie.call(meeting.room, "leave")
    assert hands(meeting.cast.alice, meeting.room) == []
    answer = meeting.cast.charlie.call(meeting.room, "enter", {"name": "Charlie"})
    assert answer.json()["state"] == "admitted"  # type: ignore[attr-defined]  # the test client's
    assert hands(meeting.cast.alice, meeting.room) == []
    raise_hand(meeting.cast.charlie, meeting.room)
    assert hands(meeting.cast.alice, meeting.room) == [meeting.charlie.identity]


def test_a_removed_persons_hand_is_down(meeting: Meeting) -> None:
    raise_hand(meeting.cast.charlie, meeting.room)
    meeting.cast.bob.call(meeting.room, f"participants/{meeting.charlie.identity}/remove")
    assert hands(meeting.cast.alice, meeting.room) == []


# --- the engine says who is gone


def stays(meeting: Meeting, *sids: str) -> list[Attendance]:
    """Charlie's connections to the call that goes on."""
    now = timezone.now()
    call = CallSession.objects.create(room=meeting.room, sid="RM_1", started_at=now, last_seen_at=now)
    return [
        Attendance.objects.create(participant=meeting.charlie, call=call, sid=sid, joined_at=now, last_seen_at=now)
        for sid in sids
    ]


@pytest.mark.parametrize("reason", ["client_initiated", "lost", "connection_timeout", "signal_close"])
def test_a_hand_falls_with_the_last_connection(reason: str, meeting: Meeting) -> None:
    raise_hand(meeting.cast.charlie, meeting.room)
    first, second = stays(meeting, "PA_1", "PA_2")
    for stay, left in ((first, [meeting.charlie.identity]), (second, [])):
        stay.refresh_from_db()
        close_attendance(stay, timezone.now(), reason)
        assert hands(meeting.cast.alice, meeting.room) == left


def test_a_page_that_took_anothers_place_keeps_the_hand_up(meeting: Meeting) -> None:
    raise_hand(meeting.cast.charlie, meeting.room)
    [stay] = stays(meeting, "PA_1")
    close_attendance(Attendance.objects.get(pk=stay.pk), timezone.now(), "duplicate_identity")
    assert hands(meeting.cast.alice, meeting.room) == [meeting.charlie.identity]


@pytest.mark.django_db(transaction=True)
def test_hands_raised_at_the_same_moment_have_one_order_and_none_is_lost(no_limits_from_before: None) -> None:
    room = Room.objects.create(owner=make_cast().alice.signed_in)
    people = [Person(f"Guest {number}") for number in range(6)]
    rows = [person.sits(room) for person in people]
    barrier = threading.Barrier(12)

    def raise_it(row: Participant) -> None:
        barrier.wait()
        together.set_hand(row, is_raised=True)
        connection.close()

    # Each of them in two tabs.
    threads = [threading.Thread(target=raise_it, args=[row]) for row in rows * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    raised = {row.identity: row.hand_raised_at for row in Participant.objects.all()}
    assert None not in raised.values()
    assert hands(people[0], room) == sorted(raised, key=lambda identity: (raised[identity], identity))
    before = hands(people[0], room)
    together.set_hand(Participant.objects.get(identity=before[0]), is_raised=True)
    assert [hands(person, room) for person in people] == [before] * 6


def test_a_hand_of_another_days_admission_is_down(meeting: Meeting) -> None:
    raise_hand(meeting.cast.charlie, meeting.room)
    Participant.objects.filter(pk=meeting.charlie.pk).update(admitted_at=timezone.now() + timedelta(seconds=1))
    assert hands(meeting.cast.alice, meeting.room) == []
