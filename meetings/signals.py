"""What happened in calls, for the apps above. Receivers run inside the transaction that records it."""

from __future__ import annotations

from django.dispatch import Signal

# call: CallSession
call_started = Signal()
call_ended = Signal()
# attendance: Attendance
participant_joined = Signal()
participant_left = Signal()
