"""One person in one room from one browser session: the row that every right in a call comes from."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from meetings.models.room import Room

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

NAME_MAX_LENGTH = 60


class Role(models.TextChoices):
    HOST = "host", _("Host")
    MODERATOR = "moderator", _("Moderator")
    PARTICIPANT = "participant", _("Participant")

    @property
    def may_moderate(self) -> bool:
        return self in (Role.HOST, Role.MODERATOR)


class State(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    ADMITTED = "admitted", _("Admitted")
    DENIED = "denied", _("Denied")
    REMOVED = "removed", _("Removed")
    LEFT = "left", _("Left")

    @property
    def is_present(self) -> bool:
        """Whether the person is in the lobby or in the call."""
        return self in (State.WAITING, State.ADMITTED)


class Source(models.TextChoices):
    """What a participant may send; LiveKit's names of track sources in lower case."""

    MICROPHONE = "microphone", _("Microphone")
    CAMERA = "camera", _("Camera")
    SCREEN_SHARE = "screen_share", _("Screen share")
    SCREEN_SHARE_AUDIO = "screen_share_audio", _("Sound of the screen share")


def all_sources() -> list[str]:
    return [str(source) for source in Source.values]


# An admission nobody ended (a closed lid, a crash) is worth nothing on another day.
ADMISSION_HOURS = 12
# Unless the person is in the call all the same: the engine names everybody in it once a minute, and after a crash
# people take a moment to come back.
PRESENCE_SECONDS = 600
# A page in the lobby is looked after once a minute: one that was not for so long is gone, or asleep.
UNSEEN_SECONDS = 150


def new_identity() -> str:
    """The public name on the engine: random, so that it tells nothing of the person and nobody can guess it."""
    return secrets.token_hex(16)


class ParticipantQuerySet(models.QuerySet["Participant"]):
    def visible_to(self, user: User | AnonymousUser) -> ParticipantQuerySet:
        """Rows of the rooms that a person owns, and their own rows elsewhere."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(models.Q(room__owner_id=user.pk) | models.Q(user_id=user.pk))

    def waiting(self) -> ParticipantQuerySet:
        """Who stands in the lobby: a page that is gone asks for nothing any more."""
        seen_since = timezone.now() - timedelta(seconds=UNSEEN_SECONDS)
        return self.filter(state=State.WAITING, seen_at__gt=seen_since)

    def in_order_of_asking(self) -> ParticipantQuerySet:
        return self.order_by("asked_at", "pk")

    def admitted(self) -> ParticipantQuerySet:
        return self.filter(state=State.ADMITTED)

    def with_hand_up(self) -> ParticipantQuerySet:
        """Whose hand is up, in the order of raising. One raised before the last admission fell when they left."""
        raised = self.admitted().filter(hand_raised_at__gte=models.F("admitted_at"))
        return raised.order_by("hand_raised_at", "identity")

    def present(self) -> ParticipantQuerySet:
        return self.filter(state__in=[State.WAITING, State.ADMITTED])


class Participant(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="participants", verbose_name=_("room"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="participations",
        verbose_name=_("person"),
    )
    # Hash of a random secret that only the browser's session holds, mixed with the account that uses it: a guest
    # who signs in becomes another participant and takes nothing along. See `access.py`.
    session_key_hash = models.CharField(max_length=64, editable=False)
    identity = models.CharField(max_length=32, unique=True, default=new_identity, editable=False)
    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH)
    role = models.CharField(_("role"), max_length=12, choices=Role, default=Role.PARTICIPANT)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    may_publish_sources = models.JSONField(_("may send"), default=all_sources)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    # Since when they wait, if they do: the order of the queue. Who gave up and came back is at its end.
    asked_at = models.DateTimeField(_("asked at"), default=timezone.now, editable=False)
    # When the page of somebody who waits was last there; see `lobby.keep_waiting`.
    seen_at = models.DateTimeField(default=timezone.now, editable=False)
    # A keyed hash of the network that a guest asks from, another one in each room: to count by, not to find anybody.
    asked_from = models.CharField(max_length=32, blank=True, default="", editable=False)
    # The level that the sign-in of their session had reached when they entered; "" for guests.
    acr = models.CharField(max_length=100, blank=True, default="", editable=False)
    admitted_at = models.DateTimeField(_("admitted at"), null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, editable=False)
    # Since when; the order of hands. See `with_hand_up`.
    hand_raised_at = models.DateTimeField(_("hand raised at"), null=True, blank=True, editable=False)

    objects = ParticipantQuerySet.as_manager()

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        ordering: ClassVar = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["room", "session_key_hash"], name="participant_one_per_room_and_session"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="participant_role_is_known"),
            models.CheckConstraint(condition=models.Q(state__in=State.values), name="participant_state_is_known"),
            # Rights follow from being admitted: the time of it must be on record.
            models.CheckConstraint(
                condition=~models.Q(state=State.ADMITTED) | models.Q(admitted_at__isnull=False),
                name="participant_admitted_has_a_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["room", "state"], name="participant_room_state"),
            models.Index(fields=["created_at", "id"], name="participant_created_at"),  # the administration's list
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.identity[:8]})"

    @property
    def is_guest(self) -> bool:
        return self.user_id is None

    @property
    def is_admitted(self) -> bool:
        return self.state == State.ADMITTED

    @property
    def is_in_lobby(self) -> bool:
        """As `ParticipantQuerySet.waiting`."""
        return self.state == State.WAITING and self.seen_at > timezone.now() - timedelta(seconds=UNSEEN_SECONDS)

    @property
    def is_stale(self) -> bool:
        """Whether the admission is of another day: it opens no door any more. That of the room's owner always does.

        A night session is no other day: who is in the call stays in it. One query, for old admissions only.
        """
        if self.admitted_at is None or (self.user_id is not None and self.user_id == self.room.owner_id):
            return False
        now = timezone.now()
        if self.admitted_at > now - timedelta(hours=ADMISSION_HOURS):
            return False
        return not self.attendances.filter(last_seen_at__gt=now - timedelta(seconds=PRESENCE_SECONDS)).exists()

    @property
    def may_be_in_call(self) -> bool:
        """Admitted, and not on another day: what every right in the call begins with."""
        return self.is_admitted and not self.is_stale

    @property
    def may_moderate(self) -> bool:
        return Role(self.role).may_moderate and self.may_be_in_call
