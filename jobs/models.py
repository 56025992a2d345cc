"""A job's row is the truth about it: what is to do, how far it is, who holds it until when."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("at work")
    SUCCEEDED = "succeeded", _("done")
    DEAD = "dead", _("given up")
    CANCELLED = "cancelled", _("cancelled")

    @property
    def is_final(self) -> bool:
        return self in (State.SUCCEEDED, State.DEAD, State.CANCELLED)


class JobQuerySet(models.QuerySet["Job"]):
    def due(self, now: object) -> JobQuerySet:
        return self.filter(state=State.QUEUED, run_after__lte=now)

    def abandoned(self, now: object) -> JobQuerySet:
        """At work, but their worker has not renewed the lease: it is dead or stuck."""
        return self.filter(state=State.RUNNING, lease_until__lt=now)


class Job(models.Model):
    kind = models.CharField(_("kind"), max_length=100)
    payload = models.JSONField(_("payload"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    # Two orders with one key are one order. Null: no such promise.
    idempotency_key = models.CharField(_("idempotency key"), max_length=200, null=True, blank=True, unique=True)
    run_after = models.DateTimeField(_("not before"), default=timezone.now)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    max_attempts = models.PositiveSmallIntegerField(_("attempts at most"))
    lease_owner = models.CharField(_("held by"), max_length=100, blank=True)
    lease_until = models.DateTimeField(_("held until"), null=True, blank=True)
    progress_percent = models.PositiveSmallIntegerField(_("progress"), default=0)
    step = models.CharField(_("step"), max_length=100, blank=True)
    error = models.TextField(_("last error"), blank=True)
    created_at = models.DateTimeField(_("ordered at"), default=timezone.now)
    finished_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes: ClassVar = [models.Index(fields=["state", "run_after"], name="job_by_state_and_time")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="job_running_has_lease",
                condition=~models.Q(state="running") | models.Q(lease_until__isnull=False),
            ),
            models.CheckConstraint(name="job_progress_is_percent", condition=models.Q(progress_percent__lte=100)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Schedule(models.Model):
    """When a kind is due by the clock. Rows follow the `@scheduled` functions; only `is_enabled` is the operator's."""

    kind = models.CharField(_("kind"), max_length=100, unique=True)
    cron = models.CharField(_("times"), max_length=100)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    next_run_at = models.DateTimeField(_("next time"))

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")

    def __str__(self) -> str:
        return f"{self.kind} ({self.cron})"


class Mail(models.Model):
    """What the portal wrote to somebody. Its text may hold a one-time link: for superusers, and gone once sent."""

    to = models.TextField(_("to"))
    subject = models.TextField(_("subject"))
    content = models.JSONField(default=dict)
    # Null: the portal could not send (no EMAIL_URL), or the job's row was purged.
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, editable=False)
    created_at = models.DateTimeField(_("written at"), default=timezone.now, db_index=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)

    class Meta:
        verbose_name = _("outgoing mail")
        verbose_name_plural = _("outgoing mails")

    def __str__(self) -> str:
        return f"mail {self.pk}"
