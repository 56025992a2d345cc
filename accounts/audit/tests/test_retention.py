"""Old entries go, the rest stays a chain, and nobody can pretend that the portal cut elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from accounts import tasks
from accounts.audit import retention
from accounts.audit.verify import verify
from accounts.models import AuditAnchor, AuditEntry

pytestmark = pytest.mark.django_db

Write = Callable[[int], None]


def night() -> None:
    work: Any = SimpleNamespace(report=lambda percent: None)
    tasks.cut_audit(work)


@pytest.fixture
def aged(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five entries of ten days ago, five of today."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now - timedelta(days=10))
    write(5)
    monkeypatch.setattr(timezone, "now", lambda: now)
    write(5)


@override_settings(AUDIT_RETENTION_DAYS=7)
def test_the_night_deletes_what_is_older_and_tells_of_it(aged: None, protected: None) -> None:
    night()
    assert list(AuditEntry.objects.order_by("seq").values_list("seq", flat=True)) == [6, 7, 8, 9, 10, 11]
    cut = AuditEntry.objects.get(action="audit_cut")
    assert (cut.values_before, cut.values_after) == ({"first": 1}, {"first": 6})
    assert (verify().first, verify().count) == (6, 6)
    night()  # nothing more is old
    assert (AuditAnchor.objects.count(), AuditEntry.objects.count()) == (1, 6)


@override_settings(AUDIT_RETENTION_DAYS=11)
def test_what_is_not_old_enough_stays(aged: None, protected: None) -> None:
    night()
    assert (AuditAnchor.objects.count(), AuditEntry.objects.count()) == (0, 10)


@override_settings(AUDIT_RETENTION_DAYS=7)
def test_a_cut_that_was_interrupted_is_whole_and_finished_the_next_night(aged: None, protected: None) -> None:
    retention.cut(timezone.now() - timedelta(days=7))  # and the process is killed here
    assert AuditEntry.objects.filter(seq__lte=5).count() == 5
    verify()
    night()
    assert not AuditEntry.objects.filter(seq__lte=5).exists()
    verify()


def test_everything_may_be_old_and_the_chain_goes_on(write: Write, protected: None) -> None:
    write(3)
    retention.cut(timezone.now() + timedelta(seconds=1))
    assert sum(retention.sweep()) == 3
    retention.cut(timezone.now() + timedelta(seconds=1))  # now also the entry of the first cut
    assert sum(retention.sweep()) == 1
    assert AuditEntry.objects.get().seq == 5
    assert verify().count == 1


def test_one_cut_at_a_time_and_never_backwards(aged: None, protected: None) -> None:
    retention.cut(timezone.now() - timedelta(days=7))
    assert retention.cut(timezone.now() - timedelta(days=9)) == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM accounts_auditanchor")
        assert cursor.fetchone() == (1,)
