"""Events of the engine become rows, each once, whatever their order; and nobody stays in a call without a row."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError
from livekit.protocol.models import DisconnectReason, ParticipantInfo
from livekit.protocol.models import Room as EngineRoom
from livekit.protocol.room import RoomParticipantIdentity, UpdateParticipantRequest
from livekit.protocol.webhook import WebhookEvent

from jobs.models import Job
from jobs.models import State as JobState
from jobs.worker import Worker
from meetings import signals, temporary_rooms
from meetings.engine_events import BadEvent, receive_or_set_aside, receive_webhook
from meetings.models import Attendance, CallSession, EngineEvent, Participant, Room
from meetings.models.participant import State
from meetings.permissions import permission_of
from meetings.reconcile import LiveRoom, Snapshot, note_last_contact, reconcile_rooms
from meetings.tests.fake_engine import facade
from meetings.tests.rows import make_participant, make_room
from meetings.tokens import grants_of
from visio_portal.testing import FakeEngine

pytestmark = pytest.mark.django_db(transaction=True)

START = 1_790_000_000  # seconds; the first event of each test


@pytest.fixture(autouse=True)
def no_engine(settings: Any) -> None:
    """Orders to the engine fail at once, and no test depends on that."""
    settings.LIVEKIT_URL = "ws://127.0.0.1:9"


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


def event(
    kind_of_event: str, room: Room, seconds: int, person: Participant | None = None, **fields: Any
) -> WebhookEvent:
    """An event of the room's one call (`RM_1`); the person's stay is `PA_` and their identity."""
    message = WebhookEvent(
        id=fields.pop("id", f"EV_{kind_of_event[-20:]}_{person.identity if person else ''}"),
        event=kind_of_event,
        created_at=START + seconds,
        room=EngineRoom(sid=fields.pop("room_sid", "RM_1"), name=room.media_name, creation_time=START),
    )
    if person is not None:
        message.participant.CopyFrom(present(person, joined=fields.pop("joined", 2), **fields))
    return message


def present(person: Participant, *, joined: int = 2, **fields: Any) -> ParticipantInfo:
    return ParticipantInfo(
        sid=f"PA_{person.identity}",
        identity=person.identity,
        name=fields.pop("name", person.name),
        state=ParticipantInfo.State.ACTIVE,
        joined_at=START + joined,
        permission=fields.pop("permission", permission_of(grants_of(person, person.room.media_name))),
        **fields,
    )


def whole_call(room: Room, person: Participant) -> list[WebhookEvent]:
    left = event("participant_left", room, 50, person, disconnect_reason=DisconnectReason.CLIENT_INITIATED)
    return [
        event("room_started", room, 0),
        event("participant_joined", room, 2, person),
        left,
        event("room_finished", room, 70),
    ]


def test_a_call_and_a_stay_are_recorded_with_their_times() -> None:
    room = make_room()
    person = make_participant(room)
    for message in whole_call(room, person):
        assert receive_webhook(message)
    call = CallSession.objects.get()
    assert (call.room, call.sid, call.started_at, call.ended_at) == (room, "RM_1", at(0), at(70))
    stay = Attendance.objects.get()
    assert (stay.participant, stay.call) == (person, call)
    assert (stay.joined_at, stay.left_at, stay.reason) == (at(2), at(50), "client_initiated")


@pytest.mark.parametrize("seed", range(12))
def test_the_rows_are_the_same_in_any_order_and_with_repetitions(seed: int) -> None:
    room = make_room()
    person = make_participant(room)
    messages = whole_call(room, person) * 2
    random.Random(seed).shuffle(messages)
    assert sum(receive_webhook(message) for message in messages) == 4
    call, stay = CallSession.objects.get(), Attendance.objects.get()
    assert (call.started_at, call.ended_at) == (at(0), at(70))
    assert (stay.joined_at, stay.left_at) == (at(2), at(50))
    assert EngineEvent.objects.count() == 4


def test_of_two_deliveries_at_the_same_moment_one_counts() -> None:
    from django.db import connection

    room = make_room()
    message = event("room_started", room, 0)
    barrier = threading.Barrier(4)
    taken: list[bool] = []

    def deliver() -> None:
        barrier.wait()
        taken.append(receive_webhook(message))
        connection.close()

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False, False, False, True]
    assert CallSession.objects.count() == 1


def test_an_event_whose_handling_fails_is_not_taken() -> None:
    room = make_room()

    def fail(**_: Any) -> None:
        raise RuntimeError("above")

    signals.call_started.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            receive_webhook(event("room_started", room, 0))
    finally:
        signals.call_started.disconnect(fail)
    assert not EngineEvent.objects.exists()
    assert receive_webhook(event("room_started", room, 0))


def test_a_reason_of_leaving_that_we_do_not_know_yet_ends_the_stay_all_the_same() -> None:
    room = make_room()
    person = make_participant(room)
    receive_webhook(event("participant_joined", room, 2, person))
    assert receive_webhook(event("participant_left", room, 50, person, disconnect_reason=99))
    stay = Attendance.objects.get()
    assert (stay.left_at, stay.reason) == (at(50), "unknown_reason")


def test_an_event_that_our_code_cannot_take_is_kept_and_taken_later() -> None:
    room = make_room()

    def fail(**_: Any) -> None:
        raise RuntimeError("above")

    signals.call_started.connect(fail)
    try:
        for _ in range(2):  # sent again: kept once
            receive_or_set_aside(event("room_started", room, 0))
        assert not CallSession.objects.exists()
        kept = Job.objects.get(kind="meetings.take_event")
        for _ in range(kept.max_attempts):
            assert Worker(now=lambda: kept.run_after).work_once()
            kept.refresh_from_db()
        # Given up is what the administration and `status` point at.
        assert (kept.state, kept.error) == (JobState.DEAD, "RuntimeError: above")
    finally:
        signals.call_started.disconnect(fail)
    Job.objects.update(state=JobState.QUEUED, attempt=0, finished_at=None)
    assert Worker(now=lambda: kept.run_after).work_once()
    assert CallSession.objects.get().started_at == at(0)


@pytest.mark.parametrize("error", [OperationalError("database is locked"), InterfaceError("connection closed")])
def test_while_the_database_is_away_nothing_is_set_aside(error: Exception) -> None:
    room = make_room()

    def fail(**_: Any) -> None:
        raise error

    signals.call_started.connect(fail)
    try:
        with pytest.raises(type(error)):
            receive_or_set_aside(event("room_started", room, 0))
    finally:
        signals.call_started.disconnect(fail)
    assert not Job.objects.exists()


def test_everybody_must_be_let_in_anew_after_the_call() -> None:
    room = make_room()
    person = make_participant(room, admitted_at=at(-10))
    for message in whole_call(room, person):
        receive_webhook(message)
    person.refresh_from_db()
    assert person.state == State.LEFT


def test_the_late_end_of_an_old_call_ends_no_newer_one() -> None:
    room = make_room()
    person = make_participant(room, admitted_at=at(-10))
    receive_webhook(event("room_started", room, 0))
    newer = event("room_started", room, 100, room_sid="RM_2", id="EV_2")
    newer.room.creation_time = START + 100
    receive_webhook(newer)
    receive_webhook(event("room_finished", room, 70))
    person.refresh_from_db()
    assert person.state == State.ADMITTED
    assert CallSession.objects.get(sid="RM_2").ended_at is None


@pytest.mark.parametrize("name", ["track_published", "egress_started", "something_new", ""])
def test_other_events_are_taken_and_change_no_row(name: str) -> None:
    room = make_room()
    assert receive_webhook(event(name, room, 0))
    assert not CallSession.objects.exists()
    assert not EngineEvent.objects.exists(), "a row that nobody reads"


def test_a_room_of_somebody_else_leaves_no_call() -> None:
    message = WebhookEvent(id="EV_1", event="room_started", room=EngineRoom(sid="RM_9", name="selftest"))
    assert receive_webhook(message)
    assert not CallSession.objects.exists()
    assert not EngineEvent.objects.exists(), "a row that nobody reads"


def test_what_goes_on_to_other_addresses_is_taken_once_whatever_it_is(settings: Any) -> None:
    settings.WEBHOOK_URLS = ["http://127.0.0.1:9/"]
    room = make_room()
    messages = [event("track_published", room, 0), WebhookEvent(id="EV_9", event="room_started")]
    assert [receive_webhook(message) for message in messages * 2] == [True, True, False, False]


@pytest.mark.parametrize("bad", [WebhookEvent(event="room_started"), WebhookEvent(id="x" * 65)])
def test_an_event_that_cannot_be_told_from_another_is_refused(bad: WebhookEvent) -> None:
    with pytest.raises(BadEvent):
        receive_webhook(bad)


def test_who_never_got_through_was_never_there() -> None:
    room = make_room()
    person = make_participant(room)
    receive_webhook(event("participant_connection_aborted", room, 5, person))
    assert not Attendance.objects.exists()


# --- joined, but may they be?


async def orders_after(room: Room, message: WebhookEvent, run_dir: Path, settings: Any) -> dict[str, bytes]:
    """What the engine was told when it reported the event."""
    async with facade(run_dir, settings) as (_, asked):
        await asyncio.to_thread(receive_webhook, message)
        return dict(asked)


async def test_an_admitted_person_is_left_alone(tmp_path: Path, settings: Any) -> None:
    room = await sync_to_async(make_room)()
    person = await sync_to_async(make_participant)(room)
    assert await orders_after(room, event("participant_joined", room, 2, person), tmp_path, settings) == {}


@pytest.mark.parametrize("state", [State.WAITING, State.REMOVED, State.DENIED, State.LEFT])
async def test_who_is_not_admitted_is_sent_out_at_once(state: State, tmp_path: Path, settings: Any) -> None:
    room = await sync_to_async(make_room)()
    person = await sync_to_async(make_participant)(room, state=state)
    asked = await orders_after(room, event("participant_joined", room, 2, person), tmp_path, settings)
    request = RoomParticipantIdentity.FromString(asked["RemoveParticipant"])
    assert (request.room, request.identity) == (room.media_name, person.identity)


async def test_who_has_no_row_at_all_is_sent_out(tmp_path: Path, settings: Any) -> None:
    room = await sync_to_async(make_room)()
    stranger = Participant(room=room, identity="stranger", name="Stranger")
    asked = await orders_after(room, event("participant_joined", room, 2, stranger), tmp_path, settings)
    assert RoomParticipantIdentity.FromString(asked["RemoveParticipant"]).identity == "stranger"


@pytest.mark.parametrize("kind", [ParticipantInfo.Kind.AGENT, ParticipantInfo.Kind.EGRESS])
async def test_programs_of_ours_may_stay(kind: Any, tmp_path: Path, settings: Any) -> None:
    room = await sync_to_async(make_room)()
    recorder = Participant(room=room, identity="recorder", name="")
    message = event("participant_joined", room, 2, recorder, kind=kind)
    assert await orders_after(room, message, tmp_path, settings) == {}


async def test_more_rights_or_another_name_than_the_rows_are_corrected(tmp_path: Path, settings: Any) -> None:
    room = await sync_to_async(make_room)()
    person = await sync_to_async(make_participant)(room, may_publish_sources=["microphone"])
    everything = permission_of({"canPublish": True, "canPublishData": True})
    message = event("participant_joined", room, 2, person, permission=everything, name="The Minister")
    asked = await orders_after(room, message, tmp_path, settings)
    update = UpdateParticipantRequest.FromString(asked["UpdateParticipant"])
    assert update.identity == person.identity
    assert update.name == person.name
    assert not update.permission.can_publish_data
    assert len(update.permission.can_publish_sources) == 1


# --- reconciliation


def snapshot(seconds: float, *rooms: LiveRoom, covers: Callable[[str], bool] = lambda name: True) -> Snapshot:
    return Snapshot(at(seconds), rooms, covers)


def live(room: Room, *people: Participant) -> LiveRoom:
    engine_room = EngineRoom(sid="RM_1", name=room.media_name, creation_time=START)
    return LiveRoom(engine_room, [present(person) for person in people])


def a_running_call() -> tuple[Room, Participant]:
    room = make_room()
    person = make_participant(room)
    receive_webhook(event("room_started", room, 0))
    receive_webhook(event("participant_joined", room, 2, person))
    return room, person


def test_a_dead_workers_call_ends_when_it_was_last_seen() -> None:
    room, person = a_running_call()
    assert reconcile_rooms(snapshot(60, live(room, person))) == 0
    assert reconcile_rooms(snapshot(120)) == 1
    call, stay = CallSession.objects.get(), Attendance.objects.get()
    assert (call.ended_at, stay.left_at, stay.reason) == (at(60), at(60), "lost")


def test_the_break_of_the_link_is_a_truer_end_than_the_last_round() -> None:
    room, person = a_running_call()
    reconcile_rooms(snapshot(60, live(room, person)))
    note_last_contact(at(90), lambda name: name == room.media_name)
    note_last_contact(at(100), lambda name: name != room.media_name)  # another worker's
    reconcile_rooms(snapshot(120))
    assert (CallSession.objects.get().ended_at, Attendance.objects.get().left_at) == (at(90), at(90))


def test_who_was_in_a_dead_workers_call_may_come_back() -> None:
    _, person = a_running_call()
    Participant.objects.update(admitted_at=at(-10))
    reconcile_rooms(snapshot(120))
    person.refresh_from_db()
    assert person.state == State.ADMITTED


def test_a_worker_that_cannot_be_asked_ends_nothing() -> None:
    room, _ = a_running_call()
    assert reconcile_rooms(snapshot(120, covers=lambda name: name != room.media_name)) == 0
    assert CallSession.objects.get().ended_at is None


def test_a_temporary_room_that_was_opened_again_is_ended(engine: FakeEngine) -> None:
    names = [temporary_rooms.new_name(seconds) for seconds in (-1, 60)]
    rooms = [LiveRoom(EngineRoom(sid=f"RM_{name}", name=name), []) for name in [*names, "selftest"]]
    reconcile_rooms(snapshot(60, *rooms))
    assert [order.room for order in engine.told("DeleteRoom")] == names[:1]


def test_what_just_happened_is_left_to_its_events() -> None:
    a_running_call()
    assert reconcile_rooms(snapshot(5)) == 0
    assert CallSession.objects.get().ended_at is None


def test_a_stay_without_an_end_is_closed_while_its_call_goes_on() -> None:
    room, _ = a_running_call()
    assert reconcile_rooms(snapshot(60, live(room))) == 1
    assert Attendance.objects.get().left_at == at(2)
    assert CallSession.objects.get().ended_at is None


def test_a_call_of_which_no_event_told_is_found() -> None:
    room = make_room()
    person = make_participant(room)
    reconcile_rooms(snapshot(60, live(room, person)))
    assert CallSession.objects.get().started_at == at(0)
    assert Attendance.objects.get().joined_at == at(2)


def test_the_engines_late_word_replaces_the_guess() -> None:
    room, person = a_running_call()
    reconcile_rooms(snapshot(60))
    receive_webhook(event("participant_left", room, 40, person))
    receive_webhook(event("room_finished", room, 55))
    assert Attendance.objects.get().left_at == at(40)
    assert CallSession.objects.get().ended_at == at(55)


def test_a_call_that_was_closed_by_mistake_goes_on() -> None:
    room, person = a_running_call()
    reconcile_rooms(snapshot(60))
    reconcile_rooms(snapshot(120, live(room, person)))
    assert CallSession.objects.get().ended_at is None
    assert Attendance.objects.get().left_at is None


def test_a_call_that_ended_a_moment_ago_is_not_opened_again_by_an_older_list() -> None:
    room, person = a_running_call()
    receive_webhook(event("room_finished", room, 59))
    reconcile_rooms(snapshot(60, live(room, person)))
    assert CallSession.objects.get().ended_at == at(59)


async def test_reconciliation_sends_out_who_may_not_be_there(tmp_path: Path, settings: Any) -> None:
    room = await sync_to_async(make_room)()
    person = await sync_to_async(make_participant)(room, state=State.REMOVED)
    async with facade(tmp_path, settings) as (_, asked):
        await asyncio.to_thread(reconcile_rooms, snapshot(60, live(room, person)))
    assert RoomParticipantIdentity.FromString(asked["RemoveParticipant"]).identity == person.identity


def test_the_margin_is_shorter_than_the_round() -> None:
    from meetings import engine, reconcile

    assert timedelta(seconds=engine.RECONCILE_SECONDS) > reconcile.MARGIN
