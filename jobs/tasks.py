"""The queue's own housekeeping."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from jobs.models import Job, State
from jobs.queue import scheduled
from jobs.worker import Work

KEEP_DONE = timedelta(days=7)
# Dead jobs are for operators to look at.
KEEP_DEAD = timedelta(days=90)
# On SQLite a DELETE holds the write lock: short ones.
_CHUNK = 500


@scheduled("jobs.purge", "17 3 * * *")
def purge(work: Work) -> None:
    """Deletes rows of jobs that ended long ago."""
    now = timezone.now()
    for state, age in ((State.SUCCEEDED, KEEP_DONE), (State.DEAD, KEEP_DEAD)):
        old = Job.objects.filter(state=state, finished_at__lt=now - age)
        while keys := list(old.values_list("pk", flat=True)[:_CHUNK]):
            Job.objects.filter(pk__in=keys).delete()
            work.report(50, state)
