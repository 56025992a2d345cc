"""Runs of imports and what each of them changed, person by person: what a report tells and `--undo` gives back."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.employment import HR_ID_MAX_LENGTH
from accounts.models.organisation import SOURCE_MAX_LENGTH

KEY_MAX_LENGTH = 36


class RunKind(models.TextChoices):
    FILE = "file", _("HR file")
    ORGANISATIONS = "organisations", _("File of organisations")
    DATES = "dates", _("Arrivals and departures of the day")
    DEACTIVATION = "deactivation", _("Accounts suspended by command")
    MERGE = "merge", _("Accounts merged")


class RunState(models.TextChoices):
    RUNNING = "running", _("Running, or interrupted")
    DONE = "done", _("Done")
    UNDONE = "undone", _("Undone")


class ChangeKind(models.TextChoices):
    CREATED = "created", _("Created")
    UPDATED = "updated", _("Updated")
    MOVED = "moved", _("Moved")
    SUSPENDED = "suspended", _("Suspended")
    REACTIVATED = "reactivated", _("Re-activated")
    LEFT = "left", _("Left")
    # The account that the person's own sign-in made is from now on found by HR's key.
    ADOPTED = "adopted", _("Account taken over")
    # The address of somebody who left, or gets another in the same file, goes to somebody else.
    ADDRESS_FREED = "address_freed", _("Address freed")
    MERGED = "merged", _("Merged")


class ProvisioningRun(models.Model):
    # What people type after --undo: the day and a number.
    key = models.CharField(_("run"), max_length=KEY_MAX_LENGTH, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=13, choices=RunKind, default=RunKind.FILE)
    state = models.CharField(_("state"), max_length=7, choices=RunState, default=RunState.RUNNING)
    source = models.CharField(_("source"), max_length=SOURCE_MAX_LENGTH)
    file_name = models.CharField(_("file"), max_length=200, blank=True)
    # SHA-256 of the file and the options: the same again goes on where an interrupted run stopped.
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    # JSON: how many of each kind.
    counts = models.TextField(_("counts"), default="{}")
    actor = models.CharField(_("by"), max_length=200, blank=True)
    started_at = models.DateTimeField(_("began"), default=timezone.now)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)

    class Meta:
        verbose_name = _("import run")
        verbose_name_plural = _("import runs")
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(kind__in=RunKind.values), name="run_kind_is_known"),
            models.CheckConstraint(condition=models.Q(state__in=RunState.values), name="run_state_is_known"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def counted(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self.counts)
        return found


class ProvisioningChange(models.Model):
    """One person changed by a run. `before` and `after` are JSON of what differs; empty for a new account."""

    run = models.ForeignKey(
        ProvisioningRun, on_delete=models.CASCADE, related_name="changes", verbose_name=_("run"), db_index=False
    )
    line = models.PositiveIntegerField(_("line"), default=0)  # 0: not named in the file
    kind = models.CharField(_("change"), max_length=13, choices=ChangeKind)
    hr_id = models.CharField(_("HR id"), max_length=HR_ID_MAX_LENGTH, blank=True)
    # No foreign keys: an undone creation leaves the row. In runs of organisations it is the organisation's key.
    person_id = models.BigIntegerField()
    employment_id = models.BigIntegerField(default=0)
    before = models.TextField(_("before"), blank=True)
    after = models.TextField(_("after"), blank=True)

    class Meta:
        verbose_name = _("change of an import")
        verbose_name_plural = _("changes of imports")
        ordering: ClassVar = ["pk"]
        indexes: ClassVar = [models.Index(fields=["run", "id"], name="provisioning_change_by_run")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(kind__in=ChangeKind.values), name="change_kind_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.kind} {self.hr_id}"

    @property
    def values_before(self) -> dict[str, Any]:
        return json.loads(self.before) if self.before else {}

    @property
    def values_after(self) -> dict[str, Any]:
        return json.loads(self.after) if self.after else {}
