"""The audit log's rows: who did what to what, from where, and how it was before. Written by `accounts/audit` alone.

The rows are a chain (`accounts/audit/chain.py`); the database refuses changes (`accounts/audit/triggers.py`).
No foreign keys: a row outlives what it tells of, and is never changed by another's deletion.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.audit.actions import label_of
from accounts.exact_time import exact_time


class AppendOnly(TypeError):
    """Rows of the audit log are neither changed nor deleted: a mistake in our code."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Refuses what would change rows, before the database does."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly("The audit log is append-only.")

    def delete(self) -> NoReturn:
        raise AppendOnly("The audit log is append-only; `retention.cut` shortens it.")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("The audit log is append-only.")

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("`record_many` writes rows of the audit log.")


class _AppendOnlyModel(models.Model):
    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("`record` writes rows of the audit log.")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("The audit log is append-only.")


class AuditEntry(_AppendOnlyModel):
    # The place in the chain, without gaps; never the database's own counter, which leaves some.
    seq = models.BigAutoField(_("number"), primary_key=True)
    at = models.DateTimeField(_("time"), db_index=True)
    action = models.CharField(_("action"), max_length=60)
    # "person" with a public id, "participant" with the identity in a call, "server", "nobody".
    actor_type = models.CharField(_("kind of actor"), max_length=20)
    actor_id = models.CharField(_("actor’s id"), max_length=64, blank=True)
    actor_label = models.CharField(_("actor"), max_length=200, blank=True)
    address = models.CharField(_("address"), max_length=45, blank=True)
    object_type = models.CharField(_("kind of object"), max_length=60, blank=True)
    object_id = models.CharField(_("object’s id"), max_length=64, blank=True)
    object_label = models.CharField(_("object"), max_length=200, blank=True)
    # The room or organisation in which it happened.
    scope = models.CharField(_("where"), max_length=64, blank=True)
    # JSON as text: its bytes are what the chain holds, which a JSON column would not keep.
    before = models.TextField(_("before"), blank=True)
    after = models.TextField(_("after"), blank=True)
    request_id = models.CharField(_("request"), max_length=32, blank=True)
    previous_hash = models.CharField(_("hash of the entry before"), max_length=64)
    hash = models.CharField(_("hash"), max_length=64)

    objects: ClassVar[models.Manager[AuditEntry]] = models.Manager.from_queryset(AppendOnlyQuerySet)()

    class Meta:
        verbose_name = _("entry of the audit log")
        verbose_name_plural = _("audit log")
        ordering: ClassVar = ["-seq"]
        indexes: ClassVar = [
            models.Index(fields=["action", "seq"], name="audit_by_action"),
            models.Index(fields=["actor_id", "seq"], name="audit_by_actor"),
            models.Index(fields=["object_id", "seq"], name="audit_by_object"),
            models.Index(fields=["scope", "seq"], name="audit_by_scope", condition=~models.Q(scope="")),
        ]

    def __str__(self) -> str:
        """What was done when, in the reader's language; exports have the code."""
        return f"{label_of(self.action)} · {exact_time(self.at)}"

    @property
    def values_before(self) -> dict[str, Any]:
        return _object_of(self.before)

    @property
    def values_after(self) -> dict[str, Any]:
        return _object_of(self.after)


class AuditHead(models.Model):
    """The one row that says where the chain ends, signed. Whoever writes locks it: that is the order of the chain."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    seq = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    # The first entry written after a head whose signature did not fit; stays until `verify_audit --sign`.
    doubt_seq = models.BigIntegerField(null=True)
    signature = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="audit_head_is_one_row")]

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


class AuditAnchor(_AppendOnlyModel):
    """Where the chain begins after old entries were deleted: everything up to `seq` may be gone, and is missed by
    nobody, since the signature says that the portal itself cut there."""

    id = models.BigAutoField(primary_key=True)
    seq = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    at = models.DateTimeField()
    signature = models.CharField(max_length=64)

    objects: ClassVar[models.Manager[AuditAnchor]] = models.Manager.from_queryset(AppendOnlyQuerySet)()

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


def _object_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text) if text else {}
    return found
