"""One row and one log line a departure: the engine's word and the page's, in whatever order; garbage gets nowhere."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone
from livekit.protocol.models import DisconnectReason

from accounts.models import User
from jobs.models import Job
from jobs.models import State as JobState
from jobs.queue import enqueue
from jobs.worker import Worker
from meetings import departure_words
from meetings.browser_names import browser_of
from meetings.engine_events import CALL_OVER, LOST, close_attendance
from meetings.models import Attendance, CallReport, CallSession, Participant, Room
from meetings.models.participant import State
from meetings.services import reports
from meetings.tests.conftest import Meeting
from visio_portal.testing import Person

WHOLE = {
    "durationS": 1800.4,
    "reason": "connection_lost",
    "browser": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "path": "udp",
    "lossPercent": 2.345,
    "rttMs": 41.7,
    "reconnects": 3,
    "joinMs": 812,
}


def stay(meeting: Meeting, sid: str = "PA_1", *, minutes: float = 30, person: Participant | None = None) -> Attendance:
    """A connection that began some minutes ago and is open."""
    began = timezone.now() - timedelta(minutes=minutes)
    call, _ = CallSession.objects.get_or_create(
        sid="RM_1", defaults={"room": meeting.room, "started_at": began, "last_seen_at": began}
    )
    return Attendance.objects.create(
        participant=person or meeting.charlie, call=call, sid=sid, joined_at=began, last_seen_at=began
    )


def leave(attendance: Attendance, reason: str = "client_initiated", at: datetime | None = None) -> None:
    close_attendance(Attendance.objects.get(pk=attendance.pk), at or timezone.now(), reason)


def rate(person: Person, room: Room, rating: Any) -> int:
    return person.call(room, "report/rating", {"rating": rating}).status_code


def assert_whole(row: CallReport, attendance: Attendance | None) -> None:
    told = (row.reason, row.browser, row.path, row.loss_percent, row.rtt_ms, row.reconnects, row.join_ms)
    assert told == ("connection_lost", "Firefox 128 (Linux)", "udp", 2.3, 42, 3, 812)
    assert row.attendance == attendance
    assert row.reported_at is not None


def test_the_pages_word_then_the_engines(meeting: Meeting) -> None:
    attendance = stay(meeting)
    with structlog.testing.capture_logs() as lines:
        assert meeting.cast.charlie.beacon(meeting.room, WHOLE).status_code == 204
        leave(attendance, "connection_timeout")
    row = CallReport.objects.get()
    assert_whole(row, attendance)
    attendance.refresh_from_db()
    assert (row.began_at, row.ended_at) == (attendance.joined_at, attendance.left_at)
    [line] = [line for line in lines if line["event"] == "call_report"]
    assert {key: line[key] for key in ("room", "participant", "stay", "duration_s", "reason", "path", "rtt_ms")} == {
        "room": meeting.room.media_name,
        "participant": meeting.charlie.identity,
        "stay": "PA_1",
        "duration_s": 1800,
        "reason": "connection_lost",
        "path": "udp",
        "rtt_ms": 42,
    }
    [line] = [line for line in lines if line["event"] == "call_left"]
    assert (line["stay"], line["reason"]) == ("PA_1", "connection_timeout")
    assert 1800 <= line["duration_s"] < 1860  # a slow machine takes its time


def test_the_engines_word_then_the_pages(meeting: Meeting) -> None:
    attendance = stay(meeting)
    leave(attendance)
    assert CallReport.objects.get().reported_at is None
    meeting.cast.charlie.beacon(meeting.room, WHOLE)
    assert_whole(CallReport.objects.get(), attendance)


def test_a_page_that_says_nothing_still_leaves_its_row(meeting: Meeting) -> None:
    leave(stay(meeting), "lost")
    row = CallReport.objects.get()
    assert (row.attendance and row.attendance.reason, row.reported_at, row.path) == ("lost", None, "")


def test_a_page_that_reports_before_the_engine_told_of_it_is_joined_to_its_stay(meeting: Meeting) -> None:
    meeting.cast.charlie.beacon(meeting.room, {**WHOLE, "durationS": 1})
    assert CallReport.objects.get().attendance is None
    attendance = stay(meeting, minutes=0.02)
    leave(attendance)
    assert_whole(CallReport.objects.get(), attendance)


def test_a_page_that_never_got_through_leaves_a_row_of_its_own(meeting: Meeting) -> None:
    stay(meeting, person=meeting.bob)
    meeting.cast.charlie.beacon(meeting.room, {**WHOLE, "durationS": 20})
    row = CallReport.objects.get()
    assert_whole(row, None)
    assert row.ended_at - row.began_at == timedelta(seconds=20)


def test_of_two_reports_on_one_stay_the_later_counts(meeting: Meeting) -> None:
    attendance = stay(meeting)
    meeting.cast.charlie.beacon(meeting.room, {"reason": "page_hidden", "path": "tcp"})
    meeting.cast.charlie.beacon(meeting.room, WHOLE)
    assert_whole(CallReport.objects.get(), attendance)


def test_a_report_is_of_the_last_connection(meeting: Meeting) -> None:
    first = stay(meeting, "PA_1")
    leave(first, "lost", timezone.now() - timedelta(minutes=10))
    second = stay(meeting, "PA_2", minutes=9)
    meeting.cast.charlie.beacon(meeting.room, WHOLE)
    assert CallReport.objects.get(attendance=first).reported_at is None
    assert_whole(CallReport.objects.get(attendance=second), second)


def test_a_page_whose_place_was_taken_reports_on_its_own_stay(meeting: Meeting) -> None:
    first = stay(meeting, "PA_1")
    stay(meeting, "PA_2", minutes=0)
    leave(first, "duplicate_identity")
    meeting.cast.charlie.beacon(meeting.room, {"reason": "DUPLICATE_IDENTITY", "durationS": 1800})
    row = CallReport.objects.get()
    assert (row.attendance, row.reason) == (first, "duplicate_identity")


def test_a_report_is_not_of_last_weeks_stay(meeting: Meeting) -> None:
    old = stay(meeting, minutes=10_000)
    leave(old, at=timezone.now() - timedelta(minutes=9_000))
    meeting.cast.charlie.beacon(meeting.room, {**WHOLE, "durationS": 60})
    assert CallReport.objects.filter(attendance=None).count() == 1


def test_the_engines_correction_moves_the_end(meeting: Meeting) -> None:
    attendance = stay(meeting)
    leave(attendance, "lost", timezone.now() - timedelta(minutes=5))
    truth = timezone.now() - timedelta(minutes=3)
    leave(attendance, "client_initiated", truth)
    row = CallReport.objects.get()
    assert (row.ended_at, row.attendance and row.attendance.reason) == (truth, "client_initiated")


@pytest.mark.parametrize("state", [State.ADMITTED, State.LEFT, State.REMOVED, State.DENIED])
def test_who_was_put_out_may_still_report(state: State, meeting: Meeting) -> None:
    Participant.objects.filter(pk=meeting.charlie.pk).update(state=state)
    assert meeting.cast.charlie.beacon(meeting.room, WHOLE).status_code == 204


def test_who_was_never_let_in_has_nothing_to_report(meeting: Meeting) -> None:
    frank = Person("Frank")
    frank.sits(meeting.room, state=State.WAITING)
    assert frank.beacon(meeting.room, WHOLE).status_code == 403
    assert meeting.cast.eve.beacon(meeting.room, WHOLE).status_code == 404
    assert not CallReport.objects.exists()


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example", "http://testserver.evil.example", "http://["])
def test_another_site_reports_nothing(origin: str, meeting: Meeting) -> None:
    assert meeting.cast.charlie.beacon(meeting.room, WHOLE, origin=origin).status_code == 403
    assert not CallReport.objects.exists()


# --- how it was, in one click


def ratings() -> list[str]:
    return list(CallReport.objects.order_by("began_at").values_list("rating", flat=True))


def test_a_rating_is_kept_with_the_departure_that_was_told_of_last(meeting: Meeting) -> None:
    leave(stay(meeting, "PA_1", minutes=60), at=timezone.now() - timedelta(minutes=40))
    leave(stay(meeting, "PA_bobs", person=meeting.bob))
    last = stay(meeting, "PA_2")
    meeting.cast.charlie.beacon(meeting.room, WHOLE)
    with structlog.testing.capture_logs() as lines:
        assert rate(meeting.cast.charlie, meeting.room, "bad") == 204
    assert CallReport.objects.get(attendance=last).rating == "bad"
    assert sorted(ratings()) == ["", "", "bad"]
    [line] = [line for line in lines if line["event"] == "call_rated"]
    assert (line["stay"], line["rating"], line["participant"]) == ("PA_2", "bad", meeting.charlie.identity)
    leave(last, "connection_timeout")  # the engine's word comes later, and takes nothing away
    assert_whole(CallReport.objects.get(rating="bad"), last)


def test_where_the_pages_word_was_lost_the_rating_goes_to_the_engines_row(meeting: Meeting) -> None:
    first = stay(meeting, "PA_1", minutes=60)
    meeting.cast.charlie.beacon(meeting.room, WHOLE)
    leave(first, at=timezone.now() - timedelta(minutes=40))
    CallReport.objects.update(reported_at=timezone.now() - timedelta(minutes=40))
    last = stay(meeting, "PA_2")
    leave(last)
    assert rate(meeting.cast.charlie, meeting.room, "good") == 204
    assert CallReport.objects.get(rating="good").attendance == last


def admitted_again(participant: Participant, *, minutes_ago: float = 0) -> None:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    Participant.objects.filter(pk=participant.pk).update(state=State.ADMITTED, admitted_at=at)


def test_where_no_word_of_this_call_came_through_its_rating_does_not_land_on_an_earlier_call(meeting: Meeting) -> None:
    nine = stay(meeting, "PA_nine", minutes=120)
    meeting.cast.charlie.beacon(meeting.room, WHOLE)
    leave(nine, at=timezone.now() - timedelta(minutes=60))
    CallReport.objects.update(reported_at=timezone.now() - timedelta(minutes=60))
    admitted_again(meeting.charlie, minutes_ago=30)
    assert rate(meeting.cast.charlie, meeting.room, "bad") == 404
    assert ratings() == [""]
    eleven = stay(meeting, "PA_eleven", minutes=29)  # the beacon was blocked, the engine's word is still to come
    assert rate(meeting.cast.charlie, meeting.room, "bad") == 204
    leave(eleven)
    assert {(row.attendance, row.rating) for row in CallReport.objects.all()} == {(nine, ""), (eleven, "bad")}


def test_who_changes_their_mind_has_said_the_later(meeting: Meeting) -> None:
    leave(stay(meeting))
    assert [rate(meeting.cast.charlie, meeting.room, said) for said in ("bad", "middling")] == [204, 204]
    assert ratings() == ["middling"]


def test_after_the_host_ended_the_call_it_may_still_be_rated(meeting: Meeting) -> None:
    leave(stay(meeting))
    meeting.cast.alice.call(meeting.room, "end")
    assert rate(meeting.cast.charlie, meeting.room, "good") == 204


def test_only_ones_own_departure_of_today_is_rated(meeting: Meeting) -> None:
    leave(stay(meeting, person=meeting.bob))
    assert rate(meeting.cast.charlie, meeting.room, "good") == 404
    leave(stay(meeting, "PA_2", minutes=3_000), at=timezone.now() - timedelta(hours=13))
    assert rate(meeting.cast.charlie, meeting.room, "good") == 404
    frank = Person("Frank")
    frank.sits(meeting.room, state=State.WAITING)
    assert rate(frank, meeting.room, "good") == 403
    assert rate(meeting.cast.eve, meeting.room, "good") == 404
    assert ratings() == ["", ""]


@pytest.mark.parametrize("said", ["", "GOOD", "excellent", "good ", None, 3, True, ["good"], {"good": 1}, "\ud800"])
def test_a_rating_is_one_of_three_words(said: Any, meeting: Meeting) -> None:
    leave(stay(meeting))
    assert rate(meeting.cast.charlie, meeting.room, said) == 400
    assert ratings() == [""]


def test_another_site_cannot_rate_for_somebody(meeting: Meeting) -> None:
    leave(stay(meeting))
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = meeting.cast.charlie.client.cookies
    path = f"/api/rooms/{meeting.room.slug}/report/rating"
    assert strict.post(path, {"rating": "bad"}, content_type="application/json").status_code == 403
    assert ratings() == [""]


def test_ratings_are_limited(meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "RATINGS_PER_MINUTE", 2)
    leave(stay(meeting))
    leave(stay(meeting, "PA_bobs", person=meeting.bob))
    assert [rate(meeting.cast.charlie, meeting.room, "good") for _ in range(3)] == [204, 204, 429]
    assert rate(meeting.cast.bob, meeting.room, "good") == 204


# --- garbage


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"[" * 4000,
        b'{"rttMs": ' + b"9" * 4000 + b"}",
        b" " * 5000,
        *(json.dumps({field: value}) for field in WHOLE for value in ([], {}, True, [1], {"a": "b"})),
        *(json.dumps({field: value}) for field in ("reason", "browser", "path") for value in (1, 1.5)),
        *(json.dumps({field: "text"}) for field in ("durationS", "lossPercent", "rttMs", "reconnects", "joinMs")),
        *(f'{{"rttMs": {value}}}' for value in ("NaN", "Infinity", "-Infinity", "1e999")),
        *(
            json.dumps({field: value})
            for field in ("reason", "path")
            for value in ("a sentence of somebody", "x" * 41, "eyJhbGciOi.eyJzdWIi.sig", "a\x00b", "\ud800", "é")
        ),
    ],
)
def test_garbage_leaves_no_row_and_is_refused(body: Any, meeting: Meeting) -> None:
    status = meeting.cast.charlie.beacon(meeting.room, body).status_code
    huge = isinstance(body, bytes) and body.startswith(b'{"rttMs": 9')
    assert status == (204 if huge else 400)  # a number of 4000 digits is one, only too large
    assert CallReport.objects.count() == huge


@pytest.mark.parametrize(("sent", "kept"), [(-5, 0), (10**300, 600_000), (1e308, 600_000), (0, 0), (None, None)])
def test_numbers_are_kept_within_bounds(sent: Any, kept: int | None, meeting: Meeting) -> None:
    assert meeting.cast.charlie.beacon(meeting.room, {"rttMs": sent, "durationS": sent}).status_code == 204
    row = CallReport.objects.get()
    assert row.rtt_ms == kept
    assert row.ended_at - row.began_at <= timedelta(days=7)


def test_an_empty_report_and_unknown_fields_are_taken(meeting: Meeting) -> None:
    assert meeting.cast.charlie.beacon(meeting.room, {"transcript": "what was said", "token": "eyJ"}).status_code == 204
    row = CallReport.objects.get()
    assert (row.reason, row.browser, row.path, row.rtt_ms) == ("", "", "", None)


def test_reports_of_one_person_are_limited(meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "REPORTS_PER_MINUTE", 3)
    answers = [meeting.cast.charlie.beacon(meeting.room, {}).status_code for _ in range(4)]
    assert answers == [204, 204, 204, 429]
    assert meeting.cast.bob.beacon(meeting.room, {}).status_code == 204


def test_who_never_got_through_has_one_row_a_call_with_their_last_word(meeting: Meeting) -> None:
    for seconds in (20, 30):
        meeting.cast.charlie.beacon(meeting.room, {"reason": "unreachable", "durationS": seconds})
    row = CallReport.objects.get()
    assert row.ended_at - row.began_at == timedelta(seconds=30)
    Room.objects.update(call_ended_at=timezone.now())
    meeting.cast.charlie.beacon(meeting.room, {"reason": "unreachable", "durationS": 1})
    assert CallReport.objects.count() == 2, "of the next call"


def visitors(room: Room, count: int) -> list[Person]:
    """As many sessions as somebody likes to have, each let in and never in the call."""
    people = [Person(f"Visitor {number}") for number in range(count)]
    for person in people:
        person.sits(room)
    return people


@pytest.mark.parametrize(
    "limit", ["UNSEEN_OF_SOURCE_PER_MINUTE", "UNSEEN_OF_ROOM_PER_MINUTE", "UNSEEN_OF_ROOM_PER_DAY"]
)
def test_with_many_sessions_nobody_forges_departures_in_bulk(
    limit: str, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, limit, 3)
    answers = [person.beacon(meeting.room, {}).status_code for person in visitors(meeting.room, 5)]
    assert answers == [204, 204, 204, 429, 429]
    assert CallReport.objects.count() == 3
    stay(meeting)  # who was in the call is not concerned: each has the engine's row
    assert meeting.cast.charlie.beacon(meeting.room, WHOLE).status_code == 204


def test_reports_of_one_network_are_limited_whatever_they_tell_of(
    meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "REPORTS_OF_SOURCE_PER_MINUTE", 2)
    answers = [person.beacon(meeting.room, {}).status_code for person in visitors(meeting.room, 3)]
    assert answers == [204, 204, 429]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("", ""),
        ("Firefox 128", "Firefox 128"),
        ("Chrome 131 on Windows", "Chrome 131 (Windows)"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36 Edg/131.0",
            "Edge 131 (Windows)",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
            "Chrome 131 (Android)",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Version/17.4 Mobile Safari/604.1", "Safari 17 (iOS)"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.4 Safari/605.1.15", "Safari 17 (macOS)"),
        ("<b>my secret</b>", "other"),
        ("eyJhbGciOi.eyJzdWIi.sig", "other"),
        ("Firefox " + "9" * 400, "Firefox 9999"),
    ],
)
def test_of_a_browser_only_name_version_and_system_are_kept(sent: str, kept: str) -> None:
    assert browser_of(sent) == kept


# --- "why did it cut at 10:14?"


@pytest.fixture
def administrator(meeting: Meeting) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root@culture.example"))
    return client


def at_paris(hour: int, minute: int) -> datetime:
    yesterday = timezone.now().astimezone(ZoneInfo("Europe/Paris")) - timedelta(days=1)
    return yesterday.replace(hour=hour, minute=minute, second=20)


def departure(
    meeting: Meeting, person: Participant, ended_at: datetime, engines_reason: str, **told: Any
) -> CallReport:
    attendance = stay(meeting, sid=f"PA_{person.name}_{ended_at:%H%M}", person=person, minutes=4_000)
    leave(attendance, engines_reason, ended_at)
    CallReport.objects.filter(attendance=attendance).update(**told)
    return CallReport.objects.get(attendance=attendance)


PATH = "/admin/meetings/callreport/"


def listed(client: Client, query: str) -> list[str]:
    page = client.get(PATH + query, headers={"accept-language": "en"})
    assert page.status_code == 200
    return [row.participant.name for row in page.context["cl"].result_list]


def test_the_administrator_finds_why_it_cut_at_1014(meeting: Meeting, administrator: Client) -> None:
    departure(
        meeting, meeting.charlie, at_paris(10, 14), "connection_timeout",
        path="tcp", loss_percent=7.5, rtt_ms=310, reconnects=2, browser="Firefox 128 (Linux)", reason="connection_lost",
    )  # fmt: skip
    departure(meeting, meeting.bob, at_paris(10, 50), "client_initiated", rating="middling")
    departure(meeting, meeting.alice, at_paris(22, 14), "client_initiated")
    assert listed(administrator, "?q=10:14") == [meeting.charlie.name]
    assert listed(administrator, "?q=10h48+budget") == [meeting.bob.name]
    assert listed(administrator, "?q=10:14+nobody") == []
    assert listed(administrator, f"?q={meeting.charlie.name.split()[0]}") == [meeting.charlie.name]
    assert listed(administrator, "?end=cut") == [meeting.charlie.name]
    assert listed(administrator, "?end=wished") == [meeting.alice.name, meeting.bob.name]
    assert listed(administrator, "?end=never") == []
    assert listed(administrator, "?rating__exact=middling") == [meeting.bob.name]
    page = administrator.get(PATH + "?q=10:14").content.decode()
    shown = ("Budget committee", "connexion au réseau a été perdue", "TCP, plus lent", "310", "Firefox 128 (Linux)")
    assert [text for text in shown if text not in page] == []
    assert "connection_timeout" not in page
    assert "connection_lost" not in page
    assert meeting.room.slug not in page


def test_every_word_of_engine_and_page_is_a_sentence() -> None:
    engines = {name.lower() for name in DisconnectReason.keys() if not name.startswith(("SIP_", "AGENT_", "USER_UN"))}  # noqa: SIM118  protobuf's wrapper is no dict
    assert engines | {LOST, CALL_OVER} == set(departure_words.ENGINE)
    pages = (Path(settings.BASE_DIR) / "frontend" / "call" / "phase.ts").read_text()
    names = set(re.findall(r'\| "([a-z-]+)"', pages.partition("FinalName =")[2].partition(";")[0]))
    told_otherwise = {"duplicate", "ended-by-you"}  # see `reportReason` in callreport.ts
    assert told_otherwise <= names
    assert names - told_otherwise <= set(departure_words.PAGE)
    assert departure_words.said(departure_words.ENGINE, "some_newer_word") == "some_newer_word"


def test_a_reload_is_no_cut(meeting: Meeting, administrator: Client) -> None:
    departure(meeting, meeting.charlie, at_paris(10, 14), "duplicate_identity")
    departure(meeting, meeting.bob, at_paris(10, 15), "media_failure")
    assert listed(administrator, "?end=cut") == [meeting.bob.name]
    assert listed(administrator, "?end=wished") == [meeting.charlie.name]


def test_the_search_by_time_works_over_midnight(meeting: Meeting, administrator: Client) -> None:
    departure(meeting, meeting.charlie, at_paris(23, 58), "lost")
    departure(meeting, meeting.bob, at_paris(0, 3), "lost")
    assert sorted(listed(administrator, "?q=0:01")) == sorted([meeting.charlie.name, meeting.bob.name])
    assert listed(administrator, "?q=24:01") == []


def test_the_list_takes_few_queries_however_long_it_is(
    meeting: Meeting, administrator: Client, django_assert_max_num_queries: Any
) -> None:
    for minute in range(40):
        departure(meeting, meeting.charlie, at_paris(9, minute), "client_initiated")
    with django_assert_max_num_queries(10):
        assert len(listed(administrator, "")) == 40


def test_departures_are_read_and_never_changed(meeting: Meeting, administrator: Client) -> None:
    row = departure(meeting, meeting.charlie, at_paris(10, 14), "lost")
    page = administrator.get(f"{PATH}{row.pk}/change/")
    assert page.status_code == 200
    assert f"{meeting.charlie.name} ({at_paris(10, 14):%Y-%m-%d} 10:14)" in page.content.decode()
    assert administrator.post(f"{PATH}{row.pk}/change/", {"reason": "x"}).status_code == 403
    assert administrator.get(f"{PATH}add/").status_code == 403
    assert administrator.post(f"{PATH}{row.pk}/delete/", {"post": "yes"}).status_code == 403


@override_settings(REPORT_RETENTION_DAYS=2)
def test_departures_are_forgotten_after_the_days_of_the_setting(meeting: Meeting) -> None:
    row = departure(meeting, meeting.charlie, at_paris(10, 14), "lost")
    CallReport.objects.filter(pk=row.pk).update(
        began_at=timezone.now() - timedelta(days=4), ended_at=timezone.now() - timedelta(days=3)
    )
    departure(meeting, meeting.bob, at_paris(10, 14), "lost")
    enqueue("meetings.purge", {})
    assert Worker().work_once()
    assert [left.participant for left in CallReport.objects.all()] == [meeting.bob]


@override_settings(REPORT_RETENTION_DAYS=2)
def test_who_was_there_is_forgotten_with_their_names_and_who_is_there_or_was_removed_is_not(meeting: Meeting) -> None:
    now, long_ago = timezone.now(), timezone.now() - timedelta(days=3)
    over = stay(meeting, "PA_over", person=meeting.charlie)
    leave(over, at=now)
    goes_on = stay(meeting, "PA_goes_on", person=meeting.bob)
    leave(goes_on, at=now)
    Attendance.objects.update(joined_at=long_ago, left_at=long_ago)
    CallReport.objects.update(began_at=long_ago, ended_at=long_ago)
    ended = CallSession.objects.create(
        room=meeting.room, sid="RM_ended", started_at=long_ago, ended_at=long_ago, last_seen_at=long_ago
    )
    Attendance.objects.filter(pk=over.pk).update(call=ended)
    Participant.objects.filter(pk=meeting.charlie.pk).update(state=State.LEFT, ended_at=long_ago)
    enqueue("meetings.purge", {})
    assert Worker().work_once()
    assert [row.sid for row in Attendance.objects.all()] == ["PA_goes_on"]
    assert not Participant.objects.filter(pk=meeting.charlie.pk).exists()
    assert Participant.objects.filter(pk=meeting.bob.pk).exists()

    CallSession.objects.update(ended_at=now)
    Participant.objects.filter(pk=meeting.bob.pk).update(state=State.REMOVED, ended_at=long_ago)
    enqueue("meetings.purge", {})
    assert Worker().work_once()
    assert not Attendance.objects.exists()
    assert Participant.objects.filter(pk=meeting.bob.pk).exists(), "or the removed could come back"


@override_settings(REPORT_RETENTION_DAYS=2)
def test_who_asked_to_enter_is_forgotten_whatever_became_of_it(meeting: Meeting) -> None:
    now, long_ago = timezone.now(), timezone.now() - timedelta(days=3)
    rows = Participant.objects.filter(room=meeting.room)
    for number, state in enumerate([State.WAITING, State.DENIED, State.ADMITTED, State.LEFT]):
        for name, at in ((f"old {state}", long_ago), (f"new {state}", now)):
            Participant.objects.create(
                room=meeting.room,
                name=name,
                session_key_hash=f"{number} {name}",
                state=state,
                seen_at=at,
                admitted_at=at if state == State.ADMITTED else None,
                ended_at=at if state in (State.DENIED, State.LEFT) else None,
            )
    Participant.objects.filter(pk=meeting.alice.pk).update(admitted_at=long_ago)  # owners are people, too
    barred = rows.filter(pk=meeting.charlie.pk)
    barred.update(state=State.REMOVED, ended_at=long_ago)
    enqueue("meetings.purge", {})
    assert Worker().work_once()
    left = set(rows.values_list("name", flat=True))
    assert left == {"new waiting", "new denied", "new admitted", "new left", meeting.bob.name, meeting.charlie.name}

    Room.objects.update(closed_at=now)
    enqueue("meetings.purge", {})
    assert Worker().work_once()
    assert barred.exists()
    Room.objects.update(closed_at=long_ago)
    enqueue("meetings.purge", {})
    assert Worker().work_once()
    assert not barred.exists()


def test_an_admission_of_another_day_ends_at_night_when_they_were_last_there(meeting: Meeting) -> None:
    long_ago = timezone.now() - timedelta(hours=20)
    Participant.objects.filter(room=meeting.room).update(admitted_at=long_ago)
    lost, goes_on = stay(meeting, "PA_lost", person=meeting.bob), stay(meeting, "PA_goes_on", person=meeting.charlie)
    seen_at = timezone.now() - timedelta(hours=15)
    Attendance.objects.filter(pk=lost.pk).update(last_seen_at=seen_at)
    Attendance.objects.filter(pk=goes_on.pk).update(last_seen_at=timezone.now())
    enqueue("meetings.purge", {})
    assert Worker().work_once()
    ends = {row.name: (row.state, row.ended_at) for row in Participant.objects.filter(room=meeting.room)}
    assert ends == {
        meeting.alice.name: (State.LEFT, long_ago),
        meeting.bob.name: (State.LEFT, seen_at),
        meeting.charlie.name: (State.ADMITTED, None),
    }


@override_settings(REPORT_RETENTION_DAYS=2)
def test_an_event_that_nobody_could_take_names_nobody_for_longer(db: None) -> None:
    enqueue("meetings.take_event", {"event": {}})
    Job.objects.update(state=JobState.DEAD, created_at=timezone.now() - timedelta(days=3))
    enqueue("meetings.purge", {})
    assert Worker().work_once()
    assert not Job.objects.filter(kind="meetings.take_event").exists()


@override_settings(REPORT_RETENTION_DAYS=77, AUDIT_RETENTION_DAYS=78)
def test_the_legal_page_says_for_how_long(meeting: Meeting) -> None:
    page = Client().get("/legal/", headers={"accept-language": "en"}).content.decode()
    assert "when they came and left, for 77 days" in page
    assert "from which network address, for 78 days" in page
