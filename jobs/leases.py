"""Taking, keeping and giving back jobs. Every step is one conditional UPDATE that names the state it starts from and
looks at the number of rows: of two workers that reach for a job, one gets it. Works alike on SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import F

from jobs.models import Job, JobQuerySet, State

# Longer than any pause of a healthy worker; a dead one's job waits this long for the next.
LEASE_SECONDS = 60.0
# Enough to ride out a restart of another server at first, an outage later.
BACK_OFF_BASE_SECONDS = 5.0
_BACK_OFF_LIMIT_SECONDS = 3600.0
_ERROR_LENGTH = 2000


def back_off(attempt: int) -> timedelta:
    """How long to wait after the `attempt`th failure: 5, 10, 20 s … one hour."""
    return timedelta(seconds=min(BACK_OFF_BASE_SECONDS * 2 ** (attempt - 1), _BACK_OFF_LIMIT_SECONDS))


def claim(owner: str, now: datetime, *, lease: timedelta, without: Collection[str] = ()) -> Job | None:
    """The job that is due longest, of none of the kinds `without`, now held by `owner`; None if nothing is due."""
    due = Job.objects.due(now).exclude(kind__in=without).order_by("run_after", "pk")
    while (candidate := due.first()) is not None:
        taken = Job.objects.filter(pk=candidate.pk, state=State.QUEUED, attempt=candidate.attempt).update(
            state=State.RUNNING,
            lease_owner=owner,
            lease_until=now + lease,
            attempt=F("attempt") + 1,
            progress_percent=0,
            step="",
        )
        if taken:
            candidate.refresh_from_db()
            return candidate
    return None


def renew(job: Job, now: datetime, *, lease: timedelta) -> bool:
    """Holds the job longer; False if it is no longer ours."""
    return bool(_held(job).update(lease_until=now + lease))


def report(job: Job, percent: int, step: str) -> bool:
    """Notes how far the job is; False if it is no longer ours."""
    return bool(_held(job).update(progress_percent=max(0, min(100, percent)), step=step[:100]))


def succeed(job: Job, now: datetime) -> bool:
    """The job is done; False if another worker has it now."""
    return bool(
        _held(job).update(
            state=State.SUCCEEDED, finished_at=now, lease_owner="", lease_until=None, progress_percent=100, error=""
        )
    )


def fail(job: Job, now: datetime, error: str, *, is_final: bool = False) -> bool:
    """The attempt failed: the job waits for its next one, or is dead after the last. True if it is dead."""
    is_dead = is_final or job.attempt >= job.max_attempts
    values = {"lease_owner": "", "lease_until": None, "error": error[:_ERROR_LENGTH]}
    if is_dead:
        changed = _held(job).update(state=State.DEAD, finished_at=now, **values)
    else:
        changed = _held(job).update(state=State.QUEUED, run_after=now + back_off(job.attempt), **values)
    return is_dead and bool(changed)


def put_back(job: Job, run_after: datetime, reason: str = "") -> bool:
    """The job waits again, as if this attempt had not been. `reason` says why to operators."""
    values = {"error": reason[:_ERROR_LENGTH]} if reason else {}
    return bool(
        _held(job).update(
            state=State.QUEUED,
            run_after=run_after,
            lease_owner="",
            lease_until=None,
            attempt=F("attempt") - 1,
            **values,
        )
    )


def free_key(job: Job) -> bool:
    """From now on an order with the job's key is a job of its own."""
    return bool(_held(job).update(idempotency_key=None))


def cancel(jobs: JobQuerySet, now: datetime) -> int:
    """These are not done any more, waiting or at work: a handler stops at its next report. How many that were."""
    unfinished = jobs.filter(state__in=[State.QUEUED, State.RUNNING])
    return unfinished.update(state=State.CANCELLED, finished_at=now, lease_owner="", lease_until=None)


def reap(now: datetime) -> int:
    """Takes jobs back from workers that died. How many that were."""
    count = 0
    for job in Job.objects.abandoned(now).order_by("pk")[:100]:
        fail(job, now, f"The worker {job.lease_owner} ended in the middle of attempt {job.attempt}.")
        count += 1
    return count


def _held(job: Job) -> JobQuerySet:
    """The row, as long as this holder has it in this attempt."""
    return Job.objects.filter(pk=job.pk, state=State.RUNNING, lease_owner=job.lease_owner, attempt=job.attempt)
