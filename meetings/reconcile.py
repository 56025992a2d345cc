"""Rows against the engine's own list: closes what a dead engine left open, finds what an event should have told, ends
what a client made anew after its end.

Runs when a worker's link comes up, and every minute.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.models import Room as EngineRoom

from meetings import media, temporary_rooms
from meetings.admission import portal_room
from meetings.engine_events import LOST, attendance_of, call_of, close_attendance, close_call, enforce
from meetings.models import Attendance, CallSession

logger = logging.getLogger(__name__)

# Events of this moment may be on their way: what they concern is left to them.
MARGIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class LiveRoom:
    """A room that the engine has, with everybody in it."""

    room: EngineRoom
    participants: Sequence[ParticipantInfo]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the engine had at one moment. `covers` tells of which rooms' absence it is proof."""

    taken_at: datetime
    rooms: Sequence[LiveRoom]
    covers: Callable[[str], bool] = field(default=lambda room_name: True)


def reconcile_rooms(snapshot: Snapshot) -> int:
    """Bring the rows in line with the engine; how many calls and stays were closed.

    Raises `Unavailable` or `EngineError` when all this is done, but a room that is over could not be ended.
    """
    for live in snapshot.rooms:
        _confirm(live, snapshot.taken_at)
    closed = _close_lost_calls(snapshot) + _close_lost_stays(snapshot)
    if closed:
        logger.warning("calls or stays ended without a word from the engine", extra={"closed": closed})
    for live in snapshot.rooms:
        if temporary_rooms.is_over(live.room.name):
            # The order to end it was lost, or a token of LiveKit's own opened it again.
            media.delete_room(live.room.name)
    return closed


def note_last_contact(at: datetime, covers: Callable[[str], bool]) -> None:
    """The engine of these rooms is gone, and had told everything until now: what is open was open until now."""
    calls = CallSession.objects.filter(ended_at__isnull=True, last_seen_at__lt=at).select_related("room")
    of_engine = [call.pk for call in calls if covers(call.room.media_name)]
    CallSession.objects.filter(pk__in=of_engine).update(last_seen_at=at)
    Attendance.objects.filter(call__in=of_engine, left_at__isnull=True, last_seen_at__lt=at).update(last_seen_at=at)


def snapshot_of_cluster(taken_at: datetime) -> Snapshot:
    """What a LiveKit cluster has. Raises `Unavailable`."""
    rooms = [LiveRoom(room, media.list_participants(room.name)) for room in media.list_rooms()]
    return Snapshot(taken_at, rooms)


def _confirm(live: LiveRoom, taken_at: datetime) -> None:
    """The room is there: its rows are open and seen, and nobody is in it who may not be."""
    room = portal_room(live.room.name)
    if room is None or not live.room.sid:
        return
    present = [participant for participant in live.participants if participant.state == ParticipantInfo.State.ACTIVE]
    with transaction.atomic():
        call = call_of(room, live.room, taken_at)
        _reopen_call(call, taken_at)
        CallSession.objects.filter(pk=call.pk).update(last_seen_at=taken_at)
        for participant in present:
            attendance = attendance_of(call, participant, taken_at)
            if attendance is not None:
                _reopen_stay(attendance, taken_at)
        sids = [participant.sid for participant in present]
        Attendance.objects.filter(sid__in=sids).update(last_seen_at=taken_at)
    for participant in live.participants:
        enforce(room, participant)


def _reopen_call(call: CallSession, taken_at: datetime) -> None:
    """Closed by mistake while the engine could not be asked. A room that ended just now stays so."""
    if call.ended_at is not None and call.ended_at < taken_at - MARGIN:
        call.ended_at = None
        call.save(update_fields=["ended_at"])


def _reopen_stay(attendance: Attendance, taken_at: datetime) -> None:
    if attendance.left_at is not None and attendance.reason == LOST and attendance.left_at < taken_at - MARGIN:
        attendance.left_at, attendance.reason = None, ""
        attendance.save(update_fields=["left_at", "reason"])


def _close_lost_calls(snapshot: Snapshot) -> int:
    live = {live.room.sid for live in snapshot.rooms}
    before = snapshot.taken_at - MARGIN
    closed = 0
    for call in CallSession.objects.filter(ended_at__isnull=True, last_seen_at__lt=before).select_related("room"):
        if call.sid in live or not snapshot.covers(call.room.media_name):
            continue
        with transaction.atomic():
            close_call(call, call.last_seen_at, LOST)
        closed += 1
    return closed


def _close_lost_stays(snapshot: Snapshot) -> int:
    """Somebody is gone from a call that goes on, and no event said so."""
    live = {participant.sid for live in snapshot.rooms for participant in live.participants}
    before = snapshot.taken_at - MARGIN
    closed = 0
    open_stays = Attendance.objects.filter(left_at__isnull=True, last_seen_at__lt=before).select_related("call__room")
    for attendance in open_stays:
        if attendance.sid in live or not snapshot.covers(attendance.call.room.media_name):
            continue
        with transaction.atomic():
            close_attendance(attendance, attendance.last_seen_at, LOST)
        closed += 1
    return closed
