"""The administration's start page: right figures, of each only what the reader may see, at a bounded price."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from jobs.models import Job, State
from meetings.models import Attendance, CallReport, CallSession, Participant, Room
from meetings.tests.rows import make_participant, make_room, make_user

pytestmark = pytest.mark.django_db

# Session, person, their second factor (twice), database's word, jobs, people, rooms, calls, departures, the reader's
# last acts.
QUERIES = 11


@pytest.fixture
def boss() -> Client:
    return client_of(User.objects.create_superuser("boss@culture.example", last_login=timezone.now()))


def client_of(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    # Not by force_login, which would say that they signed in just now.
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def clerk(*names: str) -> Client:
    user = User.objects.create_user("clerk@culture.example", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return client_of(user)


def figures(client: Client) -> dict[str, Any]:
    """By title."""
    page = client.get("/admin/")
    assert page.status_code == 200
    return {figure.title: figure for figure in page.context["figures"]}


def shortcuts(client: Client) -> dict[str, str]:
    return {shortcut.text: shortcut.address for shortcut in client.get("/admin/").context["shortcuts"]}


def stay(call: CallSession, person: Participant, *, reason: str | None = None) -> Attendance:
    """In the call, or out of it for this reason, with the departure's row."""
    number = Attendance.objects.count()
    now = timezone.now()
    left_at = None if reason is None else now
    attendance = Attendance.objects.create(
        participant=person, call=call, sid=f"PA_{number}", joined_at=call.started_at, last_seen_at=now,
        left_at=left_at, reason=reason or "",
    )  # fmt: skip
    if left_at is not None:
        CallReport.objects.create(participant=person, attendance=attendance, began_at=call.started_at, ended_at=left_at)
    return attendance


def call_in(room: Room, *, is_over: bool = False) -> CallSession:
    now = timezone.now()
    return CallSession.objects.create(
        room=room,
        sid=f"RM_{CallSession.objects.count()}",
        started_at=now,
        last_seen_at=now,
        ended_at=now if is_over else None,
    )


@pytest.fixture
def busy() -> Room:
    """Two calls with three people in them, one of them twice; one that is over; five departures, two of them bad."""
    room = make_room(make_user("alice"), name="Budget")
    first, second, over = call_in(room), call_in(make_room(room.owner)), call_in(room, is_over=True)
    people = [make_participant(room, name) for name in ("Bob", "Charlie", "Dana")]
    stay(first, people[0])
    stay(first, people[0])
    stay(first, people[1])
    stay(second, people[2])
    for reason in ("client_initiated", "client_initiated", "room_deleted", "connection_timeout"):
        stay(over, people[0], reason=reason)
    now = timezone.now()
    CallReport.objects.create(participant=people[1], began_at=now, ended_at=now, reason="unreachable")
    still_in = stay(first, people[1])
    CallReport.objects.create(participant=people[1], attendance=still_in, began_at=now, ended_at=now)
    long_ago = now - timedelta(days=3)
    CallReport.objects.create(participant=people[1], began_at=long_ago, ended_at=long_ago)
    return room


@pytest.mark.usefixtures("relay", "busy")
def test_it_begins_with_people_rooms_calls_and_how_todays_departures_ended(boss: Client) -> None:
    User.objects.create_user("gone@culture.example", is_active=False, last_login=timezone.now())
    User.objects.create_user("asleep@culture.example", last_login=timezone.now() - timedelta(days=8))
    Room.objects.create(owner=User.objects.get(email="alice@example.org"), closed_at=timezone.now())
    found = figures(boss)
    people = found["Active people"]
    assert (people.value, list(people.notes)) == ("3", ["1 signed in within 7 days", "1 never signed in"])
    assert (found["Rooms"].value, list(found["Rooms"].notes)) == ("2", ["1 closed for good"])
    assert (found["Calls now"].value, list(found["Calls now"].notes)) == ("2", ["3 people in them"])
    departures = found["Departures today"]
    assert (departures.value, departures.warning) == ("5", "1 ended badly (25\N{NO-BREAK SPACE}%)")
    assert [(row.name, row.text, row.is_wrong) for row in departures.rows] == [
        ("Left the meeting", "2", False),
        ("Never got through", "1", True),
        ("The meeting was over", "1", False),
        ("The network connection was lost", "1", True),
    ]


@pytest.mark.usefixtures("relay", "busy")
def test_what_pages_alone_say_moves_no_share(boss: Client) -> None:
    """Anybody with a link can say that they never got through."""
    now = timezone.now()
    forger = Participant.objects.filter(name="Dana").get()
    CallReport.objects.bulk_create(CallReport(participant=forger, began_at=now, ended_at=now) for _ in range(50))
    departures = figures(boss)["Departures today"]
    assert departures.warning == "1 ended badly (25\N{NO-BREAK SPACE}%)"
    assert next(row.text for row in departures.rows if row.name == "Never got through") == "51"


@pytest.mark.usefixtures("relay", "busy")
def test_each_figure_and_shortcut_leads_to_the_rows_it_counts(boss: Client) -> None:
    found = figures(boss)
    departures = found["Departures today"]
    for address, count in (
        (found["Active people"].address, 2),
        (found["Rooms"].address, 2),
        (departures.address, 6),  # the list has the page's report of somebody who is still in the call, too
        (departures.warning_address, 1),
        (shortcuts(boss)["Today’s departures that ended badly"], 1),
    ):
        page = boss.get(address)
        assert page.status_code == 200, address  # 302: the admin does not know the filter
        assert page.context["cl"].result_count == count, address
    for address in shortcuts(boss).values():
        assert boss.get(address).status_code == 200


@pytest.mark.usefixtures("relay")
def test_a_person_is_invited_from_here_by_the_one_time_link(boss: Client) -> None:
    form = {"email": "new@culture.example", "first_name": "Nina", "last_name": "Neuve"}
    page = boss.post(shortcuts(boss)["Invite a person"], form, follow=True).content.decode()
    assert re.search(r"/accounts/invitation/\?token=[\w-]{43}", page)


@pytest.mark.usefixtures("relay")
def test_workers_jobs_disk_and_version_are_those_of_manage_py_status(boss: Client) -> None:
    for number, state in enumerate((State.QUEUED, State.QUEUED, State.DEAD, State.SUCCEEDED)):
        Job.objects.create(kind=f"kind{number}", state=state, max_attempts=3)
    found = figures(boss)
    assert (found["Open jobs"].value, found["Open jobs"].warning) == ("2", "1 given up")
    assert boss.get(found["Open jobs"].warning_address).context["cl"].result_count == 1
    workers = found["Media workers"]
    assert (workers.value, workers.warning) == ("1 / 1", "")
    assert [(row.name, row.text) for row in workers.rows] == [("relay-0", "2 rooms, 7 people, loop lag 1.5 ms")]
    assert found["Free disk space"].value.endswith(("GB", "TB", "MB"))
    assert re.fullmatch(r"\d+\.\d+\.\d+", found["Version"].value)
    assert boss.get("/admin/").context["faults"] == []


@pytest.mark.usefixtures("relay")
def test_a_worker_that_is_away_is_shown_as_such(boss: Client, settings: Settings) -> None:
    settings.RELAY_WORKERS = 2  # of which only the first is there
    workers = figures(boss)["Media workers"]
    assert (workers.value, workers.warning) == ("1 / 2", "1 does not answer")
    assert [(row.name, row.is_wrong) for row in workers.rows] == [("relay-0", False), ("relay-1", True)]
    page = boss.get("/admin/").content.decode()
    assert "The media worker relay-1 does not answer." in page


@pytest.mark.usefixtures("relay")
def test_a_full_disk_is_shown_as_such(boss: Client, settings: Settings) -> None:
    settings.MIN_FREE_DISK_MB = 10**9
    assert figures(boss)["Free disk space"].warning == "The disk is almost full."


@pytest.mark.usefixtures("relay")
def test_a_fresh_portal_says_what_to_do_first(boss: Client) -> None:
    found = figures(boss)
    assert "You are alone here so far: invite the first people." in found["Active people"].notes
    assert (found["Departures today"].value, list(found["Departures today"].notes)) == (
        "0",
        ["Nobody has left a call today."],
    )
    assert found["Departures today"].warning == found["Open jobs"].warning == ""
    assert list(found["Calls now"].notes) == ["Nobody is in a call."]


@pytest.mark.usefixtures("relay", "busy")
def test_it_costs_the_same_however_much_there_is(boss: Client, django_assert_num_queries: Any) -> None:
    boss.get("/admin/")
    with django_assert_num_queries(QUERIES):
        boss.get("/admin/")
    room = Room.objects.get(name="Budget")
    for number in range(20):
        call = call_in(room)
        stay(call, make_participant(room, f"Guest {number}"))
        stay(call, make_participant(room, f"Other {number}"), reason="lost" if number % 2 else "client_initiated")
        Job.objects.create(kind="more", state=State.QUEUED, max_attempts=3)
    with django_assert_num_queries(QUERIES):
        boss.get("/admin/")


@pytest.mark.parametrize(
    ("rights", "titles", "texts"),
    [
        ((), [], []),
        (("view_user",), ["Active people"], []),
        (("add_user", "view_user"), ["Active people"], []),  # Django's page would refuse them
        (("add_user", "change_user"), ["Active people"], ["Invite a person"]),
        (("change_room",), ["Rooms"], ["All rooms"]),
        (("view_callsession",), ["Calls now"], ["Usage by organisation"]),
        (("view_organisation", "view_auditentry"), [], ["Organisations", "Audit log"]),
        (
            ("view_callreport",),
            ["Departures today"],
            ["Today’s departures", "Today’s departures that ended badly"],
        ),
        (("view_job",), ["Open jobs", "Media workers", "Free disk space", "Version"], []),
    ],
)
@pytest.mark.usefixtures("busy")
def test_staff_with_few_rights_see_only_what_they_may(
    rights: tuple[str, ...], titles: list[str], texts: list[str]
) -> None:
    client = clerk(*rights)
    assert list(figures(client)) == titles
    assert list(shortcuts(client)) == texts
    for address in shortcuts(client).values():
        assert client.get(address).status_code == 200


def test_the_pages_are_for_staff_and_the_settings_for_superusers(boss: Client, client: Client) -> None:
    assert clerk("view_job").get("/admin/settings-check/").status_code == 403
    for path in ("/admin/", "/admin/settings-check/"):
        assert client.get(path).status_code == 302
    assert boss.get("/admin/settings-check/").status_code == 200


def test_the_settings_check_names_what_is_wrong_and_what_is_missing(boss: Client, settings: Settings) -> None:
    settings.LOG_LEVEL = "LOUD"
    settings.LEGAL_HOST = ""
    settings.LEGAL_PUBLISHER = "Ministry"
    settings.LIVEKIT_API_SECRET = "a short one"
    page = boss.get("/admin/settings-check/").content.decode()
    assert page.index("LOG_LEVEL=LOUD is unknown.") < page.index("LEGAL_HOST is not set")
    assert "Set it to INFO." in page
    assert "LEGAL_PUBLISHER" not in page
    assert "a short one" not in page
    settings.LOG_LEVEL = "INFO"
    settings.LIVEKIT_API_SECRET = "only-for-tests-" + "1" * 40
    for name in ("LEGAL_HOST", "PRIVACY_CONTACT", "ACCESSIBILITY_CONTACT"):
        setattr(settings, name, "Ministry")
    assert "Nothing is wrong" in boss.get("/admin/settings-check/").content.decode()


@pytest.mark.usefixtures("relay", "busy")
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", ("Personnes actives", "Départs aujourd’hui", "Inviter une personne")),
        ("en", ("Active people", "Departures today", "Invite a person")),
        ("de", ("Aktive Personen", "Heutige Weggänge", "Person einladen")),
    ],
)
def test_it_speaks_the_readers_language(language: str, words: tuple[str, ...], boss: Client) -> None:
    page = boss.get("/admin/", headers={"accept-language": language}).content.decode()
    assert [word for word in words if word not in page] == []
