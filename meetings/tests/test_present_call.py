"""When the call that goes on began: over a crash of the engine it is the same, after an end it is another."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from meetings.models import CallSession
from meetings.models.present_call import present_call
from meetings.tests.conftest import Meeting

# Minutes ago: each life of the room on the engine (begun, over or None), and the end that was written into the room.
Lives = list[tuple[float, float | None]]


@pytest.mark.parametrize(
    ("lives", "call_ended", "began", "last_end"),
    [
        ([], None, None, None),
        ([(42, None)], None, 42, None),
        ([(42, 3)], None, None, None),  # the engine died: its people may come back
        ([(42, 20)], None, None, 20),
        ([(42, 12), (11, None)], None, 42, None),  # they came back
        ([(42, 30), (11, None)], None, 11, 30),  # another meeting
        ([(42, 12), (11, None)], 12, 11, 12),  # the host had ended it
        ([(42, 11.9), (11, None)], 12, 11, 12),  # the engine's word came after the host's
        ([(42, 12)], 12, None, 12),
        ([(60, 31), (30, 21), (20, None)], None, 60, None),  # it died twice
    ],
)
def test_the_call_began_with_the_first_life_that_belongs_to_it(
    lives: Lives, call_ended: float | None, began: float | None, last_end: float | None, meeting: Meeting
) -> None:
    now = timezone.now()

    def ago(minutes: float | None) -> datetime | None:
        return None if minutes is None else now - timedelta(minutes=minutes)

    room = meeting.room
    for number, (started, ended) in enumerate(lives):
        started_at, ended_at = now - timedelta(minutes=started), ago(ended)
        CallSession.objects.create(
            room=room, sid=f"RM_{number}", started_at=started_at, ended_at=ended_at, last_seen_at=ended_at or now
        )
    room.call_ended_at = ago(call_ended)
    found = present_call(room)
    assert (found.began_at, found.last_end) == (ago(began), ago(last_end))


def test_it_is_found_in_one_query(meeting: Meeting, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        present_call(meeting.room)
