"""An order that the engine did not hear is repeated until the engine has been made what the rows say.

The job is ordered in the transaction of the change, so that it outlives the process that made it; its first attempt
comes when the order itself must have been heard or given up. What its attempts do not reach, the reconciliation of
each minute does.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from jobs.queue import enqueue
from meetings import media
from meetings.models import Room

JOB_KIND = "meetings.enforce"
ATTEMPTS = 8
_AFTER = timedelta(seconds=media.ORDER_SECONDS + 1)


def order(room: Room) -> None:
    """Call it with the change of who may be in the room, or of what they may do."""
    enqueue(JOB_KIND, {"room": str(room.pk)}, run_after=timezone.now() + _AFTER)
