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
RATING_MAX_LENGTH = 8
# The engine's words for an end that is no interruption. `duplicate_identity`: the page was reloaded or opened again.
WISHED = (
    "client_initiated",
    "duplicate_identity",
    "participant_removed",
    "room_deleted",
    "room_closed",
    "room_finished",
    "user_rejected",
)


class CallReportQuerySet(models.QuerySet["CallReport"]):
    """Each departure ended in one of three ways, unless the person is still in the call (the page has reported)."""

    def over(self) -> CallReportQuerySet:
        return self.filter(models.Q(attendance=None) | models.Q(attendance__left_at__isnull=False))

    def wished(self) -> CallReportQuerySet:
        return self.filter(attendance__reason__in=WISHED)

    def cut_off(self) -> CallReportQuerySet:
        return self.filter(attendance__left_at__isnull=False).exclude(attendance__reason__in=WISHED)

    def never_in(self) -> CallReportQuerySet:
        return self.filter(attendance=None)

    def ended_badly(self) -> CallReportQuerySet:
        return self.over().exclude(attendance__reason__in=WISHED)

    def by_reason(self) -> dict[str | None, int]:
        """How many there are by the engine's word, None for those who never got in. One query."""
        return dict(self.over().order_by().values_list("attendance__reason").annotate(count=models.Count("pk")))


class Rating(models.TextChoices):
    """How the person found sound and picture."""

    GOOD = "good", _("good")
    MIDDLING = "middling", _("middling")
    BAD = "bad", _("bad")


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
    # What the person said of it afterwards, if they did.
    rating = models.CharField(_("rating"), max_length=RATING_MAX_LENGTH, choices=Rating, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CallReportQuerySet.as_manager()

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
