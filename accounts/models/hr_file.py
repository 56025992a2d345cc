"""HR files uploaded on a page, runs taken back there, and who may: each person for the sources given to them."""

from __future__ import annotations

import uuid
from collections.abc import Set
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.organisation import SOURCE_MAX_LENGTH, Organisation
from accounts.models.provisioning import ProvisioningRun
from accounts.models.user import User

Visitor = AbstractBaseUser | AnonymousUser


class HrDutyQuerySet(models.QuerySet["HrDuty"]):
    def sources_of(self, person: Visitor) -> Set[str]:
        """The HR systems whose files this person may bring; all that are known, for a superuser."""
        if not isinstance(person, User) or not person.is_active:
            return frozenset()
        if not person.is_superuser:
            return frozenset(self.filter(user=person).values_list("source", flat=True))
        tables = (self, Organisation.objects.all(), ProvisioningRun.objects.all())
        named = (rows.order_by().values_list("source", flat=True).distinct() for rows in tables)
        return frozenset(source for sources in named for source in sources if source)

    def may_enter(self, person: Visitor) -> bool:
        """Whether HR's pages are there at all for this person."""
        return isinstance(person, User) and (person.is_superuser or bool(self.sources_of(person)))


class HrDuty(models.Model):
    """That somebody may bring the files of one HR system, see what they change, apply them and take them back."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="hr_duties", verbose_name=_("person"))
    source = models.CharField(
        _("source"), max_length=SOURCE_MAX_LENGTH, validators=[RegexValidator(r"^[\w.-]{1,40}\Z")]
    )
    granted_at = models.DateTimeField(_("granted at"), default=timezone.now, editable=False)

    objects = HrDutyQuerySet.as_manager()

    class Meta:
        verbose_name = _("HR duty")
        verbose_name_plural = _("HR duties")
        ordering: ClassVar = ["source"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "source"], name="hr_duty_once_a_source")]

    def __str__(self) -> str:
        return f"{self.user} {self.source}"


class HrFileState(models.TextChoices):
    LOOKING = "looking", _("Being looked at")
    READY = "ready", _("Waits for your decision")
    REFUSED = "refused", _("Refused")
    APPLYING = "applying", _("Being applied")
    APPLIED = "applied", _("Applied")

    @property
    def is_at_work(self) -> bool:
        return self in (HrFileState.LOOKING, HrFileState.APPLYING)


class HrFileQuerySet(models.QuerySet["HrFile"]):
    def visible_to(self, person: Visitor) -> HrFileQuerySet:
        return self.filter(source__in=HrDuty.objects.sources_of(person))


class HrFile(models.Model):
    """Its bytes and reports lie in a folder of their own (`hr_desk.storage`); after some days all of it goes."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    source = models.CharField(_("source"), max_length=SOURCE_MAX_LENGTH)
    file_name = models.CharField(_("file"), max_length=200)
    size_bytes = models.PositiveBigIntegerField()
    # SHA-256: what is applied is what was looked at.
    digest = models.CharField(max_length=64)
    is_full = models.BooleanField(_("full"), default=False)
    max_leavers = models.FloatField(default=2.0)
    # Of whoever brought it: their reports are written in it.
    language = models.CharField(max_length=10, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=HrFileState, default=HrFileState.LOOKING)
    # Why it was refused, for people.
    trouble = models.TextField(blank=True)
    # What looking found, and what applying did: see `hr_desk.work`.
    found = models.JSONField(default=dict)
    done = models.JSONField(default=dict)
    run = models.ForeignKey(ProvisioningRun, on_delete=models.SET_NULL, null=True, related_name="+")
    uploaded_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    uploaded_at = models.DateTimeField(_("uploaded at"), default=timezone.now)
    confirmed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = HrFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("uploaded HR file")
        verbose_name_plural = _("uploaded HR files")
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(state__in=HrFileState.values), name="hr_file_state_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.file_name}"

    @property
    def in_state(self) -> HrFileState:
        return HrFileState(self.state)


class HrUndoState(models.TextChoices):
    ORDERED = "ordered", _("Being taken back")
    DONE = "done", _("Taken back")
    REFUSED = "refused", _("Not taken back")


class HrUndo(models.Model):
    """An order of somebody on the page to take a run back, and what became of it."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    run = models.ForeignKey(ProvisioningRun, on_delete=models.CASCADE, related_name="undo_orders")
    state = models.CharField(_("state"), max_length=7, choices=HrUndoState, default=HrUndoState.ORDERED)
    trouble = models.TextField(blank=True)
    language = models.CharField(max_length=10, blank=True)
    # People of whom something stays as the run made it; the report says why.
    left = models.PositiveIntegerField(default=0)
    ordered_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    ordered_at = models.DateTimeField(_("ordered at"), default=timezone.now)

    class Meta:
        verbose_name = _("order to undo an import")
        verbose_name_plural = _("orders to undo imports")
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(state__in=HrUndoState.values), name="hr_undo_state_is_known"),
            # Two clicks are one order.
            models.UniqueConstraint(
                fields=["run"], condition=models.Q(state="ordered"), name="hr_undo_ordered_once_a_run"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run} {self.state}"
