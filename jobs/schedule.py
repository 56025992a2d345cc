"""Jobs by the clock: rows follow the `@scheduled` functions, and of several workers one orders each time."""

from __future__ import annotations

from datetime import datetime

from croniter import croniter
from django.db import transaction
from django.utils import timezone

from jobs.models import Schedule
from jobs.queue import enqueue, kinds


def synchronise(now: datetime) -> None:
    """Makes the rows fit the code: new kinds get one, changed times are taken over, kinds that are gone lose theirs."""
    wanted = {name: kind.cron for name, kind in kinds.items() if kind.cron}
    Schedule.objects.exclude(kind__in=wanted).delete()
    for name, cron in wanted.items():
        row, _created = Schedule.objects.get_or_create(
            kind=name, defaults={"cron": cron, "next_run_at": following(cron, now)}
        )
        if row.cron != cron:
            Schedule.objects.filter(pk=row.pk).update(cron=cron, next_run_at=following(cron, now))


def following(cron: str, now: datetime) -> datetime:
    """The next time after `now` at which `cron` is due."""
    found = croniter(cron, timezone.localtime(now)).get_next(datetime)
    assert isinstance(found, datetime)
    return found


def order_due(now: datetime) -> int:
    """Orders what is due. Times that passed while no worker ran are made up for once, not each. How many that were."""
    count = 0
    for row in Schedule.objects.filter(is_enabled=True, next_run_at__lte=now):
        with transaction.atomic():
            # Two workers see the same row; the one whose UPDATE still finds the old time orders the job.
            taken = Schedule.objects.filter(pk=row.pk, next_run_at=row.next_run_at, is_enabled=True).update(
                next_run_at=following(row.cron, now)
            )
            if taken and row.kind in kinds:
                enqueue(row.kind, idempotency_key=f"{row.kind}@{row.next_run_at.isoformat()}")
                count += 1
    return count
