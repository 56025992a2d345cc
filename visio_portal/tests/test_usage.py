"""Usage by organisation and month: right figures, for whom they are, at a bounded price."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from meetings.models import Attendance, CallSession, Room
from meetings.tests.rows import make_participant, make_user
from visio_portal.tests.test_start_page import clerk, client_of
from visio_portal.usage import month_of, months

pytestmark = pytest.mark.django_db

PATH = "/admin/usage/"
# Session, person, their second factor (twice), months, rooms, calls, stays, memberships, organisations.
QUERIES = 10


@pytest.fixture
def boss() -> Client:
    return client_of(User.objects.create_superuser("boss@culture.example"))


def at(month: str, day: int = 10, hour: int = 10) -> datetime:
    year, number = map(int, month.split("-"))
    return timezone.make_aware(datetime(year, number, day, hour))


def meeting(owner: User, began: datetime, minutes: list[int], *, name: str = "") -> None:
    """A new room of theirs, and a call in it in which somebody stayed for each of the minutes."""
    room = Room.objects.create(owner=owner, name=name, created_at=began)
    call = CallSession.objects.create(
        room=room, sid=f"RM_{room.pk.hex}", started_at=began, ended_at=began + timedelta(hours=2), last_seen_at=began
    )
    for number, length in enumerate(minutes):
        left = began + timedelta(minutes=length)
        person = make_participant(room, f"Guest {number}")
        Attendance.objects.create(
            participant=person, call=call, sid=f"PA_{person.identity}", joined_at=began, left_at=left, last_seen_at=left
        )


def member(name: str, *organisations: Organisation) -> User:
    user = make_user(name)
    for one in organisations:
        Membership.objects.create(user=user, organisation=one)
    return user


def shown(client: Client, month: str) -> dict[str, tuple[int, int, int, int]]:
    page: Any = client.get(PATH, {"month": month})
    assert page.status_code == 200
    rows = [*page.context["rows"], page.context["total"]]
    return {row.name: (row.rooms, row.calls, row.people, row.minutes) for row in rows}


def test_rooms_calls_people_and_minutes_are_counted_by_the_organisation_at_the_top(boss: Client) -> None:
    culture, finances = (Organisation.objects.create(name=name) for name in ("Culture", "Finances"))
    office = Organisation.objects.create(name="Office", parent=culture)
    alice, bob = member("alice", office, finances), member("bob", finances)
    meeting(alice, at("2026-03"), [30, 60])
    meeting(alice, at("2026-03", 31, 23), [10])
    meeting(bob, at("2026-03", 1, 0), [5])
    meeting(make_user("carol"), at("2026-03"), [])
    meeting(bob, at("2026-04", 1, 0), [500])
    meeting(bob, at("2026-02", 28, 23), [500])
    assert shown(boss, "2026-03") == {
        "Culture": (2, 2, 3, 100),
        "Finances": (1, 1, 1, 5),
        "Without an organisation": (1, 1, 0, 0),
        "All together": (4, 4, 4, 105),
    }
    assert list(shown(boss, "2026-04")) == ["Finances", "All together"]


def test_a_month_without_meetings_says_so(boss: Client) -> None:
    assert "Nobody met in this month." in boss.get(PATH).content.decode()
    assert boss.get(PATH, {"month": "nonsense"}).status_code == 200
    assert month_of("2026-13") == timezone.localdate().replace(day=1) == months()[0]


def test_the_months_on_record_are_offered(boss: Client) -> None:
    this = timezone.localdate().replace(day=1)
    meeting(make_user("alice"), timezone.now() - timedelta(days=70), [1])
    assert months()[0] == this
    assert len(months()) in (3, 4)
    assert len(set(months())) == len(months())
    assert boss.get(PATH).content.decode().count("<option ") == len(months())


def test_it_is_for_those_who_may_see_the_calls(client: Client) -> None:
    assert client.get(PATH).status_code == 302
    assert clerk("view_callsession").get(PATH).status_code == 200
    User.objects.all().delete()
    assert clerk("view_room").get(PATH).status_code == 403


def test_it_costs_the_same_however_much_there_is(boss: Client, django_assert_num_queries: Any) -> None:
    for number in range(10):
        organisation = Organisation.objects.create(name=f"M{number}")
        meeting(member(f"p{number}", organisation), at("2026-03"), [1, 2, 3])
    with django_assert_num_queries(QUERIES):
        boss.get(PATH, {"month": "2026-03"})
