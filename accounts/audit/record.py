"""Writing the audit log: one function, one entry, in the transaction of the change that it tells of.

    with transaction.atomic():
        rows.update(role=role)
        record("role_changed", actor=…, target=…, before={"role": …}, after={"role": role})

A chain has one order, so writers take turns: on SQLite they do anyway (a transaction takes the write lock at its
beginning), on PostgreSQL by a lock on the row of `AuditHead`, from here to the end of the transaction. Therefore
**record last**: after it a transaction should lock no row of others, and wait for nobody. (Foreign keys are checked at
its end; so rows that others refer to are locked with `select_for_update(no_key=True)`, which lets those checks pass.)

Bulk work gives all entries of a chunk to `record_many`: the lock is taken once, values and hashes are made in Python
(about 20 µs each) and the rows go by COPY or one prepared INSERT. Each person of an HR file keeps an entry of their
own, since "who suspended her, when" must be found by person: one entry for a whole batch would not answer it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from accounts.audit import actions, chain, context
from accounts.audit.parties import NOBODY, Party
from accounts.audit.values import canonical, clean
from accounts.models.audit import AuditEntry, AuditHead

# Below that, preparing COPY costs more than it saves.
_COPY_FROM = 50
_TABLE, _HEAD_TABLE = AuditEntry._meta.db_table, AuditHead._meta.db_table
_LOGGER = "audit"


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `before` and `after` hold what was changed only; `scope` is the room or organisation it was in."""

    action: str
    actor: Party
    target: Party = NOBODY
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    scope: str = ""


def record(
    action: str,
    *,
    actor: Party,
    target: Party = NOBODY,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    scope: str = "",
    **told: Any,
) -> int:
    """Writes the entry, and its line in the log once it is committed. The entry's number.

    `told` goes into the line only, which has ids and no names. Raises `UnknownAction`.
    """
    entry = Entry(action, actor, target, before, after, scope)
    seq, hash_ = _append([entry])
    line = _line(entry, told, seq, hash_)
    # A line of what was rolled back would name a number and hash that another entry gets.
    transaction.on_commit(lambda: structlog.get_logger(_LOGGER).info(action, **line))
    return seq


def record_many(entries: Iterable[Entry]) -> int:
    """Writes all of them, next to each other in the chain; how many. The log gets one line for all."""
    batch = list(entries)
    if not batch:
        return 0
    seq, hash_ = _append(batch)
    counts = dict(Counter(entry.action for entry in batch))
    line = {"entries": counts, "by": batch[0].actor.named_in_log, "last_entry": seq, "chain": hash_[:16]}
    transaction.on_commit(lambda: structlog.get_logger(_LOGGER).info("audit_batch", **line))
    return len(batch)


@dataclass(slots=True)
class _Head:
    """The row of `AuditHead`."""

    seq: int
    hash: str
    doubt_seq: int | None
    signature: str


def _append(batch: Sequence[Entry]) -> tuple[int, str]:
    """Number and hash of the last one. Three statements by one cursor: the ORM takes five times as long."""
    for entry in batch:
        if entry.action not in actions.actions:
            raise actions.UnknownAction(entry.action)
    # No savepoint: a change whose entry cannot be written must not be, either.
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        head = _locked_head(cursor)
        was_signed = chain.is_signed(head.signature, "head", head.seq, head.hash, head.doubt_seq)
        if not was_signed and head.seq and head.doubt_seq is None:
            # Signing whatever stands there would hide a forgery. `verify_audit` tells of it until somebody has looked.
            structlog.get_logger(_LOGGER).error("audit_end_not_signed", entry=head.seq)
            head.doubt_seq = head.seq + 1
        rows = list(_rows(batch, head, timezone.now()))
        _insert(cursor, rows)
        head.seq, head.hash = rows[-1][0], rows[-1][-1]
        signature = chain.sign("head", head.seq, head.hash, head.doubt_seq)
        cursor.execute(
            f"UPDATE {_HEAD_TABLE} SET seq = %s, hash = %s, doubt_seq = %s, signature = %s WHERE id = 1",  # noqa: S608  a constant names the table
            [head.seq, head.hash, head.doubt_seq, signature],
        )
    return head.seq, head.hash


def _locked_head(cursor: CursorWrapper) -> _Head:
    lock = " FOR UPDATE" if connection.vendor == "postgresql" else ""
    query = f"SELECT seq, hash, doubt_seq, signature FROM {_HEAD_TABLE} WHERE id = 1{lock}"  # noqa: S608  as above
    cursor.execute(query)
    found = cursor.fetchone()
    if found is None:
        # The migration makes it. Where somebody took it away, the chain goes on behind the last entry, in doubt.
        last = AuditEntry.objects.order_by("-seq").first()
        seq, hash_ = (last.seq, last.hash) if last else (0, chain.GENESIS)
        AuditHead.objects.bulk_create([AuditHead(pk=1, seq=seq, hash=hash_)], ignore_conflicts=True)
        cursor.execute(query)
        found = cursor.fetchone()
    assert found is not None
    return _Head(*found)


def _rows(batch: Sequence[Entry], head: _Head, now: datetime) -> Iterable[tuple[Any, ...]]:
    """As in `chain.STORED`."""
    seq, previous, at = head.seq, head.hash, chain.stamp(now)
    address, request_id = clean(context.address(), 45), clean(context.request_id(), 32)
    for entry in batch:
        seq += 1
        content = (
            entry.action,
            entry.actor.kind,
            clean(entry.actor.id, 64),
            _actor_label(entry.actor),
            address,
            "" if entry.target is NOBODY else entry.target.kind,
            clean(entry.target.id, 64),
            clean(entry.target.label, 200),
            clean(entry.scope, 64),
            canonical(entry.before),
            canonical(entry.after),
            request_id,
        )
        hash_ = chain.digest(previous, (seq, at, *content))
        yield (seq, now, *content, previous, hash_)
        previous = hash_


def _actor_label(actor: Party) -> str:
    """The name, and the application by which they act."""
    application = context.application()
    # A long name must not push the application out.
    return clean(f"{actor.label[:80]} [{application}]" if application else actor.label, 200)


def _insert(cursor: CursorWrapper, rows: Sequence[tuple[Any, ...]]) -> None:
    columns = ", ".join(f'"{name}"' for name in chain.STORED)
    if connection.vendor == "postgresql" and len(rows) >= _COPY_FROM:
        with cursor.copy(f"COPY {_TABLE} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    at = connection.ops.adapt_datetimefield_value(rows[0][1])  # one time for all
    marks = ", ".join(["%s"] * len(chain.STORED))
    insert = f"INSERT INTO {_TABLE} ({columns}) VALUES ({marks})"  # noqa: S608  names of our own columns
    values = [(row[0], at, *row[2:]) for row in rows]
    if len(values) == 1:
        cursor.execute(insert, values[0])
    else:
        cursor.executemany(insert, values)


def _line(entry: Entry, told: Mapping[str, Any], seq: int, hash_: str) -> dict[str, Any]:
    line: dict[str, Any] = {"by": entry.actor.named_in_log}
    if entry.target is not NOBODY:
        line[entry.target.kind] = entry.target.named_in_log
    return {**line, **told, "entry": seq, "chain": hash_[:16]}
