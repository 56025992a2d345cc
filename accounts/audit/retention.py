"""Forgetting: entries older than AUDIT_RETENTION_DAYS go, and a signed anchor tells where the chain now begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from accounts.audit import chain
from accounts.audit.parties import SERVER, Party
from accounts.audit.record import record
from accounts.models.audit import AuditAnchor, AuditEntry, AuditHead

# On SQLite a DELETE holds the write lock: short ones.
_CHUNK = 2000


def cut(older_than: datetime, *, actor: Party = SERVER) -> int:
    """Anchors the chain before the first entry that is not older; how many entries may go. `sweep` deletes them.

    The anchor, the entry that tells of it and the change of what triggers allow are one transaction.
    """
    with transaction.atomic():
        anchor = AuditAnchor.objects.order_by("-seq").first()
        begin = anchor.seq if anchor else 0
        last = _last_before(older_than, begin)
        if last is None:
            return 0
        _insert_anchor(last.seq, last.hash)
        record("audit_cut", actor=actor, before={"first": begin + 1}, after={"first": last.seq + 1})
    return last.seq - begin


def sweep() -> Iterator[int]:
    """Deletes what is before the last anchor, a chunk at a time; also what an interrupted run left. Yields counts."""
    anchor = AuditAnchor.objects.order_by("-seq").first()
    if anchor is None:
        return
    table = AuditEntry._meta.db_table
    while True:
        first = AuditEntry.objects.aggregate(first=Min("seq"))["first"]
        if first is None or first > anchor.seq:
            return
        with connection.cursor() as cursor:  # the model refuses; triggers look at the anchor
            cursor.execute(f"DELETE FROM {table} WHERE seq <= %s", [min(first + _CHUNK - 1, anchor.seq)])  # noqa: S608  our own table
            yield cursor.rowcount


def sign_anew(*, actor: Party = SERVER, may_sign: Callable[[], object]) -> None:
    """Signs beginning and end with today's SECRET_KEY: after it was replaced, and somebody has looked at the log.

    `may_sign` is called with the log's end locked and raises where it must not be signed.
    """
    with transaction.atomic():
        AuditHead.objects.select_for_update().filter(pk=1).first()
        may_sign()
        anchor = AuditAnchor.objects.order_by("-seq", "-id").first()
        if anchor is not None:
            _insert_anchor(anchor.seq, anchor.hash)
        head = AuditHead.objects.get(pk=1)
        signature = chain.sign("head", head.seq, head.hash, None)
        AuditHead.objects.filter(pk=1).update(doubt_seq=None, signature=signature)
        record("audit_signed", actor=actor, before={"doubt": head.doubt_seq}, after={"entry": head.seq})


def _last_before(older_than: datetime, begin: int) -> AuditEntry | None:
    """The last of the entries that all are older: a clock that went back keeps some longer, never shorter."""
    fresh = AuditEntry.objects.filter(at__gte=older_than, seq__gt=begin).aggregate(first=Min("seq"))["first"]
    old = AuditEntry.objects.filter(seq__gt=begin)
    if fresh is not None:
        old = old.filter(seq__lt=fresh)
    return old.order_by("-seq").first()


def _insert_anchor(seq: int, hash_: str) -> None:
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    columns: dict[str, Any] = {"seq": seq, "hash": hash_, "at": now, "signature": chain.sign("anchor", seq, hash_)}
    names = ", ".join(columns)
    marks = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {AuditAnchor._meta.db_table} ({names}) VALUES ({marks})",  # noqa: S608  our own columns
            list(columns.values()),
        )
