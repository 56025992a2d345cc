"""The queue's own housekeeping."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from jobs import mail
from jobs.models import Job, State
from jobs.queue import job, scheduled
from jobs.worker import Work

KEEP_DONE = timedelta(days=7)
# Those that did not succeed are for operators to look at.
KEEP_OTHERS = timedelta(days=90)
# On SQLite a DELETE holds the write lock: short ones.
_CHUNK = 500


@scheduled("jobs.purge", "17 3 * * *")
def purge(work: Work) -> None:
    """Deletes rows of jobs that ended long ago."""
    now = timezone.now()
    for state, age in ((State.SUCCEEDED, KEEP_DONE), (State.DEAD, KEEP_OTHERS), (State.CANCELLED, KEEP_OTHERS)):
        old = Job.objects.filter(state=state, finished_at__lt=now - age)
        while keys := list(old.values_list("pk", flat=True)[:_CHUNK]):
            Job.objects.filter(pk__in=keys).delete()
            work.report(50, state)


@job(mail.KIND, max_attempts=10, is_slow=True)
def send_mail(work: Work) -> None:
    mail.deliver(work.payload["mail"])


@scheduled("jobs.purge_mail", "27 3 * * *")
def purge_mail(work: Work) -> None:
    mail.purge()
