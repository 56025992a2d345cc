"""Entering and the lobby: who waits, who is let in, who is not, who comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from jobs.queue import enqueue
from jobs.worker import Worker
from meetings import engine_events
from meetings.models import Attendance, CallSession, Outbox, Participant, Room
from meetings.models.participant import UNSEEN_SECONDS, Role, State
from meetings.services import lobby
from meetings.tests.conftest import Meeting
from meetings.views.api import ENTRIES_PER_MINUTE
from visio_portal.testing import Cast, FakeEngine, Person


@pytest.fixture
def room(cast: Cast, engine: FakeEngine) -> Room:
    return Room.objects.create(owner=cast.alice.signed_in, name="Budget committee")


def enter(person: Person, room: Room, name: str = "") -> Any:
    return person.call(room, "enter", {"name": name or person.name}).json()  # type: ignore[attr-defined]  # the test client's


def admit(person: Person, room: Room, identity: str) -> int:
    return person.call(room, f"participants/{identity}/admit").status_code


def test_the_owner_enters_at_once_as_host(cast: Cast, room: Room) -> None:
    answer = enter(cast.alice, room)
    assert answer["state"] == "admitted"
    assert answer["participant"]["role"] == "host"
    assert answer["participant"]["name"] == "Alice Martin"


@pytest.mark.parametrize("name", ["dana", "eve"])
def test_everybody_else_waits_until_the_host_lets_them_in(name: str, cast: Cast, room: Room) -> None:
    enter(cast.alice, room)
    answer = enter(cast[name], room)
    assert answer["state"] == "waiting"
    assert answer["participant"]["isGuest"] is (name == "eve")
    assert cast[name].call(room, "token").json()["error"] == "not_admitted"  # type: ignore[attr-defined]  # the test client's
    seen = cast.alice.state(room).json()["waiting"]  # type: ignore[attr-defined]  # the test client's
    assert [person["identity"] for person in seen] == [answer["participant"]["identity"]]

    assert admit(cast.alice, room, answer["participant"]["identity"]) == 204
    token = cast[name].call(room, "token")
    assert token.status_code == 200
    assert set(token.json()) == {"url", "token"}  # type: ignore[attr-defined]  # the test client's
    said = jwt.decode(token.json()["token"], options={"verify_signature": False})  # type: ignore[attr-defined]  # the test client's
    assert said["exp"] - said["nbf"] <= 600, "it serves the first connection; the call sends newer ones"


def test_who_is_refused_leaves_no_session_behind_and_who_enters_one(cast: Cast, room: Room) -> None:
    before = Session.objects.count()
    Room.objects.update(is_locked=True)
    assert {cast.eve.call(room, "enter", {"name": "Eve"}).status_code for _ in range(5)} == {403}
    assert Session.objects.count() == before
    Room.objects.update(is_locked=False)
    assert enter(cast.eve, room)["state"] == "waiting"
    assert Session.objects.count() == before + 1


def test_without_a_lobby_people_walk_in(cast: Cast, room: Room) -> None:
    Room.objects.update(has_lobby=False)
    assert enter(cast.eve, room)["state"] == "admitted"


def test_who_waits_learns_nothing_of_the_people_inside(cast: Cast, room: Room) -> None:
    enter(cast.alice, room)
    enter(cast.eve, room)
    enter(cast.dana, room)
    state = cast.eve.state(room).json()  # type: ignore[attr-defined]  # the test client's
    assert state["roles"] == {}
    assert state["waiting"] == []


def test_a_guest_who_reloads_stays_who_they_are(cast: Cast, room: Room) -> None:
    enter(cast.alice, room)
    first = enter(cast.eve, room)["participant"]["identity"]
    assert enter(cast.eve, room)["participant"]["identity"] == first
    admit(cast.alice, room, first)
    again = enter(cast.eve, room)
    assert (again["state"], again["participant"]["identity"]) == ("admitted", first)
    assert Participant.objects.filter(room=room, user=None).count() == 1


def test_a_waiting_guest_may_correct_their_name_and_an_admitted_one_not(cast: Cast, room: Room) -> None:
    enter(cast.alice, room)
    identity = enter(cast.eve, room, "Evee")["participant"]["identity"]
    assert enter(cast.eve, room, "Eve")["participant"]["name"] == "Eve"
    admit(cast.alice, room, identity)
    assert enter(cast.eve, room, "The Minister")["participant"]["name"] == "Eve"


def test_a_signed_in_person_cannot_choose_another_name(cast: Cast, room: Room) -> None:
    assert enter(cast.dana, room, "The Minister")["participant"]["name"] == "Dana Roux"


def test_a_denied_guest_is_refused_until_the_call_is_over(cast: Cast, room: Room) -> None:
    enter(cast.alice, room)
    identity = enter(cast.eve, room)["participant"]["identity"]
    assert cast.alice.call(room, f"participants/{identity}/deny").status_code == 204
    assert enter(cast.eve, room)["error"] == "denied"
    cast.alice.call(room, "end")
    assert enter(cast.eve, room)["state"] == "waiting"


def test_a_denied_guest_does_not_come_in_by_signing_in(cast: Cast, room: Room) -> None:
    enter(cast.alice, room)
    guest = Person("Fred")
    identity = enter(guest, room)["participant"]["identity"]
    cast.alice.call(room, f"participants/{identity}/deny")
    # Signing in keeps an anonymous session's contents.
    guest.client.force_login(cast.dana.signed_in, backend="django.contrib.auth.backends.ModelBackend")
    assert enter(guest, room)["error"] == "denied"


def test_admission_is_not_taken_along_into_an_account(cast: Cast, room: Room) -> None:
    enter(cast.alice, room)
    guest = Person("Fred")
    identity = enter(guest, room)["participant"]["identity"]
    admit(cast.alice, room, identity)
    guest.client.force_login(cast.dana.signed_in, backend="django.contrib.auth.backends.ModelBackend")
    answer = enter(guest, room)
    assert answer["state"] == "waiting"
    assert answer["participant"]["identity"] != identity


def test_the_session_is_made_anew_when_a_guest_is_let_in(cast: Cast, room: Room) -> None:
    enter(cast.alice, room)
    identity = enter(cast.eve, room)["participant"]["identity"]
    planted = cast.eve.client.cookies["visio_session"].value
    admit(cast.alice, room, identity)
    assert cast.eve.call(room, "token").status_code == 200
    renewed = cast.eve.client.cookies["visio_session"].value
    assert renewed != planted
    thief = Person("Mallory", client=Client())
    thief.client.cookies["visio_session"] = planted
    assert thief.call(room, "token").status_code == 403
    # Once is enough: every further change would race with requests under way.
    assert cast.eve.call(room, "token").status_code == 200
    assert cast.eve.client.cookies["visio_session"].value == renewed


def test_of_two_hosts_who_decide_at_once_the_first_wins(meeting: Meeting) -> None:
    frank = Person("Frank").sits(meeting.room, state=State.WAITING)
    deny = f"participants/{frank.identity}/deny"
    assert meeting.cast.alice.call(meeting.room, deny).status_code == 204
    late = meeting.cast.bob.call(meeting.room, f"participants/{frank.identity}/admit")
    assert (late.status_code, late.json()["error"]) == (409, "conflict")  # type: ignore[attr-defined]  # the test client's
    assert meeting.cast.bob.call(meeting.room, deny).status_code == 204  # the same wish twice is no conflict
    frank.refresh_from_db()
    assert frank.state == State.DENIED


def test_all_who_wait_are_let_in_together(meeting: Meeting) -> None:
    waiting = [Person(name).sits(meeting.room, state=State.WAITING) for name in ("Fay", "Gus")]
    denied = Person("Hal").sits(meeting.room, state=State.DENIED)
    assert meeting.cast.bob.call(meeting.room, "admit_all").status_code == 204
    states = dict(Participant.objects.values_list("identity", "state"))
    assert [states[row.identity] for row in (*waiting, denied)] == ["admitted", "admitted", "denied"]


def test_who_leaves_by_mistake_comes_straight_back(meeting: Meeting, engine: FakeEngine) -> None:
    assert meeting.cast.charlie.call(meeting.room, "leave").status_code == 204
    assert meeting.cast.charlie.call(meeting.room, "token").status_code == 403
    # Another tab of theirs may still be sending.
    assert [order.identity for order in engine.told("RemoveParticipant")] == [meeting.charlie.identity]
    assert enter(meeting.cast.charlie, meeting.room)["state"] == "admitted"


def test_who_comes_back_later_or_into_a_locked_room_asks_again(meeting: Meeting) -> None:
    meeting.cast.charlie.call(meeting.room, "leave")
    Room.objects.update(is_locked=True)
    assert enter(meeting.cast.charlie, meeting.room)["error"] == "locked"
    Room.objects.update(is_locked=False)
    Participant.objects.filter(pk=meeting.charlie.pk).update(ended_at=timezone.now() - timedelta(hours=1))
    assert enter(meeting.cast.charlie, meeting.room)["state"] == "waiting"


def test_a_moderator_of_the_last_call_is_none_in_the_next(meeting: Meeting) -> None:
    meeting.cast.alice.call(meeting.room, "end")
    answer = enter(meeting.cast.bob, meeting.room)
    assert (answer["state"], answer["participant"]["role"]) == ("waiting", "participant")


def test_an_admission_of_another_day_is_worth_nothing(meeting: Meeting) -> None:
    Participant.objects.update(admitted_at=timezone.now() - timedelta(hours=13))
    assert meeting.cast.charlie.call(meeting.room, "token").status_code == 403  # not by another door either
    assert meeting.cast.alice.call(meeting.room, "token").status_code == 200
    assert enter(meeting.cast.charlie, meeting.room)["state"] == "waiting"
    assert enter(meeting.cast.alice, meeting.room)["state"] == "admitted"


def a_call_with(meeting: Meeting) -> CallSession:
    """A call of the last hour with Alice, Bob and Charlie in it."""
    hour_ago = timezone.now() - timedelta(hours=1)
    Participant.objects.update(admitted_at=hour_ago)
    call = CallSession.objects.create(room=meeting.room, sid="RM_1", started_at=hour_ago, last_seen_at=hour_ago)
    for row in (meeting.alice, meeting.bob, meeting.charlie):
        Attendance.objects.create(
            participant=row, call=call, sid=f"PA_{row.name}", joined_at=hour_ago, last_seen_at=hour_ago
        )
    return call


def test_when_a_call_is_over_its_people_must_be_let_in_again(meeting: Meeting) -> None:
    call = a_call_with(meeting)
    late = Person("Late").sits(meeting.room)  # let in a moment ago, still checking devices
    engine_events.close_call(call, timezone.now(), engine_events.CALL_OVER)
    late.refresh_from_db()
    assert late.is_admitted
    assert enter(meeting.cast.charlie, meeting.room)["state"] == "waiting"
    assert enter(meeting.cast.alice, meeting.room)["state"] == "admitted"


def test_who_was_let_in_again_is_not_put_out_by_late_news_of_the_last_call(meeting: Meeting) -> None:
    call = a_call_with(meeting)
    ended_at = timezone.now()
    meeting.cast.alice.call(meeting.room, "end")
    enter(meeting.cast.alice, meeting.room)
    identity = enter(meeting.cast.charlie, meeting.room)["participant"]["identity"]
    admit(meeting.cast.alice, meeting.room, identity)
    engine_events.close_call(call, ended_at, engine_events.CALL_OVER)
    assert meeting.cast.charlie.call(meeting.room, "token").status_code == 200
    assert meeting.cast.alice.call(meeting.room, "token").status_code == 200


def test_news_half_an_hour_late_put_nobody_out_who_was_let_in_since(meeting: Meeting) -> None:
    """Long after the device check, and the engine's word of the next call is as late."""
    call, now = a_call_with(meeting), timezone.now()
    Participant.objects.filter(pk=meeting.charlie.pk).update(admitted_at=now - timedelta(minutes=20))
    engine_events.close_call(call, now - timedelta(minutes=30), engine_events.CALL_OVER)
    assert meeting.cast.charlie.call(meeting.room, "token").status_code == 200
    assert meeting.cast.bob.call(meeting.room, "token").status_code == 403


def test_people_of_a_crashed_call_come_back_without_asking(meeting: Meeting) -> None:
    engine_events.close_call(a_call_with(meeting), timezone.now(), engine_events.LOST)
    assert meeting.cast.charlie.call(meeting.room, "token").status_code == 200


def test_each_change_is_told_to_the_room(cast: Cast, room: Room) -> None:
    enter(cast.alice, room)
    before = Outbox.objects.count()
    identity = enter(cast.eve, room)["participant"]["identity"]
    admit(cast.alice, room, identity)
    assert Outbox.objects.count() == before + 2


def test_one_source_cannot_flood_a_room_and_another_is_not_concerned(cast: Cast, room: Room) -> None:
    Room.objects.update(has_lobby=False)
    answers = [
        Person("Flood").call(room, "enter", {"name": "Flood"}).status_code for _ in range(ENTRIES_PER_MINUTE + 3)
    ]
    assert answers.count(200) == ENTRIES_PER_MINUTE
    assert answers[-3:] == [429, 429, 429]
    elsewhere = Person("Far", client=Client(REMOTE_ADDR="2001:db8:1:2::1"))
    assert elsewhere.call(room, "enter", {"name": "Far"}).status_code == 200


def test_the_lobby_is_bounded_whoever_fills_it(cast: Cast, room: Room) -> None:
    Participant.objects.bulk_create(
        Participant(room=room, name="Bot", session_key_hash=f"{number:064}") for number in range(lobby.MAX_WAITING)
    )
    assert enter(cast.eve, room)["error"] == "too_many_requests"
    assert enter(cast.alice, room)["state"] == "admitted"


def ages(seconds: float, **which: Any) -> None:
    """So long ago the pages of these rows were last there."""
    Participant.objects.filter(**which).update(seen_at=timezone.now() - timedelta(seconds=seconds))


def test_pages_that_are_gone_keep_nobody_out_and_are_not_shown(cast: Cast, room: Room) -> None:
    enter(cast.alice, room)
    Participant.objects.bulk_create(
        Participant(room=room, name="Ghost", session_key_hash=f"{number:064}") for number in range(lobby.MAX_WAITING)
    )
    ages(UNSEEN_SECONDS + 1, name="Ghost")
    eve = enter(cast.eve, room)
    assert eve["state"] == "waiting"
    assert cast.eve.state(room).json()["queue"] == {"place": 1, "length": 1}  # type: ignore[attr-defined]  # the test client's
    (seen,) = cast.alice.state(room).json()["waiting"]  # type: ignore[attr-defined]  # the test client's
    assert seen["identity"] == eve["participant"]["identity"]
    assert cast.alice.call(room, "admit_all").status_code == 204
    assert set(Participant.objects.filter(name="Ghost").values_list("state", flat=True)) == {"waiting"}


def test_a_page_that_asks_waits_on_in_its_place(cast: Cast, room: Room) -> None:
    enter(cast.eve, room)
    enter(cast.dana, room)
    for _ in range(10):  # a look each minute
        ages(60)
        assert cast.eve.state(room).json()["queue"] == {"place": 1, "length": 2}  # type: ignore[attr-defined]  # the test client's
        assert cast.dana.state(room).json()["queue"]["place"] == 2  # type: ignore[attr-defined]  # the test client's
    assert lobby.forget_who_went() == 0


def test_a_page_that_waits_writes_once_in_half_a_minute(cast: Cast, room: Room) -> None:
    enter(cast.eve, room)
    ages(31)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(3):
            cast.eve.state(room)
    assert sum(query["sql"].startswith("UPDATE") for query in queries) == 1


def test_a_phone_that_slept_has_kept_its_place_and_after_an_hour_the_person_is_asked(cast: Cast, room: Room) -> None:
    enter(cast.eve, room)
    enter(cast.dana, room)
    ages(3000, user=None)
    assert cast.dana.state(room).json()["queue"] == {"place": 1, "length": 1}  # type: ignore[attr-defined]  # the test client's
    assert lobby.forget_who_went() == 0
    assert cast.eve.state(room).json()["queue"] == {"place": 1, "length": 2}  # type: ignore[attr-defined]  # the test client's
    ages(3700, user=None)
    enqueue("meetings.forget_who_went", {})
    assert Worker().work_once()
    assert cast.eve.state(room).json()["me"]["state"] == "left"  # type: ignore[attr-defined]  # the test client's
    assert enter(cast.eve, room)["state"] == "waiting"
    assert cast.eve.state(room).json()["queue"] == {"place": 2, "length": 2}  # type: ignore[attr-defined]  # the test client's


def test_a_page_that_slept_does_not_come_back_into_a_lobby_that_is_full_by_now(cast: Cast, room: Room) -> None:
    enter(cast.eve, room)
    ages(UNSEEN_SECONDS + 1)
    Participant.objects.bulk_create(
        Participant(room=room, name="Bot", session_key_hash=f"{number:064}") for number in range(lobby.MAX_WAITING)
    )
    assert cast.eve.state(room).json()["me"]["state"] == "left"  # type: ignore[attr-defined]  # the test client's
    assert Participant.objects.filter(room=room).waiting().count() == lobby.MAX_WAITING


def guests_wait(room: Room, count: int, asked_from: str) -> None:
    key = asked_from or "nowhere"
    Participant.objects.bulk_create(
        Participant(room=room, name="Bot", session_key_hash=f"{key} {number}", asked_from=asked_from)
        for number in range(count)
    )


def test_an_honest_crowd_behind_one_address_gets_into_a_lobby_that_has_room(cast: Cast, room: Room) -> None:
    guests = lobby.MAX_WAITING_FROM_ONE_SOURCE + 5
    answers = [Person("Guest").call(room, "enter", {"name": "Guest"}).status_code for _ in range(guests)]
    assert answers == [200] * guests


def test_the_last_places_of_a_lobby_are_for_people_with_an_account(cast: Cast, room: Room) -> None:
    for network in range(5):
        guests_wait(room, 30, f"network {network}")
    assert enter(cast.eve, room)["error"] == "too_many_requests"
    assert enter(cast.dana, room)["state"] == "waiting"
    guests_wait(room, lobby.PLACES_FOR_ACCOUNTS - 1, "")
    assert enter(cast.bob, room)["error"] == "too_many_requests"


def test_guests_of_one_network_do_not_fill_a_lobby(cast: Cast, room: Room) -> None:
    guests_wait(room, lobby.MAX_WAITING // 2 - lobby.MAX_WAITING_FROM_ONE_SOURCE, "network far away")
    here = lobby.MAX_WAITING_FROM_ONE_SOURCE
    answers = [Person("Flood").call(room, "enter", {"name": "Flood"}).status_code for _ in range(here + 2)]
    assert answers == [200] * here + [429] * 2
    elsewhere = Person("Far", client=Client(REMOTE_ADDR="203.0.113.9"))
    assert enter(elsewhere, room)["state"] == "waiting"
    assert enter(cast.dana, room)["state"] == "waiting"  # who has an account may sit in the same house
    asked_from = set(Participant.objects.filter(name="Flood").values_list("asked_from", flat=True))
    assert len(asked_from) == 1
    assert "127.0.0.1" not in asked_from.pop()


def test_when_a_call_ends_only_pages_that_are_there_go_on_waiting(meeting: Meeting) -> None:
    here = Person("Here").sits(meeting.room, state=State.WAITING)
    gone = Person("Gone").sits(meeting.room, state=State.WAITING)
    ages(UNSEEN_SECONDS + 1, pk=gone.pk)
    lobby.end_admissions(meeting.room)
    states = dict(Participant.objects.values_list("pk", "state"))
    assert (states[here.pk], states[gone.pk]) == ("waiting", "left")


def test_leaving_the_lobby_is_no_way_round_it(meeting: Meeting) -> None:
    meeting.cast.charlie.call(meeting.room, "leave")
    Participant.objects.filter(pk=meeting.charlie.pk).update(ended_at=timezone.now() - timedelta(hours=1))
    assert enter(meeting.cast.charlie, meeting.room)["state"] == "waiting"
    meeting.cast.charlie.call(meeting.room, "leave")
    assert enter(meeting.cast.charlie, meeting.room)["state"] == "waiting"


@pytest.mark.parametrize(
    ("left_minutes_ago", "let_in_hours_ago", "goes_on", "role"),
    [
        pytest.param(1, 1, False, "moderator", id="left just now"),
        pytest.param(30, 1, True, "moderator", id="the same call"),
        pytest.param(30, 1, False, "participant", id="no call any more"),
        pytest.param(30 * 24 * 60, 31 * 24, True, "participant", id="a month later, into another call"),
    ],
)
def test_without_a_lobby_a_moderator_stays_one_in_the_same_call_only(
    left_minutes_ago: int, let_in_hours_ago: int, goes_on: bool, role: str, meeting: Meeting
) -> None:
    Room.objects.update(has_lobby=False)
    now = timezone.now()
    meeting.cast.bob.call(meeting.room, "leave")
    Participant.objects.filter(pk=meeting.bob.pk).update(
        ended_at=now - timedelta(minutes=left_minutes_ago), admitted_at=now - timedelta(hours=let_in_hours_ago)
    )
    if goes_on:
        CallSession.objects.create(room=meeting.room, sid="RM_1", started_at=now, last_seen_at=now)
    answer = enter(meeting.cast.bob, meeting.room)
    assert (answer["state"], answer["participant"]["role"]) == ("admitted", role)


def test_guessing_links_ends_soon(cast: Cast) -> None:
    answers = [cast.eve.get(f"/r/aaa-aaaa-a{chr(97 + number // 26)}{chr(97 + number % 26)}") for number in range(40)]
    assert answers[0].status_code == 404
    assert answers[-1].status_code == 429


@pytest.mark.parametrize("body", ["", "[]", '"text"', "{", '{"name": 5}', "\xff", '{"name": "' + "x" * 5000 + '"}'])
def test_a_body_that_is_none_is_refused(body: str, cast: Cast, room: Room) -> None:
    answer = cast.eve.client.post(f"/api/rooms/{room.slug}/enter", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    form = cast.eve.client.post(f"/api/rooms/{room.slug}/enter", {"name": "Eve"})
    assert form.status_code == 400


@pytest.mark.parametrize("name", ["", "   ", "\u202e\u200b", "\x00\x07"])
def test_a_name_that_nobody_could_see_is_refused(name: str, cast: Cast, room: Room) -> None:
    answer = cast.eve.call(room, "enter", {"name": name})
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_name")  # type: ignore[attr-defined]  # the test client's


def test_a_hostile_name_stays_text_wherever_it_is_shown(meeting: Meeting) -> None:
    hostile = '</script><img src=x onerror=alert(1)>"\u202egpj.exe'
    shown = enter(meeting.cast.eve, meeting.room, hostile)["participant"]["name"]
    assert "\u202e" not in shown
    eve = Participant.objects.get(room=meeting.room, user=None)
    meeting.cast.alice.call(meeting.room, f"participants/{eve.identity}/remove")
    User.objects.filter(pk=meeting.cast.alice.signed_in.pk).update(
        first_name=hostile[:100], is_superuser=True, is_staff=True
    )
    meeting.cast.alice.signed_in.refresh_from_db()
    backend = "django.contrib.auth.backends.ModelBackend"
    meeting.cast.alice.client.force_login(meeting.cast.alice.signed_in, backend)  # as of the staff, which she is now
    Room.objects.update(name=hostile[:100])
    for path in (
        "/",
        "/rooms/",
        f"/rooms/{meeting.room.slug}/settings",
        f"/r/{meeting.room.slug}",
        "/admin/meetings/participant/",
        "/admin/meetings/room/",
        f"/admin/meetings/participant/{eve.pk}/change/",
    ):
        page = meeting.cast.alice.get(path)
        assert page.status_code == 200, path
        assert "<img src=x" not in page.content.decode(), path
        assert "</script><img" not in page.content.decode(), path


def test_a_promoted_guest_is_seen_with_the_new_role_by_all(meeting: Meeting) -> None:
    meeting.cast.alice.call(meeting.room, f"participants/{meeting.charlie.identity}/role", {"role": "moderator"})
    roles = meeting.cast.bob.state(meeting.room).json()["roles"]  # type: ignore[attr-defined]  # the test client's
    assert roles[meeting.charlie.identity] == Role.MODERATOR


def test_the_same_person_on_another_device_is_known_by_account_or_by_name_where_there_is_none(meeting: Meeting) -> None:
    def twins(person: Person) -> list[str]:
        return list(person.state(meeting.room).json()["twins"])  # type: ignore[attr-defined]  # the test client's

    phone = Person("Phone", meeting.cast.bob.user)
    phone.client.force_login(meeting.cast.bob.signed_in, backend="django.contrib.auth.backends.ModelBackend")
    own = phone.sits(meeting.room)
    assert (twins(meeting.cast.bob), twins(phone)) == ([own.identity], [meeting.bob.identity])

    # Two colleagues of one name are two people; a guest of that name may be either of them.
    Participant.objects.filter(room=meeting.room).update(name="Jean Martin")
    assert (twins(meeting.cast.alice), twins(meeting.cast.bob)) == ([], [own.identity])
    guest = Person("jean MARTIN")
    row = guest.sits(meeting.room)
    assert twins(meeting.cast.alice) == [row.identity]
    assert meeting.alice.identity in twins(guest)
    Participant.objects.filter(pk=row.pk).update(state=State.LEFT)
    assert twins(meeting.cast.alice) == []
    stranger = Person("Grace")
    stranger.sits(meeting.room, state=State.WAITING)
    assert twins(stranger) == []
