"""Ordering jobs, and what each kind does.

    @job("meetings.post_webhook", max_attempts=8)
    def post_webhook(work: Work) -> None: ...

    enqueue("meetings.post_webhook", {"event": event.pk}, idempotency_key=f"webhook-{event.pk}")

The row is inserted in the transaction of the change that orders it: committed together or not at all. A job may run
twice (a worker may die after the deed and before noting it), so each handler can be run again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs.models import Job, State

if TYPE_CHECKING:
    from jobs.worker import Work

Handler = Callable[["Work"], None]


class UnknownKind(LookupError):
    """No `@job` of this name in any app's tasks.py: a mistake in our code."""


class GiveUp(Exception):
    """Raised by a handler: trying again is useless. The job is dead at once, and its text is shown to operators."""


class Interrupted(Exception):
    """Raised by `Work.report` when the worker must stop: the job goes back to the queue, and this attempt is free."""


class Postponed(Exception):
    """Raised by a handler: it is not this job's turn before `until`. The attempt is free, and the text says why."""

    def __init__(self, until: datetime, reason: str) -> None:
        super().__init__(reason)
        self.until = until


class LeaseLost(Exception):
    """Raised by `Work.report` when another worker has the job now, or it was cancelled: stop without a trace."""


@dataclass(frozen=True, slots=True)
class Kind:
    handler: Handler
    max_attempts: int
    cron: str = ""
    is_slow: bool = False


kinds: dict[str, Kind] = {}


def job(kind: str, *, max_attempts: int = 5, is_slow: bool = False) -> Callable[[Handler], Handler]:
    """Registers the function as the handler of `kind`. A slow one waits for machines that are not ours: however many
    of them wait, a thread is left for the others (see `Worker`).
    """

    def register(handler: Handler) -> Handler:
        kinds[kind] = Kind(handler, max_attempts, is_slow=is_slow)
        return handler

    return register


def scheduled(kind: str, cron: str, *, max_attempts: int = 1) -> Callable[[Handler], Handler]:
    """Registers the function, to be run at the times of the cron expression (in the server's time zone)."""

    def register(handler: Handler) -> Handler:
        kinds[kind] = Kind(handler, max_attempts, cron)
        return handler

    return register


def enqueue(
    kind: str,
    payload: dict[str, Any] | None = None,
    *,
    run_after: datetime | None = None,
    idempotency_key: str | None = None,
    until_done: bool = False,
) -> Job:
    """Orders a job. With a key that exists already, that job is returned and nothing is ordered.

    With `until_done` a job that ended, well or not, does not count. Its handler must give the key back
    (`Work.free_key`) before it looks for the last time whether there is something to do.
    """
    if kind not in kinds:
        raise UnknownKind(kind)
    tries = 3  # the job that has the key may end in between
    while True:
        tries -= 1
        try:
            with transaction.atomic():
                return Job.objects.create(
                    kind=kind,
                    payload=payload or {},
                    run_after=run_after or timezone.now(),
                    max_attempts=kinds[kind].max_attempts,
                    idempotency_key=idempotency_key,
                )
        except IntegrityError:
            existing = _holder(idempotency_key)
            if existing is not None and not (until_done and State(existing.state).is_final):
                return existing
            if idempotency_key is None or not tries:
                raise
            if existing is not None:
                Job.objects.filter(pk=existing.pk).update(idempotency_key=None)


def _holder(idempotency_key: str | None) -> Job | None:
    """The job with this key. Locked until the caller's transaction ends: it cannot give its key back before then, and
    so does not miss what the transaction adds to its work. (SQLite has one writer at a time anyway.)
    """
    if idempotency_key is None:
        return None
    with transaction.atomic():
        return Job.objects.select_for_update().filter(idempotency_key=idempotency_key).first()
