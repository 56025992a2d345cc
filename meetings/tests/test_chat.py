"""Chat: a line is kept, carried to everybody by the server, found again in the history of its call, and taken back."""

from __future__ import annotations

import json
import secrets
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from jobs.queue import enqueue
from jobs.worker import Worker
from meetings import media
from meetings.models import CallSession, ChatMessage, Participant, Room
from meetings.models.participant import Role, State
from meetings.refusals import NotAdmitted
from meetings.services import lobby, together
from meetings.tests.conftest import Meeting
from visio_portal.testing import FakeEngine, Person, make_cast


def post(person: Person, room: Room, text: Any, key: Any = None) -> Any:
    body = {"text": text, "key": secrets.token_hex(8) if key is None else key}
    return person.call(room, "messages", body)


def said(person: Person, room: Room, text: str) -> dict[str, Any]:
    answer = post(person, room, text, key=str(ChatMessage.objects.count()))
    assert answer.status_code == 201, answer.content
    message: dict[str, Any] = answer.json()
    return message


def history(person: Person, room: Room, query: str = "") -> dict[str, Any]:
    answer = person.get(f"/api/rooms/{room.slug}/messages{query}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()  # type: ignore[attr-defined]  # the test client's
    return found


def texts(found: dict[str, Any]) -> list[str]:
    return [message["text"] for message in found["messages"]]


def carried(engine: FakeEngine, topic: str = together.CHAT_TOPIC) -> list[dict[str, Any]]:
    return [json.loads(order.data) for order in engine.told("SendData") if order.topic == topic]


def test_a_line_is_kept_and_carried_to_everybody(meeting: Meeting, engine: FakeEngine) -> None:
    answer = post(meeting.cast.charlie, meeting.room, "Bonjour 👋", key="a-1")
    assert answer.status_code == 201
    message = answer.json()
    row = ChatMessage.objects.get()
    assert message == {
        "id": str(row.pk),
        "identity": meeting.charlie.identity,
        "name": meeting.charlie.name,
        "role": "participant",
        "text": "Bonjour 👋",
        "sentAt": row.sent_at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{row.sent_at.microsecond // 1000:03}Z",
    }
    [order] = engine.told("SendData")
    assert (order.room, order.topic, order.kind) == (meeting.room.media_name, "portal.chat", 0)
    assert list(order.destination_identities) == []
    assert carried(engine) == [message]
    assert history(meeting.cast.bob, meeting.room) == {"messages": [message], "hasMore": False, "deleted": []}


def test_the_same_key_is_the_same_line(meeting: Meeting, engine: FakeEngine) -> None:
    first = post(meeting.cast.charlie, meeting.room, "once", key="k").json()
    again = post(meeting.cast.charlie, meeting.room, "twice?", key="k")
    assert (again.status_code, again.json()) == (201, first)
    assert ChatMessage.objects.count() == 1
    # Whoever asks again has perhaps not been heard: pages keep one line an id.
    assert carried(engine) == [first, first]
    other = post(meeting.cast.bob, meeting.room, "another's key", key="k").json()
    assert other["id"] != first["id"]


@pytest.mark.parametrize("answer", [(503, "unavailable"), (500, "internal")])
def test_an_engine_that_fails_loses_no_line(answer: tuple[int, str], meeting: Meeting, engine: FakeEngine) -> None:
    engine.error = answer
    message = post(meeting.cast.charlie, meeting.room, "kept").json()
    assert texts(history(meeting.cast.bob, meeting.room)) == ["kept"]
    # Who is in the call all the while does not ask for the history: the line is carried once the engine takes it.
    engine.error = None
    later = timezone.now() + timedelta(seconds=10)
    assert Worker(now=lambda: later).work_once()
    assert carried(engine) == [message, message]
    assert not Worker(now=lambda: later).work_once()


def test_a_line_that_comes_late_is_not_carried_into_the_next_meeting(meeting: Meeting, engine: FakeEngine) -> None:
    engine.error = (503, "unavailable")
    post(meeting.cast.charlie, meeting.room, "between us")
    engine.error = None
    lobby.end_admissions(meeting.room, ended_at=timezone.now())
    before = len(carried(engine))
    later = timezone.now() + timedelta(seconds=10)
    assert Worker(now=lambda: later).work_once()
    assert len(carried(engine)) == before


def test_an_engine_that_is_away_loses_no_line(meeting: Meeting, settings: Any) -> None:
    settings.LIVEKIT_URL = "ws://127.0.0.1:9"
    assert post(meeting.cast.charlie, meeting.room, "kept").status_code == 201
    assert texts(history(meeting.cast.bob, meeting.room)) == ["kept"]
    media.close()


def test_before_a_call_has_begun_on_the_engine_a_line_is_kept(meeting: Meeting, engine: FakeEngine) -> None:
    engine.error = (404, "not_found")
    assert post(meeting.cast.alice, meeting.room, "Agenda").status_code == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "bad_request"),
        ({"text": "no key"}, "bad_request"),
        ({"text": 1, "key": "k"}, "bad_request"),
        ({"text": ["x"], "key": "k"}, "bad_request"),
        ({"text": "x", "key": None}, "bad_request"),
        ({"text": "x", "key": ""}, "bad_request"),
        ({"text": "x", "key": "k" * 37}, "bad_request"),
        ({"text": "x", "key": "a b"}, "bad_request"),
        ({"text": "x", "key": "k\n"}, "bad_request"),
        ({"text": "x" * 2001, "key": "k"}, "long_message"),
        ({"text": " \u202e\x00 ", "key": "k"}, "empty_message"),
    ],
)
def test_what_is_no_message_is_refused_with_a_clear_code(
    body: Any, code: str, meeting: Meeting, engine: FakeEngine
) -> None:
    answer = meeting.cast.charlie.call(meeting.room, "messages", body)
    assert (answer.status_code, answer.json()["error"]) == (400, code)  # type: ignore[attr-defined]  # the test client's
    assert not ChatMessage.objects.exists()
    assert engine.orders == []


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b"\xff\xfe", b"[" * 3000, b'{"text": "\\ud800", "key": "k"}', b'{"text":' * 3000]
)
def test_bytes_that_are_no_message_are_refused(raw: bytes, meeting: Meeting) -> None:
    path = f"/api/rooms/{meeting.room.slug}/messages"
    assert meeting.cast.charlie.client.post(path, raw, content_type="application/json").status_code == 400


def test_the_longest_message_passes_however_it_is_written(meeting: Meeting) -> None:
    # json.dumps writes each as two \uXXXX: the longest form there is.
    assert post(meeting.cast.charlie, meeting.room, "😀" * 2000, key="k").status_code == 201


def test_no_text_lands_in_a_log(meeting: Meeting, engine: FakeEngine, caplog: pytest.LogCaptureFixture) -> None:
    engine.error = (503, "unavailable")
    post(meeting.cast.charlie, meeting.room, "state secret", key="k")
    assert "message_not_carried" in caplog.text
    assert "state secret" not in caplog.text


def test_nobody_writes_in_anothers_name(meeting: Meeting) -> None:
    answer = meeting.cast.charlie.call(
        meeting.room, "messages", {"text": "I resign", "key": "k", "identity": meeting.alice.identity, "name": "Alice"}
    )
    assert answer.json()["identity"] == meeting.charlie.identity  # type: ignore[attr-defined]  # the test client's


def test_name_and_role_stay_what_they_were(meeting: Meeting) -> None:
    said(meeting.cast.charlie, meeting.room, "as Charlie")
    Participant.objects.filter(pk=meeting.charlie.pk).update(name="Somebody", role=Role.MODERATOR)
    [message] = history(meeting.cast.alice, meeting.room)["messages"]
    assert (message["name"], message["role"]) == (meeting.charlie.name, "participant")


def test_who_is_put_out_while_they_write_says_nothing_more(meeting: Meeting, engine: FakeEngine) -> None:
    charlie = Participant.objects.select_related("room").get(pk=meeting.charlie.pk)  # as the request's start saw them
    meeting.cast.bob.call(meeting.room, f"participants/{charlie.identity}/remove")
    with pytest.raises(NotAdmitted):
        together.post_message(charlie, text="one last word", key="k")
    assert not ChatMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_numbers_become_visible_in_their_order(no_limits_from_before: None, settings: Any) -> None:
    """Else a page that asks for what comes after the newest it knows would miss a line that is committed later."""
    settings.LIVEKIT_URL = "ws://127.0.0.1:9"
    room = Room.objects.create(owner=make_cast().alice.signed_in)
    writers = [Person(f"Guest {number}").sits(room) for number in range(4)]
    seen: list[list[int]] = []
    barrier = threading.Barrier(5)

    def write(own: Participant) -> None:
        barrier.wait()
        for number in range(5):
            together.post_message(own, text="x", key=f"{number}")
        connection.close()

    threads = [threading.Thread(target=write, args=[own]) for own in writers]
    for thread in threads:
        thread.start()
    barrier.wait()
    while any(thread.is_alive() for thread in threads):
        seen.append(list(ChatMessage.objects.values_list("pk", flat=True)))
    for thread in threads:
        thread.join()
    final = list(ChatMessage.objects.values_list("pk", flat=True))
    assert len(final) == 20
    assert all(found == final[: len(found)] for found in seen)
    media.close()


# --- limits


def test_one_person_cannot_flood_the_room(meeting: Meeting) -> None:
    for number in range(together.MESSAGES_PER_MINUTE):
        assert post(meeting.cast.charlie, meeting.room, str(number)).status_code == 201
    answer = post(meeting.cast.charlie, meeting.room, "one more")
    assert (answer.status_code, answer.json()["error"]) == (429, "too_many_requests")
    assert post(meeting.cast.bob, meeting.room, "still heard").status_code == 201


def test_many_people_together_cannot_flood_it_either(meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "ROOM_PACKETS_PER_MINUTE", 3)
    assert [post(meeting.cast[name], meeting.room, name).status_code for name in ("alice", "bob", "charlie")] == [
        201
    ] * 3
    assert post(meeting.cast.alice, meeting.room, "more").status_code == 429


# --- pages of the history


def test_the_history_comes_in_pages_both_ways(meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "PAGE_SIZE", 3)
    ids = [said(meeting.cast.alice, meeting.room, f"m{number}")["id"] for number in range(7)]
    newest = history(meeting.cast.bob, meeting.room)
    assert (texts(newest), newest["hasMore"]) == (["m4", "m5", "m6"], True)
    older = history(meeting.cast.bob, meeting.room, f"?before={ids[4]}")
    assert (texts(older), older["hasMore"]) == (["m1", "m2", "m3"], True)
    oldest = history(meeting.cast.bob, meeting.room, f"?before={ids[1]}")
    assert (texts(oldest), oldest["hasMore"]) == (["m0"], False)
    missed = history(meeting.cast.bob, meeting.room, f"?after={ids[1]}")
    assert (texts(missed), missed["hasMore"]) == (["m2", "m3", "m4"], True)
    rest = history(meeting.cast.bob, meeting.room, f"?after={ids[4]}")
    assert (texts(rest), rest["hasMore"]) == (["m5", "m6"], False)
    assert texts(history(meeting.cast.bob, meeting.room, f"?after={ids[6]}")) == []


@pytest.mark.parametrize(
    "query", ["?after=x", "?after=-1", "?before=1e3", "?after=", "?after=%00", "?after=1&before=2"]
)
def test_a_place_that_is_none_is_refused(query: str, meeting: Meeting) -> None:
    assert meeting.cast.bob.get(f"/api/rooms/{meeting.room.slug}/messages{query}").status_code == 400


def test_a_page_of_the_history_takes_few_queries(meeting: Meeting, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        said(meeting.cast.alice, meeting.room, f"m{number}")
    history(meeting.cast.bob, meeting.room)  # the first request of a browser notes it
    with django_assert_max_num_queries(7):
        history(meeting.cast.bob, meeting.room)


def test_another_rooms_history_is_not_there(meeting: Meeting) -> None:
    said(meeting.cast.alice, meeting.room, "ours")
    danas = Room.objects.create(owner=meeting.cast.dana.signed_in)
    meeting.cast.dana.sits(danas, role=Role.HOST)
    assert texts(history(meeting.cast.dana, danas)) == []


# --- only of the call that goes on


def call(room: Room, sid: str, began: int, ended: int | None) -> CallSession:
    """A life of the room on the engine, in minutes before now."""
    now = timezone.now()
    ended_at = None if ended is None else now - timedelta(minutes=ended)
    return CallSession.objects.create(
        room=room, sid=sid, started_at=now - timedelta(minutes=began), ended_at=ended_at, last_seen_at=now
    )


def written(meeting: Meeting, text: str, minutes_ago: int) -> ChatMessage:
    return ChatMessage.objects.create(
        room=meeting.room,
        author=meeting.alice,
        name="Alice",
        role=Role.HOST,
        text=text,
        key=text,
        sent_at=timezone.now() - timedelta(minutes=minutes_ago),
    )


def test_who_is_admitted_late_reads_the_whole_of_their_call(meeting: Meeting) -> None:
    said(meeting.cast.alice, meeting.room, "early")
    late = Person("Frank")
    late.sits(meeting.room)
    assert texts(history(late, meeting.room)) == ["early"]


def test_the_next_call_does_not_read_this_one(meeting: Meeting) -> None:
    said(meeting.cast.alice, meeting.room, "ten o'clock")
    meeting.cast.alice.call(meeting.room, "end")
    meeting.cast.alice.call(meeting.room, "enter", {"name": "Alice"})
    assert texts(history(meeting.cast.alice, meeting.room)) == []
    said(meeting.cast.alice, meeting.room, "eleven o'clock")
    assert texts(history(meeting.cast.alice, meeting.room)) == ["eleven o'clock"]
    assert ChatMessage.objects.count() == 2


def test_the_end_that_the_engine_told_ends_the_history_too(meeting: Meeting) -> None:
    written(meeting, "before", 30)
    lobby.end_admissions(meeting.room, ended_at=timezone.now() - timedelta(minutes=20))
    Participant.objects.filter(room=meeting.room).update(state=State.ADMITTED, admitted_at=timezone.now())
    assert texts(history(meeting.cast.bob, meeting.room)) == []


def test_a_crash_of_the_engine_cuts_no_history(meeting: Meeting) -> None:
    call(meeting.room, "RM_1", began=30, ended=12)  # lost: `call_ended_at` is not written
    call(meeting.room, "RM_2", began=11, ended=None)
    written(meeting, "before the crash", 20)
    written(meeting, "after the crash", 5)
    assert texts(history(meeting.cast.bob, meeting.room)) == ["before the crash", "after the crash"]


def test_a_lost_call_to_which_nobody_came_back_is_over(meeting: Meeting) -> None:
    call(meeting.room, "RM_1", began=300, ended=200)
    written(meeting, "the morning's", 250)
    assert texts(history(meeting.cast.bob, meeting.room)) == []
    call(meeting.room, "RM_2", began=20, ended=None)
    written(meeting, "now", 5)
    assert texts(history(meeting.cast.bob, meeting.room)) == ["now"]


# --- taking back


def delete(person: Person, room: Room, message_id: Any) -> int:
    return person.call(room, f"messages/{message_id}/delete").status_code


@pytest.mark.parametrize(
    ("author", "by", "status"),
    [
        ("charlie", "charlie", 204),
        ("charlie", "bob", 204),
        ("charlie", "alice", 204),
        ("alice", "bob", 204),
        ("alice", "charlie", 403),
        ("bob", "charlie", 403),
        ("charlie", "dana", 403),
        ("charlie", "eve", 403),
    ],
)
def test_a_line_is_taken_back_by_its_author_or_a_moderator(
    author: str, by: str, status: int, meeting: Meeting, engine: FakeEngine
) -> None:
    message = said(meeting.cast[author], meeting.room, "oops")
    assert delete(meeting.cast[by], meeting.room, message["id"]) == status
    row = ChatMessage.objects.get()
    gone = {"id": message["id"], "isDeleted": True}
    if status == 204:
        assert (row.text, row.is_deleted) == ("", True)
        assert carried(engine)[1:] == [gone]
        found = history(meeting.cast.bob, meeting.room)
        assert found == {"messages": [message | gone | {"text": ""}], "hasMore": False, "deleted": [message["id"]]}
    else:
        assert (row.text, row.is_deleted) == ("oops", False)
        assert carried(engine)[1:] == []


@pytest.mark.parametrize("state", [State.WAITING, State.DENIED, State.REMOVED, State.LEFT])
def test_who_is_no_longer_in_the_call_takes_nothing_back(state: State, meeting: Meeting) -> None:
    message = said(meeting.cast.bob, meeting.room, "mine")
    Participant.objects.filter(pk=meeting.bob.pk).update(state=state)
    assert delete(meeting.cast.bob, meeting.room, message["id"]) == 403


def test_a_line_that_was_taken_back_stays_so_whoever_asks_again(meeting: Meeting, engine: FakeEngine) -> None:
    message = post(meeting.cast.charlie, meeting.room, "oops", key="k").json()
    assert [delete(meeting.cast.charlie, meeting.room, message["id"]) for _ in range(2)] == [204, 204]
    again = post(meeting.cast.charlie, meeting.room, "oops", key="k").json()
    assert (again["id"], again["text"], again["isDeleted"]) == (message["id"], "", True)
    assert carried(engine)[1:] == [{"id": message["id"], "isDeleted": True}] * 3


@pytest.mark.parametrize("number", ["0", "999999", "9" * 18, "9" * 40])
def test_a_line_that_is_not_there_cannot_be_taken_back(number: str, meeting: Meeting) -> None:
    assert delete(meeting.cast.alice, meeting.room, number) == 404


def test_lines_of_other_calls_and_rooms_are_out_of_reach(meeting: Meeting) -> None:
    message = said(meeting.cast.charlie, meeting.room, "ours")
    danas = Room.objects.create(owner=meeting.cast.dana.signed_in)
    meeting.cast.dana.sits(danas, role=Role.HOST)
    assert delete(meeting.cast.dana, danas, message["id"]) == 404
    Room.objects.filter(pk=meeting.room.pk).update(call_ended_at=timezone.now())
    assert delete(meeting.cast.alice, meeting.room, message["id"]) == 404
    assert ChatMessage.objects.get().text == "ours"


# --- forgetting


def run_job(kind: str) -> None:
    enqueue(kind, {})
    assert Worker().work_once()


@override_settings(CHAT_RETENTION_DAYS=2)
def test_the_rows_go_after_the_days_of_the_setting(meeting: Meeting) -> None:
    written(meeting, "old", 3 * 24 * 60)
    written(meeting, "young", 24 * 60)
    run_job("meetings.purge")
    assert [row.text for row in ChatMessage.objects.all()] == ["young"]


@override_settings(CHAT_RETENTION_DAYS=0)
def test_the_history_of_a_call_that_goes_on_is_kept(meeting: Meeting) -> None:
    running = call(meeting.room, "RM_1", began=30, ended=None)
    written(meeting, "an hour ago", 60)
    run_job("meetings.purge")
    assert ChatMessage.objects.count() == 1
    CallSession.objects.filter(pk=running.pk).update(ended_at=timezone.now())
    run_job("meetings.purge")
    assert not ChatMessage.objects.exists()
