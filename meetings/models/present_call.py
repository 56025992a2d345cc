"""Which of a room's lives on the engine make up the call that goes on now.

`call_ended_at` is not written where an engine died: its people come back within seconds, and go on in a new life of the
room. Only if nobody came back soon, the call is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from meetings.models.engine import CallSession
from meetings.models.room import Room

# Later it is another meeting.
_RETURN = timedelta(minutes=10)
# How often in a row a call may lose its engine and still be the same one.
_MAX_LIVES = 20


@dataclass(frozen=True, slots=True)
class PresentCall:
    """`last_end`: when the call before it was over, None if there was none. `began_at`: None while nobody is in it."""

    last_end: datetime | None
    began_at: datetime | None


def present_call(room: Room) -> PresentCall:
    """One query."""
    ended = room.call_ended_at
    calls = CallSession.objects.filter(room=room)
    if ended is not None:
        calls = calls.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=ended))
    next_start, began_at, goes_on = timezone.now(), None, False
    for started_at, ended_at in calls.order_by("-started_at").values_list("started_at", "ended_at")[:_MAX_LIVES]:
        if ended_at is not None and next_start - ended_at > _RETURN:
            ended = ended_at
            break
        goes_on = goes_on or ended_at is None
        # One that a host ended has its last word from the engine a moment later: it is no part of the next.
        if goes_on and (ended is None or started_at > ended):
            began_at = started_at
        next_start = started_at
    return PresentCall(ended, began_at)
