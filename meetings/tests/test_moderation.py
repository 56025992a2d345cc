"""What hosts and moderators do: the row says it, the engine is told it, and nobody gets round it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import structlog
from django.test import Client
from django.utils import timezone
from livekit.protocol.models import ParticipantInfo, TrackInfo, TrackSource

from jobs.models import Job
from jobs.models import State as JobState
from jobs.worker import Worker
from meetings.models import Participant, Room
from meetings.models.participant import State
from meetings.tests.conftest import Meeting
from visio_portal.testing import FakeEngine, Person


def act(person: Person, room: Room, target: Participant, what: str, body: Any = None) -> int:
    return person.call(room, f"participants/{target.identity}/{what}", body).status_code


def error(person: Person, room: Room, what: str, body: Any = None) -> str:
    return str(person.call(room, what, body).json()["error"])  # type: ignore[attr-defined]  # the test client's


def test_a_removed_person_is_out_at_once_and_stays_out(meeting: Meeting, engine: FakeEngine) -> None:
    assert act(meeting.cast.bob, meeting.room, meeting.charlie, "remove") == 204
    [order] = engine.told("RemoveParticipant")
    assert (order.room, order.identity) == (meeting.room.media_name, meeting.charlie.identity)
    assert error(meeting.cast.charlie, meeting.room, "token") == "not_admitted"
    assert error(meeting.cast.charlie, meeting.room, "enter", {"name": "Charlie"}) == "removed"


def test_a_removed_account_does_not_come_back_from_another_browser(meeting: Meeting) -> None:
    act(meeting.cast.alice, meeting.room, meeting.charlie, "remove")
    phone = Person("Charlie's phone", meeting.cast.charlie.user)
    phone.client.force_login(meeting.cast.charlie.signed_in, backend="django.contrib.auth.backends.ModelBackend")
    assert error(phone, meeting.room, "enter", {"name": "C"}) == "removed"


def test_a_removed_person_is_out_on_all_their_devices(meeting: Meeting, engine: FakeEngine) -> None:
    phone = Person("Phone", meeting.cast.charlie.user)
    phone.client.force_login(meeting.cast.charlie.signed_in, backend="django.contrib.auth.backends.ModelBackend")
    second = phone.sits(meeting.room)
    act(meeting.cast.alice, meeting.room, meeting.charlie, "remove")
    assert {order.identity for order in engine.told("RemoveParticipant")} == {meeting.charlie.identity, second.identity}
    assert error(phone, meeting.room, "token") == "not_admitted"


def test_removal_holds_over_the_end_of_the_call_until_the_owner_forgives(meeting: Meeting) -> None:
    act(meeting.cast.alice, meeting.room, meeting.charlie, "remove")
    meeting.cast.alice.call(meeting.room, "end")
    assert error(meeting.cast.charlie, meeting.room, "enter", {"name": "C"}) == "removed"
    path = f"/rooms/{meeting.room.slug}/participants/{meeting.charlie.identity}/forgive"
    assert meeting.cast.alice.post(path).status_code == 302
    answer = meeting.cast.charlie.call(meeting.room, "enter", {"name": "C"})
    assert answer.json()["state"] == "waiting"  # type: ignore[attr-defined]  # the test client's


def test_nobody_removes_the_owner_themselves_or_a_host_above_them(meeting: Meeting) -> None:
    assert act(meeting.cast.bob, meeting.room, meeting.alice, "remove") == 403
    assert act(meeting.cast.alice, meeting.room, meeting.alice, "remove") == 403
    assert act(meeting.cast.bob, meeting.room, meeting.bob, "remove") == 403
    act(meeting.cast.alice, meeting.room, meeting.charlie, "role", {"role": "host"})
    assert act(meeting.cast.bob, meeting.room, meeting.charlie, "remove") == 403
    assert act(meeting.cast.alice, meeting.room, meeting.charlie, "remove") == 204


def test_removing_again_repeats_the_order_that_the_engine_missed(meeting: Meeting, engine: FakeEngine) -> None:
    act(meeting.cast.alice, meeting.room, meeting.charlie, "remove")
    act(meeting.cast.alice, meeting.room, meeting.charlie, "remove")
    assert len(engine.told("RemoveParticipant")) == 2


@pytest.mark.parametrize("source", ["microphone", "camera", "screen_share", "screen_share_audio"])
def test_muting_names_one_source(source: str, meeting: Meeting, engine: FakeEngine) -> None:
    assert act(meeting.cast.bob, meeting.room, meeting.charlie, "mute", {"source": source}) == 204
    orders = engine.told("MutePublishedTrack")
    assert {(order.identity, order.muted) for order in orders} == {(meeting.charlie.identity, True)}
    # A shared screen ends with its sound.
    sources = [source, "screen_share_audio"] if source == "screen_share" else [source]
    assert sorted(order.track_sid for order in orders) == [f"TR_{TrackSource.Value(name.upper())}" for name in sources]


def test_a_share_of_which_only_the_sound_is_left_is_silenced(meeting: Meeting, engine: FakeEngine) -> None:
    engine.sends = [
        TrackInfo(sid="TR_picture", source=TrackSource.SCREEN_SHARE, muted=True),
        TrackInfo(sid="TR_sound", source=TrackSource.SCREEN_SHARE_AUDIO),
    ]
    assert act(meeting.cast.bob, meeting.room, meeting.charlie, "mute", {"source": "screen_share"}) == 204
    assert [order.track_sid for order in engine.told("MutePublishedTrack")] == ["TR_sound"]


@pytest.mark.parametrize("tracks", [[], [TrackInfo(sid="TR_1", source=TrackSource.CAMERA, muted=True)]])
def test_who_mutes_what_is_not_sent_is_told_so(tracks: list[TrackInfo], meeting: Meeting, engine: FakeEngine) -> None:
    engine.sends = tracks
    path = f"participants/{meeting.charlie.identity}/mute"
    answer = meeting.cast.bob.call(meeting.room, path, {"source": "camera"})
    assert (answer.status_code, answer.json()["error"]) == (409, "not_sending")  # type: ignore[attr-defined]  # the test client's
    assert engine.told("MutePublishedTrack") == []


@pytest.mark.parametrize("body", [{}, {"source": "everything"}, {"source": 1}, {"source": "unknown"}])
def test_only_known_sources_can_be_muted(body: Any, meeting: Meeting, engine: FakeEngine) -> None:
    assert act(meeting.cast.bob, meeting.room, meeting.charlie, "mute", body) == 400
    assert engine.orders == []


def test_others_are_muted_in_one_call_but_for_hosts_oneself_and_who_is_silent(
    meeting: Meeting, engine: FakeEngine
) -> None:
    silent = Person("Frank").sits(meeting.room)
    gone = Person("Grace").sits(meeting.room, state=State.LEFT)
    dave, erin = Person("Dave").sits(meeting.room), Person("Erin").sits(meeting.room)
    for row in (meeting.alice, meeting.bob, meeting.charlie, silent, gone, dave):
        tracks = [
            TrackInfo(sid=f"TR_mic_{row.name}", source=TrackSource.MICROPHONE, muted=row == silent),
            TrackInfo(sid=f"TR_cam_{row.name}", source=TrackSource.CAMERA),
        ]
        engine.present.append(ParticipantInfo(identity=row.identity, tracks=tracks))
    engine.present.append(ParticipantInfo(identity=erin.identity))
    answer = meeting.cast.bob.call(meeting.room, "mute_others")
    assert (answer.status_code, answer.json()) == (200, {"muted": 2})  # type: ignore[attr-defined]  # the test client's
    orders = {(order.identity, order.track_sid, order.muted) for order in engine.told("MutePublishedTrack")}
    assert orders == {(row.identity, f"TR_mic_{row.name}", True) for row in (meeting.charlie, dave)}
    assert len(engine.told("ListParticipants")) == 1


def test_a_role_is_given_and_taken_by_the_host_alone(meeting: Meeting, engine: FakeEngine) -> None:
    assert act(meeting.cast.alice, meeting.room, meeting.charlie, "role", {"role": "moderator"}) == 204
    assert meeting.cast.charlie.call(meeting.room, "lock").status_code == 204
    assert act(meeting.cast.charlie, meeting.room, meeting.bob, "role", {"role": "participant"}) == 403
    assert act(meeting.cast.alice, meeting.room, meeting.charlie, "role", {"role": "participant"}) == 204
    assert meeting.cast.charlie.call(meeting.room, "unlock").status_code == 403
    assert [order.identity for order in engine.told("UpdateParticipant")] == [meeting.charlie.identity] * 2


def test_a_demotion_holds_on_every_device(meeting: Meeting) -> None:
    phone = Person("Phone", meeting.cast.bob.user)
    phone.client.force_login(meeting.cast.bob.signed_in, backend="django.contrib.auth.backends.ModelBackend")
    phone.sits(meeting.room, role=meeting.bob.role)  # type: ignore[arg-type]  # a str that is a Role
    act(meeting.cast.alice, meeting.room, meeting.bob, "role", {"role": "participant"})
    assert phone.call(meeting.room, "lock").status_code == 403


def test_the_owner_stays_host_and_a_guest_never_becomes_one(meeting: Meeting) -> None:
    frank = Person("Frank").sits(meeting.room)
    assert act(meeting.cast.alice, meeting.room, meeting.alice, "role", {"role": "participant"}) == 403
    assert act(meeting.cast.alice, meeting.room, frank, "role", {"role": "host"}) == 403
    assert act(meeting.cast.alice, meeting.room, frank, "role", {"role": "emperor"}) == 400
    assert act(meeting.cast.alice, meeting.room, frank, "role", {"role": "moderator"}) == 204


def test_ending_the_call_ends_it_for_all_and_the_room_goes_on(meeting: Meeting, engine: FakeEngine) -> None:
    waiting = Person("Frank").sits(meeting.room, state=State.WAITING)
    assert meeting.cast.bob.call(meeting.room, "end").status_code == 204
    assert [order.room for order in engine.told("DeleteRoom")] == [meeting.room.media_name]
    assert set(Participant.objects.values_list("state", flat=True)) == {"left"}
    assert error(meeting.cast.charlie, meeting.room, "token") == "not_admitted"
    waiting.refresh_from_db()
    assert waiting.ended_at is not None
    answer = meeting.cast.alice.call(meeting.room, "enter", {"name": "Alice"})
    assert answer.json()["state"] == "admitted"  # type: ignore[attr-defined]  # the test client's


def test_closing_a_room_ends_its_call(meeting: Meeting, engine: FakeEngine) -> None:
    assert meeting.cast.alice.post(f"/rooms/{meeting.room.slug}/close").status_code == 302
    assert len(engine.told("DeleteRoom")) == 1
    assert meeting.cast.alice.get(f"/r/{meeting.room.slug}").status_code == 404


def test_each_act_leaves_one_line_that_says_who_did_what_to_whom(meeting: Meeting) -> None:
    with structlog.testing.capture_logs() as lines:
        act(meeting.cast.bob, meeting.room, meeting.charlie, "mute", {"source": "camera"})
        act(meeting.cast.bob, meeting.room, meeting.charlie, "remove")
        meeting.cast.bob.call(meeting.room, "lock")
        meeting.cast.bob.call(meeting.room, "lock")  # changes nothing, says nothing
        meeting.cast.bob.call(meeting.room, "end")
    acts = [line for line in lines if line.get("by") == meeting.bob.identity]
    assert [line["event"] for line in acts] == ["participant_muted", "participant_removed", "room_locked", "call_ended"]
    assert all(line["room"] == meeting.room.media_name for line in acts)
    assert acts[0]["participant"] == meeting.charlie.identity
    assert "Charlie" not in str(acts)  # identities, no names


def test_when_the_engine_refuses_the_page_is_told(meeting: Meeting, engine: FakeEngine) -> None:
    engine.error = (500, "internal")
    answer = meeting.cast.bob.call(
        meeting.room, f"participants/{meeting.charlie.identity}/mute", {"source": "microphone"}
    )
    assert (answer.status_code, answer.json()["error"]) == (502, "engine")  # type: ignore[attr-defined]  # the test client's


@pytest.mark.django_db(transaction=True)
def test_without_an_engine_a_removal_holds_all_the_same(meeting: Meeting, engine: FakeEngine) -> None:
    engine.error = (503, "unavailable")
    client: Client = meeting.cast.alice.client
    path = f"/api/rooms/{meeting.room.slug}/participants/{meeting.charlie.identity}/remove"
    answer = client.post(path, "{}", content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    meeting.charlie.refresh_from_db()
    assert meeting.charlie.state == State.REMOVED


@pytest.mark.django_db(transaction=True)
def test_an_order_that_the_engine_did_not_hear_is_repeated_until_it_does(meeting: Meeting, engine: FakeEngine) -> None:
    engine.present = [ParticipantInfo(identity=who.identity, name=who.name) for who in (meeting.bob, meeting.charlie)]
    engine.error = (503, "unavailable")
    assert unheard(meeting.cast.bob, meeting.room, f"participants/{meeting.charlie.identity}/remove") == 503
    order = Job.objects.get(kind="meetings.enforce")
    assert order.run_after > timezone.now()  # not before the order itself was heard or given up
    work_at(order.run_after)
    order.refresh_from_db()
    assert (order.state, order.attempt) == (JobState.QUEUED, 1)
    engine.error = None
    engine.orders.clear()
    work_at(order.run_after)
    assert [request.identity for request in engine.told("RemoveParticipant")] == [meeting.charlie.identity]
    order.refresh_from_db()
    assert order.state == JobState.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_call_that_the_engine_did_not_hear_sends_everybody_out(
    meeting: Meeting, engine: FakeEngine
) -> None:
    engine.present = [ParticipantInfo(identity=who.identity, name=who.name) for who in (meeting.bob, meeting.charlie)]
    engine.error = (503, "unavailable")
    assert unheard(meeting.cast.alice, meeting.room, "end") == 503
    engine.error = None
    work_at(Job.objects.get(kind="meetings.enforce").run_after)
    gone = {request.identity for request in engine.told("RemoveParticipant")}
    assert gone == {meeting.bob.identity, meeting.charlie.identity}


def unheard(person: Person, room: Room, what: str) -> int:
    """The status of an act whose order fails after the commit."""
    answer = person.client.post(f"/api/rooms/{room.slug}/{what}", "{}", content_type="application/json")
    return int(answer.status_code)


def work_at(now: datetime) -> None:
    """What the background worker does at this time."""
    assert Worker(now=lambda: now).work_once()
