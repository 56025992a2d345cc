"""Background jobs of meetings: orders repeated to the engine, external webhooks, and forgetting what has served."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from jobs.models import Job
from jobs.queue import job, scheduled
from jobs.worker import Work
from meetings import enforcement, engine_events, media, webhooks_out
from meetings.models import Attendance, CallReport, CallSession, ChatMessage, EngineEvent, Outbox, Participant, Room
from meetings.models.participant import State
from meetings.services import connection_tests, lobby, together

# No engine sends an event again after that.
KEEP_EVENTS = timedelta(days=14)
# A notice that web did not take in a day concerns nobody any more.
KEEP_NOTICES = timedelta(days=1)
# On SQLite a DELETE holds the write lock: short ones.
_CHUNK = 500


@job(webhooks_out.JOB_KIND, max_attempts=8, is_slow=True)
def post_webhooks(work: Work) -> None:
    """Posts what waits for one address and room. Waits, longer and longer, where the address refuses or is silent."""
    webhooks_out.work_off(work)


@job(engine_events.SET_ASIDE_JOB, max_attempts=3)
def take_event(work: Work) -> None:
    """Takes an event that our code could not take when it came."""
    engine_events.receive_webhook(engine_events.event_of(work.payload["event"]))


@job(enforcement.JOB_KIND, max_attempts=enforcement.ATTEMPTS)
def enforce_room(work: Work) -> None:
    """Makes the engine what a room's rows say. Fails, and is tried again later, where it cannot be asked."""
    room = Room.objects.filter(pk=work.payload["room"]).first()
    if room is not None:
        for present in media.list_participants(room.media_name):
            engine_events.correct(room, present)


@job(connection_tests.JOB_KIND)
def end_test_room(work: Work) -> None:
    """Nobody holds meetings in the room of a connection test. Fails, and is tried again, where the engine is away."""
    media.delete_room(work.payload["room"])


@job(together.CARRY_JOB, max_attempts=6)
def carry_message(work: Work) -> None:
    """Tells a call of a line that the engine did not take when it was written. Fails, and is tried again."""
    message = ChatMessage.objects.select_related("room", "author").filter(pk=work.payload["message"]).first()
    # By now it may be another meeting, with other people.
    if message is not None and ChatMessage.objects.of_present_call(message.room).filter(pk=message.pk).exists():
        together.carry(message)


@scheduled("meetings.resume_webhooks", "*/10 * * * *")
def resume_webhooks(work: Work) -> None:
    """Goes on with queues whose job came to nothing."""
    webhooks_out.enqueue_waiting()


@scheduled("meetings.forget_who_went", "*/10 * * * *")
def forget_who_went(work: Work) -> None:
    """Ends the waiting of pages that will hardly come back; nobody sees them any more."""
    lobby.forget_who_went()


@scheduled("meetings.forget_events", "41 3 * * *")
def forget_events(work: Work) -> None:
    """Deletes what only served to take an event once."""
    now = timezone.now()
    _delete(work, EngineEvent.objects.filter(received_at__lt=now - KEEP_EVENTS))
    _delete(work, Outbox.objects.filter(created_at__lt=now - KEEP_NOTICES))


@scheduled("meetings.purge", "11 3 * * *")
def purge(work: Work) -> None:
    """Deletes what was written in calls, and who was there, after the days that the settings say."""
    now = timezone.now()
    # A call that goes on keeps its history, however short the time.
    written = ChatMessage.objects.filter(sent_at__lt=now - timedelta(days=settings.CHAT_RETENTION_DAYS))
    going_on = CallSession.objects.filter(room=OuterRef("room"), ended_at__isnull=True)
    _delete(work, written.exclude(Exists(going_on)))
    forgotten = now - timedelta(days=settings.REPORT_RETENTION_DAYS)
    _delete(work, CallReport.objects.filter(ended_at__lt=forgotten))
    # While a call goes on the engine may still correct its word of who left.
    _delete(work, Attendance.objects.filter(left_at__lt=forgotten, call__ended_at__isnull=False))
    _delete(work, Job.objects.filter(kind=engine_events.SET_ASIDE_JOB, created_at__lt=forgotten))
    _forget_people(work, forgotten)


def _forget_people(work: Work, forgotten: datetime) -> None:
    """Whose time in lobby or call ended before that, however it ended, and on whose row nothing hangs any more."""
    lobby.forget_who_went()
    lobby.end_stale_admissions()
    rows = Participant.objects.filter(ended_at__lt=forgotten, attendances=None, reports=None, messages=None)
    _delete(work, rows.filter(state__in=[State.LEFT, State.DENIED]))
    # Who was removed stays out for as long as there is something to be kept out of.
    _delete(work, rows.filter(state=State.REMOVED, room__closed_at__lt=forgotten))


def _delete(work: Work, rows: QuerySet[Any]) -> None:
    while keys := list(rows.values_list("pk", flat=True)[:_CHUNK]):
        rows.filter(pk__in=keys).delete()
        work.report(50)
