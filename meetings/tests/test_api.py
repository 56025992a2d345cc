"""Rooms for programs: the owner's rooms, by the same services and policies as the pages."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.api.tests.callers import Program, code_of, json_of, token_for
from accounts.models import ApiCreation, AuditEntry, Membership, Organisation, Policy
from accounts.models.policy import RoomCreation, SignInLevel
from accounts.services.api_tokens import forget_creations
from meetings.models import Attendance, CallSession, Participant, Room
from meetings.models.participant import State
from meetings.services import rooms
from meetings.tests.conftest import Meeting
from meetings.tests.rows import make_participant, make_room, make_user
from visio_portal.testing import Cast, FakeEngine

SCOPES = ("rooms:read", "rooms:write", "calls:read")


@pytest.fixture
def alices(cast: Cast, engine: FakeEngine) -> Program:
    """A program that acts for Alice."""
    return Program(token_for(cast.alice.signed_in, *SCOPES, name="Room booking").secret)


def rows(answer: HttpResponse) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = json_of(answer)["results"]
    return found


def test_a_room_is_opened_with_its_settings_and_a_link_that_works(alices: Program, cast: Cast) -> None:
    wish = {"name": "Budget", "has_lobby": False, "lobby_message": "We begin\nat ten.", "is_locked": True}
    answer = alices.send("POST", "rooms", wish)
    said = json_of(answer)
    assert answer.status_code == 201
    room = Room.objects.get(pk=said["id"])
    assert room.owner == cast.alice.user
    assert {name: said[name] for name in wish} == wish
    assert {name: getattr(room, name) for name in wish} == wish
    assert said["link"].endswith(f"/r/{room.slug}")
    assert json_of(alices.get(f"rooms/{room.pk}")) == said


def test_without_a_wish_it_is_as_the_organisation_lays_it_down(alices: Program) -> None:
    Policy.objects.create(lobby_default=False)
    answer = alices.send("POST", "rooms")
    assert answer.status_code == 201
    assert json_of(answer)["has_lobby"] is False
    assert json_of(answer)["name"] == ""


def test_who_may_open_no_rooms_opens_none_by_a_program_either(alices: Program, cast: Cast) -> None:
    ministry = Organisation.objects.create(name="Ministry of Tests")
    Membership.objects.create(user=cast.alice.signed_in, organisation=ministry)
    Policy.objects.create(organisation=ministry, room_creation=RoomCreation.NOBODY)
    answer = alices.send("POST", "rooms", {"name": "Budget"}, idempotency_key="k")
    assert (answer.status_code, code_of(answer)) == (403, "may_not_open_rooms")
    assert "Ministry of Tests" in json_of(answer)["message"]
    assert not Room.objects.exists()
    assert not ApiCreation.objects.exists()


def test_nobody_fills_the_disk_with_rooms(alices: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "MAX_OPEN_ROOMS", 1)
    assert alices.send("POST", "rooms").status_code == 201
    answer = alices.send("POST", "rooms")
    assert (answer.status_code, code_of(answer)) == (409, "too_many_rooms")
    assert json_of(answer)["remedy"]


def test_a_level_weaker_than_what_is_laid_down_is_not_offered_and_nothing_is_made(alices: Program) -> None:
    Policy.objects.create(required_acr=SignInLevel.EIDAS2)
    answer = alices.send("POST", "rooms", {"required_acr": "two_factors"})
    assert (answer.status_code, code_of(answer)) == (409, "not_offered")
    assert json_of(answer)["where"] == "body.required_acr"
    assert not Room.objects.exists()


def test_the_same_key_makes_one_room_however_often_it_is_sent(alices: Program) -> None:
    answers = [alices.send("POST", "rooms", {"name": "Budget"}, idempotency_key="k1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert len({json_of(answer)["id"] for answer in answers}) == 1
    assert Room.objects.count() == 1


def test_two_at_once_with_the_same_key_make_one_room(transactional_db: None) -> None:
    secret = token_for(make_user("alice"), *SCOPES).secret
    start, statuses = threading.Barrier(2), []

    def ask() -> None:
        client = Client(headers={"authorization": f"Bearer {secret}", "idempotency-key": "k1"})
        start.wait(10)
        try:
            statuses.append(client.post("/api/v1/rooms", {"name": "Budget"}, "application/json").status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [200, 201]
    assert Room.objects.count() == 1


def test_a_key_with_another_wish_is_a_mistake_and_one_of_another_token_is_another_key(
    alices: Program, cast: Cast
) -> None:
    alices.send("POST", "rooms", {"name": "Budget"}, idempotency_key="k1")
    answer = alices.send("POST", "rooms", {"name": "Staff"}, idempotency_key="k1")
    assert (answer.status_code, code_of(answer)) == (409, "idempotency_conflict")
    bobs = Program(token_for(cast.bob.signed_in, *SCOPES).secret)
    assert bobs.send("POST", "rooms", {"name": "Budget"}, idempotency_key="k1").status_code == 201
    assert Room.objects.count() == 2


@pytest.mark.parametrize("key", ["", "é", "a b", "x" * 101])
def test_a_key_that_is_none_is_refused(alices: Program, key: str) -> None:
    answer = alices.send("POST", "rooms", {}, idempotency_key=key)
    assert (answer.status_code, json_of(answer)["where"]) == (400, "header.Idempotency-Key")
    assert not Room.objects.exists()


def test_keys_are_forgotten_after_a_day(alices: Program) -> None:
    alices.send("POST", "rooms", {}, idempotency_key="k1")
    forget_creations()
    assert ApiCreation.objects.count() == 1
    ApiCreation.objects.update(created_at=timezone.now() - timedelta(hours=25))
    forget_creations()
    assert not ApiCreation.objects.exists()


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"nam": "Budget"}, "body.nam"),
        ({"name": 5}, "body.name"),
        ({"name": None}, "body.name"),
        ({"name": "x" * 101}, "body.name"),
        ({"name": "a\x00b"}, "body.name"),
        ({"name": "\ud800"}, "body.name"),
        ({"has_lobby": 1}, "body.has_lobby"),
        ({"has_lobby": "true"}, "body.has_lobby"),
        ({"lobby_message": "x" * 301}, "body.lobby_message"),
        ({"required_acr": "strong"}, "body.required_acr"),
        ({"owner": "somebody"}, "body.owner"),
        ({"closed_at": None}, "body.closed_at"),
        ([], "body"),
        ("Budget", "body"),
    ],
)
def test_what_is_wrong_in_a_wish_is_named_and_changes_nothing(
    alices: Program, cast: Cast, body: Any, where: str
) -> None:
    room = make_room(cast.alice.signed_in, name="Budget")
    before = Room.objects.values().get()
    for method, path in (("POST", "rooms"), ("PATCH", f"rooms/{room.pk}")):
        answer = alices.send(method, path, body)
        assert (answer.status_code, code_of(answer)) == (400, "invalid")
        assert [detail["where"] for detail in json_of(answer)["details"]] == [where]
    assert Room.objects.values().get() == before


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed"),
        (b"\xff", "application/json", 400, "malformed"),
        (b'{"name": NaN}', "application/json", 400, "malformed"),
        (b"[" * 30_000, "application/json", 400, "malformed"),
        (b'{"name": "' + b"x" * 70_000 + b'"}', "application/json", 413, "too_large"),
        (b"name=Budget", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
    ],
)
def test_a_body_that_is_no_json_object_of_a_bounded_size_is_refused(
    alices: Program, body: bytes, kind: str, status: int, code: str
) -> None:
    answer = alices.send("POST", "rooms", body, content_type=kind)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert not Room.objects.exists()


def test_what_is_not_sent_stays(alices: Program, cast: Cast) -> None:
    room = make_room(cast.alice.signed_in, name="Budget", lobby_message="Hello", is_locked=True)
    answer = alices.send("PATCH", f"rooms/{room.pk}", {"name": "Staff"})
    assert answer.status_code == 200
    room.refresh_from_db()
    assert (room.name, room.lobby_message, room.is_locked, room.has_lobby) == ("Staff", "Hello", True, True)


def test_what_the_host_changes_meanwhile_stays(alices: Program, cast: Cast) -> None:
    room = make_room(cast.alice.signed_in, name="Before")
    was_read: list[str] = []

    def locked_by_its_host(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if sql.startswith("SELECT") and '"meetings_room"."lobby_message"' in sql and not was_read:
            was_read.append(sql)
            Room.objects.filter(pk=room.pk).update(is_locked=True, lobby_message="Wait, please.")
        return answer

    with connection.execute_wrapper(locked_by_its_host):
        assert alices.send("PATCH", f"rooms/{room.pk}", {"name": "After"}).status_code == 200
    assert was_read
    room.refresh_from_db()
    assert (room.name, room.is_locked, room.lobby_message) == ("After", True, "Wait, please.")
    assert '"name"' in AuditEntry.objects.get(action="room_changed").after
    assert "is_locked" not in AuditEntry.objects.get(action="room_changed").after


def test_a_room_that_is_closed_stays_so_and_closing_again_is_no_mistake(meeting: Meeting, engine: FakeEngine) -> None:
    caller = Program(token_for(meeting.cast.alice.signed_in, *SCOPES).secret)
    path = f"rooms/{meeting.room.pk}"
    assert [caller.send("DELETE", path).status_code for _ in range(2)] == [204, 204]
    assert len(engine.told("DeleteRoom")) == 1
    assert json_of(caller.get(path))["closed_at"] is not None
    answer = caller.send("PATCH", path, {"name": "Again"})
    assert (answer.status_code, code_of(answer)) == (410, "closed")
    assert [row["id"] for row in rows(caller.get("rooms"))] == []
    assert [row["id"] for row in rows(caller.get("rooms?state=closed"))] == [str(meeting.room.pk)]
    assert [row["id"] for row in rows(caller.get("rooms?state=all"))] == [str(meeting.room.pk)]


def test_an_engine_that_does_not_answer_is_said_and_the_room_is_closed_all_the_same(
    transactional_db: None, meeting: Meeting, engine: FakeEngine
) -> None:
    engine.error = (503, "unavailable")
    caller = Program(token_for(meeting.cast.alice.signed_in, *SCOPES).secret)
    answer = caller.client.delete(f"/api/v1/rooms/{meeting.room.pk}")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert Room.objects.get().is_closed


def test_the_audit_log_says_who_acted_and_by_which_application(alices: Program, cast: Cast) -> None:
    alices.send("POST", "rooms", {"name": "Budget"})
    entry = AuditEntry.objects.get(action="room_created")
    assert entry.actor_id == str(cast.alice.signed_in.public_id)
    assert entry.actor_label.startswith("Alice Martin [Room booking (")
    cast.alice.post("/rooms/new")
    by_hand = AuditEntry.objects.filter(action="room_created").latest("seq")
    assert by_hand.actor_label == "Alice Martin"


def test_who_is_there_now_is_told_with_who_waits_and_nobody_of_yesterday(meeting: Meeting) -> None:
    room = meeting.room
    waiting = make_participant(room, "Frank", state=State.WAITING)
    make_participant(room, "Gone", state=State.LEFT)
    make_participant(room, "Asleep", state=State.WAITING, seen_at=timezone.now() - timedelta(hours=1))
    now = timezone.now()
    call = CallSession.objects.create(room=room, sid="RM_1", started_at=now, last_seen_at=now)
    Attendance.objects.create(participant=meeting.bob, call=call, sid="PA_1", joined_at=now, last_seen_at=now)
    caller = Program(token_for(meeting.cast.alice.signed_in, *SCOPES).secret)
    there = {row["name"]: row for row in rows(caller.get(f"rooms/{room.pk}/participants"))}
    assert set(there) == {meeting.alice.name, meeting.bob.name, meeting.charlie.name, "Frank"}
    assert [there[meeting.bob.name]["is_in_call"], there["Frank"]["is_in_call"]] == [True, False]
    assert there["Frank"]["person"] is None
    assert there["Frank"]["state"] == "waiting"
    assert there["Frank"]["identity"] == waiting.identity
    assert there[meeting.bob.name]["person"] == str(meeting.cast.bob.signed_in.public_id)
    [said] = rows(caller.get(f"rooms/{room.pk}/calls"))
    assert (said["id"], said["people"], said["ended_at"]) == ("RM_1", 1, None)


def test_rooms_come_newest_first_by_pages_and_are_found_by_words(alices: Program, cast: Cast) -> None:
    now = timezone.now()
    made = [
        make_room(cast.alice.signed_in, name=f"Room {number}", created_at=now - timedelta(minutes=number // 2))
        for number in range(7)
    ]
    make_room(cast.bob.signed_in, name="Room of Bob")
    seen, address = [], "rooms?limit=2"
    while address:
        answer = alices.get(address)
        seen.append([row["name"] for row in rows(answer)])
        address = json_of(answer)["next"]
    assert [len(page) for page in seen] == [2, 2, 2, 1]
    names = [name for page in seen for name in page]
    assert sorted(names) == sorted(room.name for room in made)
    assert [name.split()[1] for name in names][-1] == "6"
    assert [row["name"] for row in rows(alices.get("rooms?q=oom+3"))] == ["Room 3"]


def test_lists_cost_the_same_however_long_they_are(alices: Program, cast: Cast, django_assert_num_queries: Any) -> None:
    room = make_room(cast.alice.signed_in)
    alices.get("token")  # its use is noted here
    for _ in range(2):
        with django_assert_num_queries(2):
            alices.get("rooms")
        with django_assert_num_queries(3):
            alices.get(f"rooms/{room.pk}/participants")
        for number in range(5):
            make_participant(make_room(cast.alice.signed_in), f"P{number}")
            make_participant(room, f"Q{number}", user=cast.bob.signed_in if number == 1 else None)
    assert Participant.objects.count() == 20
