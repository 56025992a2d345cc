"""The administration's page of one departure answers "why did it cut at 10:14" in one sentence, and leads further."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone, translation

from accounts.models import User
from meetings import departure_story, departure_words
from meetings.models import Attendance, CallReport, CallSession, Participant, Room
from meetings.tests.rows import make_participant, make_room, make_user

pytestmark = pytest.mark.django_db

YESTERDAY = (timezone.now() - timedelta(days=1)).astimezone(ZoneInfo("Europe/Paris")).date()
FIGURES: dict[str, Any] = {
    "loss_percent": 8.5,
    "rtt_ms": 310,
    "path": "udp",
    "reconnects": 2,
    "browser": "Firefox 128 (Linux)",
}


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(*YESTERDAY.timetuple()[:3], hour, minute, second, tzinfo=ZoneInfo("Europe/Paris"))


@pytest.fixture
def call() -> CallSession:
    room = make_room(make_user("alice"), name="Budget committee")
    return CallSession.objects.create(
        room=room, sid="RM_1", started_at=at(10, 0), ended_at=at(11, 0), last_seen_at=at(11, 0)
    )


def departure(
    call: CallSession, name: str, engines_word: str, *, ended_at: datetime | None = None, **told: Any
) -> CallReport:
    """Somebody who was in the call from 10:02 on, by default until 10:14."""
    ended_at = ended_at or at(10, 14)
    person = make_participant(call.room, name)
    attendance = Attendance.objects.create(
        participant=person, call=call, sid=f"PA_{name}", joined_at=at(10, 2), left_at=ended_at, last_seen_at=ended_at,
        reason=engines_word,
    )  # fmt: skip
    return CallReport.objects.create(
        participant=person, attendance=attendance, began_at=at(10, 2), ended_at=ended_at, **told
    )


@pytest.fixture
def boss() -> Client:
    return client_of(User.objects.create_superuser("boss@culture.example"))


def client_of(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def address(row: Participant | Room | User | CallReport) -> str:
    return f"/admin/{row._meta.label_lower.replace('.', '/')}/{row.pk}/change/"


def page_of(client: Client, report: CallReport) -> str:
    answer = client.get(address(report))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_begins_with_the_answer(call: CallSession, boss: Client) -> None:
    report = departure(call, "Bob Petit", "connection_timeout", **FIGURES)
    page = page_of(boss, report)
    assert (
        "Bob Petit left at 10:14 because the network was lost "
        "(after 12 min, loss 8.5 %, RTT 310 ms, 2 reconnections, UDP, Firefox 128 (Linux))." in page
    )
    assert "The page itself said nothing" in page


@pytest.mark.usefixtures("compiled_locale")
@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "fr",
            "Bob Petit a quitté la réunion à 10:14 parce que la connexion au réseau a été perdue "
            "(après 12 min, perte 8,5 %, RTT 310 ms, 2 reconnexions, UDP, Firefox 128 (Linux)).",
        ),
        (
            "de",
            "Bob Petit verließ die Besprechung um 10:14 Uhr, weil die Netzwerkverbindung verloren ging "
            "(nach 12 min, Verlust 8,5 %, RTT 310 ms, 2 Wiederverbindungen, UDP, Firefox 128 (Linux)).",
        ),
    ],
)
def test_in_the_readers_language(language: str, text: str, call: CallSession, boss: Client) -> None:
    report = departure(call, "Bob Petit", "connection_timeout", **FIGURES)
    with translation.override(language):
        assert departure_story.sentence(report) == text
    page = boss.get(address(report), headers={"accept-language": language}).content.decode()
    assert text in page


@pytest.mark.parametrize(
    ("engine", "page", "text"),
    [
        ("client_initiated", "left", "of their own accord"),
        ("participant_removed", "removed", "because a host removed them"),
        ("room_deleted", "ended", "because the meeting was over"),
        ("lost", "", "because the server stopped unexpectedly"),
        ("unknown_reason", "", "no reason is known"),
        ("", "", "no reason is known"),
        ("some_newer_word", "", ": some_newer_word"),
        # What the page knew better.
        ("connection_timeout", "offline", "because the device had no network"),
        ("signal_close", "page-closed", "because the page was closed or reloaded"),
        ("connection_timeout", "unreachable", "because the network was lost"),
        ("lost", "page-closed", "because the server stopped unexpectedly"),
    ],
)
def test_the_sentence_names_the_cause(engine: str, page: str, text: str, call: CallSession) -> None:
    report = departure(call, "Bob", engine, reason=page)
    with translation.override("en"):
        assert departure_story.sentence(report).endswith(f"{text} (after 12 min).")


def test_every_word_of_the_engine_has_a_sentence(call: CallSession) -> None:
    for number, word in enumerate(departure_words.ENGINE):
        report = departure(call, f"Bob {number}", word)
        with translation.override("en"):
            assert word not in departure_story.sentence(report)


def test_who_never_got_in_and_who_is_still_there(call: CallSession, boss: Client) -> None:
    person = make_participant(call.room, "Charlie")
    never = CallReport.objects.create(
        participant=person, began_at=at(10, 20), ended_at=at(10, 20, 40), reason="unreachable", reported_at=at(10, 21)
    )
    departure(call, "Bob", "client_initiated")
    page = page_of(boss, never)
    assert "Charlie never got into the call and gave up at 10:20: The server did not answer (after 40 s)." in page
    assert ">Bob<" in page, "the call that went on meanwhile is not found"
    inside = departure(call, "Dana", "")
    Attendance.objects.filter(sid="PA_Dana").update(left_at=None)
    assert "Dana is still in the call." in page_of(boss, inside)


def test_it_leads_to_the_person_the_room_and_the_others_of_the_call(call: CallSession, boss: Client) -> None:
    report = departure(call, "Bob", "connection_timeout")
    other = departure(call, "Charlie", "client_initiated", ended_at=at(11, 0))
    elsewhere = CallSession.objects.create(
        room=call.room, sid="RM_2", started_at=at(14, 0), ended_at=at(15, 0), last_seen_at=at(15, 0)
    )
    stranger = departure(elsewhere, "Eve", "client_initiated", ended_at=at(15, 0))
    account = make_user("bob")
    Participant.objects.filter(pk=report.participant.pk).update(user=account)
    page = page_of(boss, report)
    for row in (report.participant, account, call.room, other):
        assert f'href="{address(row)}"' in page
        assert boss.get(address(row)).status_code == 200
    assert f'href="{address(stranger)}"' not in page
    assert call.room.slug not in page
    every = boss.get(f"/admin/meetings/callreport/?attendance__call__id__exact={call.pk}")
    assert every.status_code == 200
    assert {row.participant.name for row in every.context["cl"].result_list} == {"Bob", "Charlie"}
    assert f"attendance__call__id__exact={call.pk}" in page


def test_whether_others_were_cut_off_at_the_same_moment(call: CallSession, boss: Client) -> None:
    report = departure(call, "Bob", "connection_timeout")
    departure(call, "Charlie", "client_initiated")
    departure(call, "Dana", "connection_timeout", ended_at=at(10, 30))
    assert "Nobody else of this call was cut off within a minute" in page_of(boss, report)
    departure(call, "Frank", "signal_close", ended_at=at(10, 14, 40))
    assert "1 other person of this call was cut off within a minute" in page_of(boss, report)
    departure(call, "Grace", "lost", ended_at=at(10, 13, 30))
    assert "2 other people of this call were cut off within a minute" in page_of(boss, report)
    wished = CallReport.objects.get(participant__name="Charlie")
    assert "within a minute" not in page_of(boss, wished)


def test_links_are_for_those_who_may_follow_them(call: CallSession) -> None:
    report = departure(call, "Bob", "connection_timeout")
    clerk = User.objects.create_user("clerk@culture.example", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=("view_callreport", "view_room")))
    page = page_of(client_of(clerk), report)
    assert f'href="{address(call.room)}"' in page
    assert f'href="{address(report.participant)}"' not in page


def test_a_hostile_name_is_only_a_name(call: CallSession, boss: Client) -> None:
    report = departure(call, "<b>%(time)s %s</b>", "connection_timeout")
    assert "&lt;b&gt;%(time)s %s&lt;/b&gt; left at 10:14" in page_of(boss, report)


def test_the_page_costs_the_same_however_many_were_there(
    call: CallSession, boss: Client, django_assert_max_num_queries: Any
) -> None:
    report = departure(call, "Bob", "connection_timeout")
    for number in range(60):
        departure(call, f"Guest {number}", "connection_timeout")
    with django_assert_max_num_queries(12):
        page = page_of(boss, report)
    assert page.count("<time>") == 50


def test_the_list_of_what_ended_badly_has_who_was_cut_off_and_who_never_got_in(call: CallSession, boss: Client) -> None:
    departure(call, "Bob", "connection_timeout")
    departure(call, "Charlie", "client_initiated")
    still_in = departure(call, "Dana", "")
    Attendance.objects.filter(report=still_in).update(left_at=None)
    CallReport.objects.create(participant=make_participant(call.room, "Eve"), began_at=at(10, 0), ended_at=at(10, 1))

    def listed(end: str) -> set[str]:
        page = boss.get(f"/admin/meetings/callreport/?end={end}")
        return {row.participant.name for row in page.context["cl"].result_list}

    assert listed("bad") == {"Bob", "Eve"}
    assert listed("cut") == {"Bob"}
    assert listed("never") == {"Eve"}
    assert listed("wished") == {"Charlie"}


def test_a_line_of_the_list_has_the_second_the_room_and_the_network_and_is_no_wider_than_a_screen(
    call: CallSession, boss: Client
) -> None:
    told = {"path": "udp", "loss_percent": 7.5, "rtt_ms": 310, "reconnects": 2}
    report = departure(call, "Bob", "connection_timeout", ended_at=at(10, 14, 32), **told)
    Room.objects.filter(pk=call.room_id).update(name="")
    page = boss.get("/admin/meetings/callreport/?q=10:14").content.decode()
    cells = dict(re.findall(r'class="field-(\w+)">(?:<a[^>]*>)?([^<]*)<', page))
    assert cells["went"] == f"{at(10, 14, 32):%Y-%m-%d} 10:14:32"
    made = f"{timezone.localtime(call.room.created_at):%Y-%m-%d}"
    assert cells["room"] == f"Room of {call.room.owner.display_name} ({made})"
    assert cells["network"] == "Direct (UDP), loss 7.5 %, RTT 310 ms, 2 reconnections"
    assert len(cells) <= 7
    assert call.room.slug not in page
    assert cells["went"] in page_of(boss, report)
    day = f"{at(10, 14):%Y-%m-%d}"
    for query, found in ((day, 1), (f"{day} 10:14", 1), ("2020-02-29", 0), (call.room.slug, 1)):
        assert boss.get("/admin/meetings/callreport/", {"q": query}).context["cl"].result_count == found, query
