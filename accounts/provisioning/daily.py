"""What the calendar does to people: those whose first day has come are let in, those whose last is over are out."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.audit.parties import SERVER
from accounts.models import Employment, ProvisioningChange, ProvisioningRun
from accounts.models.employment import EmploymentStatus
from accounts.models.provisioning import RunKind, RunState
from accounts.provisioning import runs
from accounts.provisioning.applying import Applier, in_batches, pause
from accounts.provisioning.differences import by_date
from accounts.provisioning.problems import Problem
from accounts.provisioning.state import organisations_for

# So long a run can be undone. What it says of people is personal data, of which there is a copy in the audit log.
KEEP_CHANGES = timedelta(days=90)
_CHUNK = 2000


def apply_dates(today: date | None = None) -> Counter[str]:
    """A run for each source with somebody whose day has come. Raises `runs.Busy`."""
    day = today or timezone.localdate()
    counts: Counter[str] = Counter()
    with runs.only_one():
        due = Q(status=EmploymentStatus.EXPECTED, arrives_on__lte=day)
        due |= Q(leaves_on__lt=day) & ~Q(status=EmploymentStatus.LEFT)
        people = Employment.objects.filter(due)
        for source in people.order_by("source").values_list("source", flat=True).distinct():
            hr_ids = list(people.filter(source=source).order_by("hr_id").values_list("hr_id", flat=True))
            counts += _apply_to(source, hr_ids, day)
    return counts


def forget_changes() -> int:
    """Deletes what old runs changed, a chunk at a time; how many. But for whom no file may let in again."""
    old = ProvisioningChange.objects.filter(run__started_at__lt=timezone.now() - KEEP_CHANGES)
    old = old.exclude(run__kind=RunKind.DEACTIVATION)
    count = 0
    while keys := list(old.values_list("pk", flat=True)[:_CHUNK]):
        count += ProvisioningChange.objects.filter(pk__in=keys).delete()[0]
    return count


def _apply_to(source: str, hr_ids: list[str], day: date) -> Counter[str]:
    # Of a job that was killed: it goes on.
    run = ProvisioningRun.objects.filter(kind=RunKind.DATES, source=source, state=RunState.RUNNING).first()
    run = run or runs.begin(RunKind.DATES, source, actor=SERVER)[0]
    refused: list[Problem] = []
    applier = Applier(run, actor=SERVER, today=day, organisations=organisations_for(source)[1], problems=refused.append)
    counts: Counter[str] = Counter()
    for part in in_batches(hr_ids):
        counts += applier.apply_to(part, lambda person: by_date(person, run=run.key, today=day.isoformat()))
        pause()
    runs.end(run, actor=SERVER)
    return counts + Counter(refused=len(refused))
