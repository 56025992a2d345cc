"""Background jobs of accounts: arrivals and departures of the day, and forgetting what is old."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.audit import retention
from accounts.browsers import sessions
from accounts.hr_desk import orders
from accounts.hr_desk import work as hr_desk
from accounts.provisioning import daily
from accounts.provisioning.runs import Busy
from accounts.services import leavers
from accounts.services.api_tokens import forget_creations
from jobs.queue import Postponed, job, scheduled
from jobs.worker import Work

# On SQLite a DELETE holds the write lock: short ones.
_CHUNK = 500


@scheduled("accounts.purge_sessions", "51 3 * * *")
def purge_sessions(work: Work) -> None:
    """Deletes sessions that expired: each guest leaves one behind."""
    expired = Session.objects.filter(expire_date__lt=timezone.now())
    while keys := list(expired.values_list("pk", flat=True)[:_CHUNK]):
        expired.filter(pk__in=keys).delete()
        work.report(50)
    for _count in sessions.purge():
        work.report(80)


@scheduled("accounts.cut_audit", "31 3 * * *")
def cut_audit(work: Work) -> None:
    """Deletes entries of the audit log after AUDIT_RETENTION_DAYS; the chain goes on from a signed anchor."""
    retention.cut(timezone.now() - timedelta(days=settings.AUDIT_RETENTION_DAYS))
    for _count in retention.sweep():
        work.report(50)


@scheduled("accounts.apply_dates", "4 0 * * *", max_attempts=5)
def apply_dates(work: Work) -> None:
    """Lets in whose first day has come, and out whose last day is over, by what HR files said."""
    try:
        daily.apply_dates()
    except Busy:
        raise Postponed(timezone.now() + timedelta(minutes=5), "an import is going on") from None


@scheduled("accounts.forget_provisioning", "41 3 * * *")
def forget_provisioning(work: Work) -> None:
    """Deletes what imports changed long ago: they can no longer be undone."""
    daily.forget_changes()


@scheduled("accounts.forget_api_creations", "56 3 * * *")
def forget_api_creations(work: Work) -> None:
    """Deletes the keys under which programs made something more than a day ago."""
    forget_creations()


@job(leavers.JOB_KIND, max_attempts=10)
def see_off(work: Work) -> None:
    """Ends what people whom an import or a command suspended have open: calls, sessions, rooms of theirs."""
    leavers.see_off_ordered(work.payload["people"])


@job(orders.LOOK, is_slow=True)
def look_at_hr_file(work: Work) -> None:
    """Says what a file that HR uploaded would change."""
    hr_desk.look(work)


@job(orders.APPLY, is_slow=True)
def apply_hr_file(work: Work) -> None:
    """Applies a file that HR has looked at; interrupted, goes on where it stopped."""
    hr_desk.apply(work)


@job(orders.UNDO, is_slow=True)
def undo_import(work: Work) -> None:
    """Takes an import back that HR wants undone."""
    hr_desk.undo(work)


@scheduled("accounts.forget_hr_files", "47 3 * * *")
def forget_hr_files(work: Work) -> None:
    """Deletes what HR uploaded, and the reports on it, after HR_FILE_RETENTION_DAYS."""
    hr_desk.forget(work)
