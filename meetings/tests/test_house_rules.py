"""What an organisation lays down is kept at every door of its people's rooms, and nobody else notices anything."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone

from accounts.models import Membership, Organisation, Policy
from meetings.house_rules import places_taken
from meetings.models import Attendance, CallSession, Participant, Room
from meetings.models.participant import State
from meetings.tests.conftest import Meeting
from visio_portal.testing import Cast, FakeEngine, Person, make_cast


def lay_down(person: Person, **rules: Any) -> Policy:
    """As an office of the person's ministry does: the office itself leaves all open."""
    ministry = Organisation.objects.create(name="Ministry of Tests")
    office = Organisation.objects.create(name="Office", parent=ministry)
    Policy.objects.create(organisation=office)
    Membership.objects.create(user=person.signed_in, organisation=office)
    return Policy.objects.create(organisation=ministry, **rules)


def enters(person: Person, room: Room) -> tuple[int, str]:
    """The status, and the state or the refusal."""
    answer = person.call(room, "enter", {"name": person.name})
    body = answer.json()  # type: ignore[attr-defined]  # the test client's
    return answer.status_code, body.get("state") or body["error"]


def at_the_door(person: Person, room: Room) -> tuple[dict[str, Any], str | None]:
    """Who is inside, as far as they are told, and the refusal that waits for them."""
    found = person.get(f"/api/rooms/{room.slug}/doorway").json()  # type: ignore[attr-defined]  # the test client's
    return found["inside"], found["refusal"] and found["refusal"]["code"]


def comes_in(own: Participant) -> Attendance:
    """The engine has seen them."""
    now = timezone.now()
    call, _ = CallSession.objects.get_or_create(
        room=own.room, ended_at=None, defaults={"sid": "RM_1", "started_at": now, "last_seen_at": now}
    )
    return Attendance.objects.create(
        participant=own, call=call, sid=f"PA_{own.identity[:8]}", joined_at=now, last_seen_at=now
    )


def in_english(person: Person, path: str) -> str:
    page: HttpResponse = person.client.get(path, headers={"accept-language": "en"})  # type: ignore[assignment]  # the client's own kind
    return page.content.decode()


def made_room(answer: HttpResponse) -> Room | None:
    return Room.objects.filter(slug=answer["Location"].rpartition("/")[2]).first()


# --- Opening rooms


@pytest.mark.parametrize(("rule", "may"), [("", True), ("everybody", True), ("managers", False), ("nobody", False)])
def test_who_may_not_open_rooms_is_told_who_says_so(cast: Cast, rule: str, may: bool) -> None:
    lay_down(cast.alice, room_creation=rule)
    answer = cast.alice.post("/rooms/new", {"name": "Budget"})
    assert Room.objects.exists() is may
    assert (made_room(answer) is not None) is may
    if not may:
        (message,) = [str(message) for message in get_messages(answer.wsgi_request)]  # type: ignore[attr-defined]  # the test client's
        assert (answer["Location"], "Ministry of Tests" in message) == ("/", True)
    # Whoever belongs to nothing is not concerned.
    assert made_room(cast.dana.post("/rooms/new")) is not None


@pytest.mark.parametrize(("rule", "has_lobby"), [(None, True), (True, True), (False, False)])
def test_a_new_room_has_the_lobby_that_is_laid_down(cast: Cast, rule: bool | None, has_lobby: bool) -> None:
    lay_down(cast.alice, lobby_default=rule)
    room = made_room(cast.alice.post("/rooms/new"))
    assert room is not None
    assert room.has_lobby is has_lobby
    cast.alice.post(f"/rooms/{room.slug}/settings", {"name": "", "has_lobby": "" if has_lobby else "on"})
    room.refresh_from_db()
    assert room.has_lobby is not has_lobby  # it is a default, and the host decides


def test_the_portal_as_a_whole_may_lay_it_down(cast: Cast) -> None:
    Policy.objects.create(room_creation="nobody")
    cast.dana.post("/rooms/new")
    assert not Room.objects.exists()
    boss = cast.bob.signed_in
    boss.is_superuser = True
    boss.save()
    cast.bob.post("/rooms/new")
    assert Room.objects.get().owner == boss


@pytest.mark.parametrize("rule", ["managers", "nobody"])
def test_who_may_not_open_rooms_reads_so_before_they_click(cast: Cast, rule: str) -> None:
    policy = lay_down(cast.alice, room_creation=rule)
    for path, button in (("/", "Meet now"), ("/rooms/", "Create")):
        page = in_english(cast.alice, path)
        assert re.search(rf"<button[^>]* disabled aria-describedby=\"why-not-open\">{button}<", page), path
        (reason,) = re.findall(r'id="why-not-open">([^<]+)<', page)
        assert reason.endswith("you may join others’ meetings. Laid down by: Ministry of Tests.")
        assert "“Meet now” makes one" not in page
        # Whoever belongs to nothing is not concerned, nor is who has no account.
        for other in (cast.dana, cast.eve):
            assert "why-not-open" not in in_english(other, path)
    Policy.objects.filter(pk=policy.pk).update(room_creation="everybody")
    assert "disabled" not in in_english(cast.alice, "/")


def test_a_rooms_settings_say_what_ones_organisation_has_decided_already(cast: Cast) -> None:
    room = Room.objects.create(owner=cast.alice.signed_in)
    path = f"/rooms/{room.slug}/settings"
    assert "Laid down by" not in in_english(cast.alice, path)
    policy = lay_down(cast.alice, guests_allowed=False, max_participants=20, email_domains="b.example a.example")
    page = in_english(cast.alice, path)
    assert '<input type="checkbox" id="guests" disabled aria-describedby="guests-hint">' in page
    for sentence in (
        "Guests without an account may not come into your rooms. Laid down by: Ministry of Tests.",
        "Your rooms hold 20 people at most. Laid down by: Ministry of Tests.",
        "only those whose address ends in @a.example, @b.example may come into your rooms. Laid down by: Ministry",
    ):
        assert sentence in page
    # What is not a choice is not taken as one.
    cast.alice.post(path, {"name": "", "guests": "on", "has_lobby": ""})
    assert enters(cast.eve, room) == (403, "no_guests")
    Policy.objects.filter(pk=policy.pk).update(guests_allowed=True, max_participants=None, email_domains="*")
    assert "Laid down by" not in in_english(cast.alice, path)


# --- Coming in


def test_without_policies_everybody_comes_in_as_before(meeting: Meeting) -> None:
    cast = meeting.cast
    assert enters(cast.dana, meeting.room) == (200, "waiting")
    assert enters(cast.eve, meeting.room) == (200, "waiting")


def test_guests_stay_outside_where_they_are_not_allowed(meeting: Meeting) -> None:
    cast, room = meeting.cast, meeting.room
    Room.objects.filter(pk=room.pk).update(has_lobby=False)
    lay_down(cast.alice, guests_allowed=False)
    before = Participant.objects.count()
    assert enters(cast.eve, room) == (403, "no_guests")
    assert Participant.objects.count() == before
    # Nor do they learn whether anybody is inside; but why they will not get in, before they ask.
    assert at_the_door(cast.eve, room) == ({"view": "nothing"}, "no_guests")
    assert at_the_door(cast.dana, room) == ({"view": "names", "count": 0, "names": []}, None)
    assert enters(cast.dana, room) == (200, "admitted")
    # The rule is that of the room's owner, not of who comes.
    danas = Room.objects.create(owner=cast.dana.signed_in)
    assert enters(cast.eve, danas) == (200, "waiting")


def test_a_guest_who_was_in_does_not_come_back_once_guests_are_not_allowed(meeting: Meeting) -> None:
    frank = Person("Frank")
    frank.sits(meeting.room)
    assert enters(frank, meeting.room) == (200, "admitted")
    lay_down(meeting.cast.alice, guests_allowed=False)
    assert enters(frank, meeting.room) == (403, "no_guests")


def test_people_of_other_domains_stay_outside_where_domains_are_named(meeting: Meeting) -> None:
    cast, room = meeting.cast, meeting.room
    lay_down(cast.alice, email_domains="culture.example")
    assert enters(cast.dana, room) == (403, "foreign_domain")
    assert enters(cast.charlie, room) == (200, "admitted")
    assert enters(cast.alice, room) == (200, "admitted")


# --- Places


def test_a_room_holds_as_many_as_are_laid_down(meeting: Meeting) -> None:
    cast, room = meeting.cast, meeting.room
    Room.objects.filter(pk=room.pk).update(has_lobby=False)
    lay_down(cast.alice, max_participants=3)  # Alice, Bob and Charlie are in
    assert enters(cast.dana, room) == (403, "room_full")
    assert not Participant.objects.filter(user=cast.dana.signed_in).exists()
    # Who is in stays in: a reload takes no second place.
    assert enters(cast.charlie, room) == (200, "admitted")
    assert cast.charlie.call(room, "token").status_code == 200
    cast.bob.call(room, "leave")
    assert enters(cast.dana, room) == (200, "admitted")
    assert enters(cast.bob, room) == (403, "room_full")
    assert Participant.objects.get(pk=meeting.bob.pk).state == State.LEFT


def test_the_owner_is_never_locked_out_of_their_room(meeting: Meeting) -> None:
    cast, room = meeting.cast, meeting.room
    lay_down(cast.alice, max_participants=2)
    cast.alice.call(room, "leave")  # Bob and Charlie have both places
    assert enters(cast.alice, room) == (200, "admitted")
    assert cast.alice.call(room, "token").status_code == 200


def test_the_host_lets_in_no_more_than_fit(meeting: Meeting) -> None:
    cast, room = meeting.cast, meeting.room
    lay_down(cast.alice, max_participants=4)
    assert enters(cast.dana, room) == (200, "waiting")
    assert enters(cast.eve, room) == (200, "waiting")
    frank = Person("Frank")
    assert enters(frank, room) == (200, "waiting")
    assert cast.alice.call(room, "admit_all").status_code == 204
    queue = dict(Participant.objects.filter(state=State.WAITING).values_list("name", "state"))
    assert set(queue) == {"Eve", "Frank"}  # Dana asked first
    eve = Participant.objects.get(name="Eve")
    for act in (f"participants/{eve.identity}/admit", "admit_all"):
        answer = cast.alice.call(room, act)
        assert (answer.status_code, answer.json()["error"]) == (403, "room_full")  # type: ignore[attr-defined]  # the test client's
    eve.refresh_from_db()
    assert eve.state == State.WAITING
    cast.bob.call(room, "leave")
    assert cast.alice.call(room, f"participants/{eve.identity}/admit").status_code == 204


def test_a_place_is_free_when_its_person_is_gone_from_the_call(meeting: Meeting) -> None:
    cast, room = meeting.cast, meeting.room
    Room.objects.filter(pk=room.pk).update(has_lobby=False)
    lay_down(cast.alice, max_participants=3)
    stays = {own.pk: comes_in(own) for own in (meeting.alice, meeting.bob, meeting.charlie)}
    Attendance.objects.filter(pk=stays[meeting.bob.pk].pk).update(left_at=timezone.now())  # a closed lid
    assert set(places_taken(room)) == {meeting.alice, meeting.charlie}
    assert enters(cast.dana, room) == (200, "admitted")
    # Bob, still admitted, comes back: somebody else has his place, at each of the doors.
    assert enters(cast.bob, room) == (403, "room_full")
    assert [at_the_door(cast[name], room)[1] for name in ("alice", "bob", "charlie", "eve")] == [
        None,
        "room_full",
        None,
        "room_full",
    ]
    answer = cast.bob.call(room, "token")
    assert (answer.status_code, answer.json()["error"]) == (403, "room_full")  # type: ignore[attr-defined]  # the test client's
    assert cast.charlie.call(room, "token").status_code == 200


def test_who_was_let_in_and_never_came_holds_a_place_for_ten_minutes(meeting: Meeting) -> None:
    room = meeting.room
    long_ago = timezone.now() - timedelta(minutes=11)
    Participant.objects.filter(pk=meeting.charlie.pk).update(admitted_at=long_ago)
    assert set(places_taken(room)) == {meeting.alice, meeting.bob}
    comes_in(meeting.charlie)
    assert set(places_taken(room)) == {meeting.alice, meeting.bob, meeting.charlie}


@pytest.mark.django_db(transaction=True)
def test_of_many_who_come_at_once_as_many_get_in_as_there_are_places(
    no_limits_from_before: None, engine: FakeEngine
) -> None:
    alice = make_cast().alice
    room = Room.objects.create(owner=alice.signed_in, has_lobby=False)
    lay_down(alice, max_participants=3)
    answers: list[tuple[int, str]] = []
    start = threading.Barrier(8)

    def come(number: int) -> None:
        start.wait()
        try:
            answers.append(enters(Person(f"Guest {number}"), room))
        finally:
            connection.close()

    threads = [threading.Thread(target=come, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [(200, "admitted")] * 3 + [(403, "room_full")] * 5
    assert places_taken(room).count() == 3
