"""How a stay in a call was, and why it ended: what an administrator reads when somebody asks why it cut at 10:14."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from meetings.models.engine import Attendance
from meetings.models.participant import Participant

REASON_MAX_LENGTH = 40
PATH_MAX_LENGTH = 16
BROWSER_MAX_LENGTH = 40


class CallReport(models.Model):
    """One departure: made by the engine's word or by the page's, whichever comes first, and completed by the other.

    Without `attendance` the page never got through to the engine. Without `reported_at` the page said nothing:
    it crashed, lost its network for good, or is a program.
    """

    participant = models.ForeignKey(
        Participant, on_delete=models.CASCADE, db_index=False, related_name="reports", verbose_name=_("participant")
    )
    attendance = models.OneToOneField(
        Attendance, on_delete=models.CASCADE, null=True, blank=True, related_name="report", verbose_name=_("attendance")
    )
    began_at = models.DateTimeField(_("joined at"))
    ended_at = models.DateTimeField(_("left at"))
    # From here on: as the page told it. Nothing of it is proof, and all of it may be missing.
    reported_at = models.DateTimeField(_("page's report"), null=True, blank=True)
    reason = models.CharField(_("reason (page)"), max_length=REASON_MAX_LENGTH, blank=True)
    browser = models.CharField(_("browser"), max_length=BROWSER_MAX_LENGTH, blank=True)
    path = models.CharField(_("path"), max_length=PATH_MAX_LENGTH, blank=True)
    loss_percent = models.FloatField(_("loss (percent)"), null=True, blank=True)
    rtt_ms = models.PositiveIntegerField(_("RTT in ms"), null=True, blank=True)
    reconnects = models.PositiveIntegerField(_("reconnections"), null=True, blank=True)
    join_ms = models.PositiveIntegerField(_("milliseconds to join"), null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("departure")
        verbose_name_plural = _("departures")
        ordering: ClassVar = ["-ended_at"]
        indexes: ClassVar = [
            models.Index(fields=["ended_at"], name="report_ended_at"),
            models.Index(fields=["participant", "created_at"], name="report_of_participant"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ended_at__gte=models.F("began_at")), name="report_ends_after_it_began"
            )
        ]

    def __str__(self) -> str:
        return f"{self.participant.name} ({timezone.localtime(self.ended_at):%Y-%m-%d %H:%M})"
