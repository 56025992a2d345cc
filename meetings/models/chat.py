"""What was written in a call. Shown to those admitted while it goes on, purged later (`tasks.py`)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from meetings.models.participant import NAME_MAX_LENGTH, Participant, Role
from meetings.models.present_call import present_call
from meetings.models.room import Room

TEXT_MAX_LENGTH = 2000
KEY_MAX_LENGTH = 36


class ChatMessageQuerySet(models.QuerySet["ChatMessage"]):
    def of_present_call(self, room: Room) -> ChatMessageQuerySet:
        """What was written since the last call of `room` was over: nobody reads the meeting before theirs."""
        since = present_call(room).last_end
        rows = self.filter(room=room)
        return rows if since is None else rows.filter(sent_at__gt=since)


class ChatMessage(models.Model):
    """One line. Its number is its place: numbers of one room are committed in their order."""

    room = models.ForeignKey(
        Room, on_delete=models.CASCADE, db_index=False, related_name="messages", verbose_name=_("room")
    )
    author = models.ForeignKey(
        Participant, on_delete=models.CASCADE, db_index=False, related_name="messages", verbose_name=_("participant")
    )
    # As they were when it was written: a new name or role does not change who said it.
    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH)
    role = models.CharField(_("role"), max_length=12, choices=Role)
    text = models.TextField(_("text"), max_length=TEXT_MAX_LENGTH, blank=True)
    # Chosen by the page: a request that is sent again makes no second line.
    key = models.CharField(max_length=KEY_MAX_LENGTH)
    sent_at = models.DateTimeField(_("sent at"), default=timezone.now)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True)

    objects = ChatMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["room", "id"], name="message_in_order_of_room"),
            models.Index(fields=["sent_at"], name="message_sent_at"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["author", "key"], name="message_once_per_key"),
            # Deleted means gone, not hidden.
            models.CheckConstraint(
                condition=models.Q(deleted_at__isnull=True) | models.Q(text=""), name="message_deleted_has_no_text"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({self.sent_at:%Y-%m-%d %H:%M})"  # never its text: this lands in logs and pages

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None
