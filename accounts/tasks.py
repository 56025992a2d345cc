"""Background jobs of accounts: forgetting sessions."""

from __future__ import annotations

from django.contrib.sessions.models import Session
from django.utils import timezone

from jobs.queue import scheduled
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
