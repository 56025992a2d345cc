"""The engine's events become rows: who was in which call, from when to when.

Both engines end here: the embedded relay through its link, a LiveKit cluster through `POST /webhooks/livekit`. Events
come at least once and perhaps out of order, so each is taken once by its id, and every handler gives the same rows
whatever came before it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone
from google.protobuf import json_format
from livekit.protocol.models import DisconnectReason, ParticipantInfo
from livekit.protocol.models import Room as EngineRoom
from livekit.protocol.webhook import WebhookEvent

from jobs import queue
from meetings import media, outbox, signals, temporary_rooms, webhooks_out
from meetings.admission import admitted_participant, portal_room
from meetings.engine_errors import EngineError, Unavailable
from meetings.models import Attendance, CallSession, EngineEvent, Participant, Room
from meetings.permissions import allows_the_same, permission_of
from meetings.services import lobby, reports, together
from meetings.tokens import grants_of

logger = logging.getLogger(__name__)

ID_MAX_LENGTH = 64
ROOM_NAME_MAX_LENGTH = 256
# Why a row was closed by `reconcile.py`: the engine died without saying goodbye.
LOST = "lost"
# Closed because the call was over. Where the engine tells later when they left, that is the truer time.
CALL_OVER = "room_finished"
# The reason of an engine that has more of them than we know. Its number is in the log.
UNKNOWN = "unknown_reason"
# Takes what `receive_or_set_aside` set aside (`tasks.py`).
SET_ASIDE_JOB = "meetings.take_event"
# The database is away or busy: nothing is wrong with what it was asked.
DATABASE_AWAY = (OperationalError, InterfaceError)
# Programs of ours, which have no row.
_SERVICE_KINDS = frozenset({ParticipantInfo.Kind.AGENT, ParticipantInfo.Kind.EGRESS})


class BadEvent(ValueError):
    """No event that could be taken only once."""


def receive_webhook(event: WebhookEvent) -> bool:
    """Record one event; False if it was taken before. When this returns, it is committed.

    Raises `BadEvent`. Blocks on the database, and up to some seconds on the engine after the commit.
    """
    if not event.id or len(event.id) > ID_MAX_LENGTH or len(event.room.name) > ROOM_NAME_MAX_LENGTH:
        raise BadEvent("an event needs an id, and names of sensible length")
    with transaction.atomic():
        handler = _HANDLERS.get(event.event)
        room = portal_room(event.room.name) if handler is not None and event.room.sid else None
        is_test = temporary_rooms.is_temporary(event.room.name)  # of strangers, as many as they like: kept nowhere
        if is_test or (room is None and not settings.WEBHOOK_URLS):
            return True  # nothing follows from it, however often it comes
        if not _take(event):
            return False
        if room is not None and handler is not None:
            handler(room, event)
        webhooks_out.enqueue(event)
    return True


def receive_or_set_aside(event: WebhookEvent) -> None:
    """As `receive_webhook`, for the doors: an event that our code cannot take is kept as a job, tried again later.

    Where that fails, too, the job is given up with its error, and shown to operators until they run it again. Raises
    `BadEvent`, and `DATABASE_AWAY` where not even that can be kept.
    """
    try:
        receive_webhook(event)
    except (BadEvent, *DATABASE_AWAY):
        raise
    except Exception:  # the outer edge: it must be neither lost nor hold up the events behind it
        logger.exception("event set aside", extra={"event_id": event.id, "event_name": event.event})
        body = json_format.MessageToDict(event)
        queue.enqueue(SET_ASIDE_JOB, {"event": body}, idempotency_key=f"{SET_ASIDE_JOB}:{event.id}")


def event_of(body: dict[str, Any]) -> WebhookEvent:
    """The event that was set aside as `body`."""
    return json_format.ParseDict(body, WebhookEvent(), ignore_unknown_fields=True)


def enforce(room: Room, present: ParticipantInfo) -> None:
    """As `correct`, for callers that go on without it: what fails now is tried again by the next reconciliation."""
    try:
        correct(room, present)
    except (Unavailable, EngineError) as error:
        logger.warning("engine did not take an order", extra={"room": room.media_name, "error": str(error)})


def correct(room: Room, present: ParticipantInfo) -> None:
    """Make the engine's participant what the row says: send them out, or correct name and rights.

    Called outside of transactions. Raises `Unavailable` or `EngineError`.
    """
    if present.kind in _SERVICE_KINDS:
        return
    row = admitted_participant(room, present.identity)
    if row is None:
        logger.warning(
            "participant without admission", extra={"room": room.media_name, "participant": present.identity}
        )
        media.remove_participant(room.media_name, present.identity)
    else:
        _correct(row, room, present)


def call_of(room: Room, engine_room: EngineRoom, seen_at: datetime) -> CallSession:
    """The row of the engine's room, made if this is the first we hear of it."""
    started_at = min(time_of(engine_room.creation_time, engine_room.creation_time_ms) or seen_at, seen_at)
    call, is_new = CallSession.objects.get_or_create(
        sid=engine_room.sid, defaults={"room": room, "started_at": started_at, "last_seen_at": seen_at}
    )
    if is_new:
        signals.call_started.send(CallSession, call=call)
        outbox.notify_room(room)  # pages show how long it goes on
    return call


def attendance_of(call: CallSession, present: ParticipantInfo, seen_at: datetime) -> Attendance | None:
    """The row of one stay, made if this is the first we hear of it. None for who has no row in the room."""
    participant = Participant.objects.filter(room_id=call.room_id, identity=present.identity).first()
    if participant is None or not present.sid:
        return None
    joined_at = min(time_of(present.joined_at, present.joined_at_ms) or seen_at, seen_at)
    attendance, is_new = Attendance.objects.get_or_create(
        sid=present.sid,
        defaults={"participant": participant, "call": call, "joined_at": joined_at, "last_seen_at": seen_at},
    )
    if is_new:
        signals.participant_joined.send(Attendance, attendance=attendance)
    return attendance


def close_attendance(attendance: Attendance, left_at: datetime, reason: str) -> None:
    """The stay is over. The engine's word replaces what `reconcile.py` had to guess, never the other way round."""
    row = Attendance.objects.filter(pk=attendance.pk)
    was_open = row.filter(left_at__isnull=True)
    values = {"left_at": max(left_at, attendance.joined_at), "reason": reason}
    if was_open.update(**values):  # of an event and a reconciliation at the same moment, one closes it
        attendance.refresh_from_db()
        signals.participant_left.send(Attendance, attendance=attendance)
        together.stay_ended(attendance)
        reports.stay_ended(attendance)
    elif row.filter(reason__in=_guesses_before(reason)).update(**values):
        attendance.refresh_from_db()
        reports.stay_ended(attendance)


def _guesses_before(reason: str) -> list[str]:
    """The reasons that are less sure than this one."""
    if reason == LOST:
        return []
    return [LOST] if reason == CALL_OVER else [LOST, CALL_OVER]


def close_call(call: CallSession, ended_at: datetime, reason: str) -> None:
    """The call is over, and with it every stay in it; whoever comes next is let in anew."""
    row = CallSession.objects.filter(pk=call.pk)
    ended_at = max(ended_at, call.started_at)
    is_first = bool(row.filter(ended_at__isnull=True).update(ended_at=ended_at))
    if not is_first and reason != LOST:
        row.update(ended_at=ended_at)
    for attendance in call.attendances.filter(left_at__isnull=True):
        last = min(attendance.last_seen_at, ended_at) if reason == LOST else ended_at
        close_attendance(attendance, last, reason)
    if not is_first:
        return
    call.refresh_from_db()
    signals.call_ended.send(CallSession, call=call)
    # After a crash its people come back within seconds, and were let in already.
    if reason != LOST and not CallSession.objects.filter(room_id=call.room_id, started_at__gt=call.started_at).exists():
        lobby.end_admissions(call.room, ended_at=ended_at)


def time_of(seconds: int, milliseconds: int = 0) -> datetime | None:
    """The time in an event or info (protobuf: 0 means not given)."""
    if milliseconds:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _take(event: WebhookEvent) -> bool:
    """Of two deliveries of one event, also at the same moment, one inserts its key."""
    try:
        with transaction.atomic():
            EngineEvent.objects.create(
                id=event.id,
                name=event.event[:64],
                room_name=event.room.name,
                created_at=time_of(event.created_at) or timezone.now(),
            )
    except IntegrityError:
        return False
    return True


def _on_room_started(room: Room, event: WebhookEvent) -> None:
    call_of(room, event.room, _at(event))


def _on_room_finished(room: Room, event: WebhookEvent) -> None:
    close_call(call_of(room, event.room, _at(event)), _at(event), CALL_OVER)


def _on_participant_joined(room: Room, event: WebhookEvent) -> None:
    call = call_of(room, event.room, _at(event))
    attendance = attendance_of(call, event.participant, _at(event))
    if attendance is not None and call.ended_at is not None:  # the events came in the wrong order
        close_attendance(attendance, call.ended_at, CALL_OVER)
    transaction.on_commit(lambda: enforce(room, event.participant))


def _on_participant_left(room: Room, event: WebhookEvent) -> None:
    call = call_of(room, event.room, _at(event))
    attendance = attendance_of(call, event.participant, _at(event))
    if attendance is not None:
        close_attendance(attendance, _at(event), _reason_of(event))


def _on_connection_aborted(room: Room, event: WebhookEvent) -> None:
    """They never got through: a stay only if an earlier event said that there was one."""
    attendance = Attendance.objects.filter(sid=event.participant.sid, participant__room=room).first()
    if attendance is not None:
        close_attendance(attendance, _at(event), "connection_aborted")


def _reason_of(event: WebhookEvent) -> str:
    """In lower case. Enums are open: an engine newer than our library may send numbers that have no name here."""
    number = event.participant.disconnect_reason
    if number in DisconnectReason.values():
        return DisconnectReason.Name(number).lower()
    logger.warning("unknown reason of leaving", extra={"event_id": event.id, "number": number})
    return UNKNOWN


def _at(event: WebhookEvent) -> datetime:
    return time_of(event.created_at) or timezone.now()


def _correct(row: Participant, room: Room, present: ParticipantInfo) -> None:
    grants = grants_of(row, room.media_name)
    rights_differ = present.HasField("permission") and not allows_the_same(present.permission, permission_of(grants))
    name_differs = present.name != row.name
    if rights_differ or name_differs:
        media.update_participant(
            room.media_name,
            row.identity,
            name=row.name if name_differs else None,
            grants=grants if rights_differ else None,
        )


_HANDLERS: dict[str, Callable[[Room, WebhookEvent], None]] = {
    "room_started": _on_room_started,
    "room_finished": _on_room_finished,
    "participant_joined": _on_participant_joined,
    "participant_left": _on_participant_left,
    "participant_connection_aborted": _on_connection_aborted,
}
