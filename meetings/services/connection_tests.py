"""The room of a connection test: two tokens for one browser, which sends itself picture and sound through the relay.

There is no row of it. The name cannot be that of one of the portal's rooms (`admission.portal_room`), so the token
alone opens it, and only until the time in the name (`temporary_rooms.py`): nobody holds meetings in it. A job ends it
then, and the reconciliation whatever a client makes anew of it.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from jobs.queue import enqueue
from meetings import temporary_rooms
from meetings.tokens import Claims, sign

JOB_KIND = "meetings.end_test_room"
# The slowest test, over each path in turn, takes less than a minute and a half.
TOKEN_SECONDS = 120
ENDS_AFTER = timedelta(seconds=180)
_ENDS = ("a", "b")
# Gone soon after the page has left, but not between two of its paths.
_ROOM_CONFIG = {"emptyTimeout": 60, "departureTimeout": 20, "maxParticipants": len(_ENDS)}


def open_test() -> list[str]:
    """Two tokens for a new room, the first for the one who sends."""
    room = temporary_rooms.new_name(int(ENDS_AFTER.total_seconds()))
    enqueue(JOB_KIND, {"room": room}, run_after=timezone.now() + ENDS_AFTER)
    return [_token(room, end) for end in _ENDS]


def _token(room: str, end: str) -> str:
    grants = {
        "roomJoin": True,
        "room": room,
        "canPublish": end == _ENDS[0],
        "canSubscribe": end != _ENDS[0],
        "canPublishData": False,
        "canUpdateOwnMetadata": False,
    }
    return sign(Claims(identity=f"test-{end}", grants=grants, room_config=_ROOM_CONFIG), seconds=TOKEN_SECONDS)
