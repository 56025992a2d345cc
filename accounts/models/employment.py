"""What a human-resources system says of a person: the row by which the next import finds them again.

The key is `(source, hr_id)` and never changes; an e-mail address does, and HR gives it to somebody else. A person may
have several (two employers, or none at all: accounts made by hand, by ProConnect alone, and guests have no row here, so
that no import ever takes them for leavers). Flat columns and no default that asks the database: a quarter of a million
rows are read with one `values_list`, compared by `digest`, and written by `bulk_create(update_conflicts=True,
unique_fields=["source", "hr_id"])`, which SQLite and PostgreSQL do alike.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.organisation import SOURCE_MAX_LENGTH, Organisation

HR_ID_MAX_LENGTH = 100
# SHA-256 of the row as it was read, in hexadecimal digits.
DIGEST_LENGTH = 64


class EmploymentStatus(models.TextChoices):
    EXPECTED = "expected", _("Expected")  # arrives in the future
    PRESENT = "present", _("Present")
    SUSPENDED = "suspended", _("Suspended")
    LEFT = "left", _("Left")


class Employment(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="employments", verbose_name=_("person")
    )
    source = models.CharField(_("source"), max_length=SOURCE_MAX_LENGTH)
    hr_id = models.CharField(_("HR id"), max_length=HR_ID_MAX_LENGTH)
    status = models.CharField(_("state"), max_length=9, choices=EmploymentStatus, default=EmploymentStatus.PRESENT)
    # As HR last said it, lower case. Not the address by which the person signs in, and never a key.
    email = models.EmailField(_("e-mail address"), blank=True)
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="employments",
        verbose_name=_("organisation"),
        db_index=False,  # who works where is asked of memberships
    )
    # By key and not by row: the manager may come later in the file, or next month.
    manager_hr_id = models.CharField(_("HR id of the manager"), max_length=HR_ID_MAX_LENGTH, blank=True)
    arrives_on = models.DateField(_("arrives on"), null=True, blank=True)
    leaves_on = models.DateField(_("leaves on"), null=True, blank=True)
    # Equal digest: the row says what it said last time, and nothing else is looked at.
    digest = models.CharField(max_length=DIGEST_LENGTH, blank=True, editable=False)
    # The run that last wrote it ("" for none): what `--undo` gives back.
    run = models.CharField(max_length=36, blank=True, db_index=True, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        verbose_name = _("HR record")
        verbose_name_plural = _("HR records")
        ordering: ClassVar = ["source", "hr_id"]
        indexes: ClassVar = [
            # The daily job asks for those whose day has come.
            models.Index(fields=["leaves_on"], condition=models.Q(leaves_on__isnull=False), name="employment_leaving"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "hr_id"], name="employment_one_per_hr_id"),
            models.CheckConstraint(condition=~models.Q(source="") & ~models.Q(hr_id=""), name="employment_has_a_key"),
            models.CheckConstraint(
                condition=models.Q(status__in=EmploymentStatus.values), name="employment_status_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.hr_id}"
