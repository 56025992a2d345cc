"""What the media engine told us: who was in a call from when to when, which events came, what is still to be sent."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from meetings.models.participant import Participant
from meetings.models.room import Room


class CallSession(models.Model):
    """One life of a room on the engine: from its first participant's coming until it is empty."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="calls", verbose_name=_("room"))
    sid = models.CharField(max_length=64, unique=True, editable=False)
    started_at = models.DateTimeField(_("started at"), editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, editable=False)
    # When the engine last named it: the end of a call whose engine died without a word.
    last_seen_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        ordering: ClassVar = ["-started_at"]
        indexes: ClassVar = [
            models.Index(fields=["room", "started_at"], name="call_room_started"),
            models.Index(fields=["started_at"], name="call_started_at"),  # the administration's list
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(ended_at__gte=models.F("started_at")),
                name="call_ends_after_it_started",
            )
        ]

    def __str__(self) -> str:
        return f"{self.sid} ({self.started_at:%Y-%m-%d %H:%M})"


class Attendance(models.Model):
    """One stay of a participant in a call. A reload of the page is a new stay; a resumed connection is not."""

    participant = models.ForeignKey(
        Participant, on_delete=models.CASCADE, related_name="attendances", verbose_name=_("participant")
    )
    call = models.ForeignKey(CallSession, on_delete=models.CASCADE, related_name="attendances", verbose_name=_("call"))
    sid = models.CharField(max_length=64, unique=True, editable=False)
    joined_at = models.DateTimeField(_("joined at"), editable=False)
    left_at = models.DateTimeField(_("left at"), null=True, blank=True, editable=False)
    last_seen_at = models.DateTimeField(editable=False)
    # LiveKit's DisconnectReason in lower case; "lost" when the engine died and nobody could tell.
    reason = models.CharField(_("reason"), max_length=32, blank=True, editable=False)

    class Meta:
        verbose_name = _("attendance")
        verbose_name_plural = _("attendances")
        ordering: ClassVar = ["joined_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(left_at__isnull=True) | models.Q(left_at__gte=models.F("joined_at")),
                name="attendance_leaves_after_it_joined",
            )
        ]

    def __str__(self) -> str:
        return f"{self.sid} ({self.joined_at:%Y-%m-%d %H:%M})"


class EngineEvent(models.Model):
    """One event that was taken: the engine sends each at least once, the primary key lets it in only once."""

    id = models.CharField(primary_key=True, max_length=64)
    name = models.CharField(max_length=64)
    room_name = models.CharField(max_length=256, blank=True)
    created_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["received_at"]
        indexes: ClassVar = [models.Index(fields=["received_at"], name="engine_event_received")]

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class Outbox(models.Model):
    """A message to a channel group, written in the transaction of the change by a process that may not send it."""

    group = models.CharField(max_length=100)
    message = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name_plural = "outbox"

    def __str__(self) -> str:
        return f"{self.group} {self.pk}"


class WebhookDelivery(models.Model):
    """One event still to be posted to one external address. Sent ones are deleted."""

    url = models.URLField(max_length=500)
    room_name = models.CharField(max_length=256, blank=True)
    event_id = models.CharField(max_length=64)
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    # Somebody is posting it until then: of two jobs on one queue, one works and the other goes home.
    claimed_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["url", "room_name", "id"], name="webhook_in_order_of_room")]
        constraints: ClassVar = [models.UniqueConstraint(fields=["url", "event_id"], name="webhook_once_per_url")]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.url}"
