"""The database refuses what the model refuses, whoever asks it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.audit import retention, triggers
from accounts.audit.verify import verify
from accounts.models import AuditAnchor, AuditEntry, AuditHead
from accounts.models.audit import AppendOnly

pytestmark = pytest.mark.django_db

Write = Callable[[int], None]

ATTACKS = [
    "UPDATE accounts_auditentry SET actor_label = 'Eve' WHERE seq = 2",
    "UPDATE accounts_auditentry SET seq = 99 WHERE seq = 3",
    "DELETE FROM accounts_auditentry WHERE seq = 3",
    "DELETE FROM accounts_auditentry",
    "UPDATE accounts_auditanchor SET seq = 3",
    "DELETE FROM accounts_auditanchor",
    "UPDATE accounts_audithead SET seq = 2",
    "DELETE FROM accounts_audithead",
]
_OF_SQLITE = [
    "INSERT OR REPLACE INTO accounts_auditentry SELECT * FROM accounts_auditentry WHERE seq = 3",
    "INSERT OR REPLACE INTO accounts_auditanchor SELECT * FROM accounts_auditanchor",
    "INSERT OR REPLACE INTO accounts_audithead SELECT * FROM accounts_audithead",
]
_OF_POSTGRESQL = [
    "TRUNCATE accounts_auditentry",
    "TRUNCATE accounts_auditanchor",
    "TRUNCATE accounts_audithead",
]


def test_no_entry_anchor_or_end_can_be_changed_or_deleted(write: Write, protected: None) -> None:
    write(5)
    # The first may go: an anchor covers it.
    retention._insert_anchor(1, AuditEntry.objects.get(seq=1).hash)
    own = _OF_POSTGRESQL if connection.vendor == "postgresql" else _OF_SQLITE
    for attack in [*ATTACKS, *own]:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(attack)
    assert (AuditEntry.objects.count(), AuditAnchor.objects.count(), AuditHead.objects.count()) == (5, 1, 1)
    assert verify().missing_triggers == []


def test_what_a_cut_covers_may_go_and_the_portal_goes_on_writing(write: Write, protected: None) -> None:
    write(5)
    assert retention.cut(timezone.now() + timedelta(seconds=1)) == 5
    assert sum(retention.sweep()) == 5
    write(2)
    assert verify().count == 3


def test_the_model_refuses_before_the_database_does(write: Write) -> None:
    write(1)
    entry = AuditEntry.objects.get()
    attempts: list[Callable[[], object]] = [
        lambda: entry.save(),
        lambda: entry.delete(),
        lambda: AuditEntry.objects.update(actor_label="Eve"),
        lambda: AuditEntry.objects.all().delete(),
        lambda: AuditEntry.objects.filter(seq=1).delete(),
        lambda: AuditEntry.objects.bulk_update([entry], ["actor_label"]),
        lambda: AuditEntry.objects.bulk_create([entry]),
        lambda: AuditEntry.objects.create(seq=2, at=timezone.now(), action="signed_in"),
    ]
    for attempt in attempts:
        with pytest.raises(AppendOnly):
            attempt()
    assert verify().count == 1


def test_each_missing_trigger_is_named(protected: None) -> None:
    assert triggers.missing(connection) == []
    triggers.drop(connection)
    assert {"audit_entry_stays", "audit_entry_kept", "audit_head_forward"} <= set(triggers.missing(connection))
