"""A room: a place with a link where people meet, again and again, until it is closed for good."""

from __future__ import annotations

import secrets
import string
import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models.policy import SignInLevel

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

# 26^10 links, about 47 bits: with the limits on `/r/` and `enter` nobody finds a stranger's room by trying.
_SLUG_GROUPS = (3, 4, 3)
SLUG_PATTERN = r"[a-z]{3}-[a-z]{4}-[a-z]{3}"
NAME_MAX_LENGTH = 100
LOBBY_MESSAGE_MAX_LENGTH = 300


def new_slug() -> str:
    """An unguessable link part such as `abc-defg-hij`, from the system's random source."""
    return "-".join("".join(secrets.choice(string.ascii_lowercase) for _ in range(size)) for size in _SLUG_GROUPS)


class RoomQuerySet(models.QuerySet["Room"]):
    def visible_to(self, user: User | AnonymousUser) -> RoomQuerySet:
        """The rooms that a person owns. Having the link shows one room's door, never a list (see `access.py`)."""
        return self.filter(owner_id=user.pk) if user.is_authenticated else self.none()

    def open(self) -> RoomQuerySet:
        return self.filter(closed_at__isnull=True)

    def matching(self, words: str) -> RoomQuerySet:
        """Whose name or link holds each of the words."""
        found = self
        for word in words.split():
            found = found.filter(models.Q(name__icontains=word) | models.Q(slug__icontains=word))
        return found

    def with_people_inside(self) -> RoomQuerySet:
        """Each room with `people_inside`: who is in its call now, a person with two windows counted once."""
        # Of calls that go on only: a join over all calls would read every past attendance.
        inside = (
            self.model.objects.filter(pk=models.OuterRef("pk"), calls__ended_at=None, calls__attendances__left_at=None)
            .order_by()
            .values("pk")
            .annotate(people=models.Count("calls__attendances__participant", distinct=True))
            .values("people")
        )
        return self.annotate(people_inside=Coalesce(models.Subquery(inside), 0)).order_by("-created_at", "pk")

    def busiest_first(self) -> RoomQuerySet:
        """As `with_people_inside`, those rooms first where people are now."""
        return self.with_people_inside().order_by(models.F("people_inside").desc(), "-created_at", "pk")


class Room(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.CharField(
        _("link"),
        max_length=12,
        unique=True,
        default=new_slug,
        editable=False,
        validators=[RegexValidator(rf"\A{SLUG_PATTERN}\Z")],
    )
    name = models.CharField(_("name"), max_length=NAME_MAX_LENGTH, blank=True)
    # PROTECT: a person who leaves the administration is deactivated; what was held in their rooms is kept.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rooms", verbose_name=_("owner")
    )
    is_locked = models.BooleanField(_("locked"), default=False, help_text=_("Nobody new may ask to enter."))
    has_lobby = models.BooleanField(_("lobby"), default=True, help_text=_("People wait until the host lets them in."))
    # Plain text, perhaps of several lines: see `chat_text.py`.
    lobby_message = models.CharField(_("message in the lobby"), max_length=LOBBY_MESSAGE_MAX_LENGTH, blank=True)
    # How strongly whoever enters must have signed in; what is laid down for the owner may ask for more.
    required_acr = models.CharField(
        _("sign-in must reach"), max_length=11, choices=SignInLevel, default=SignInLevel.ANY
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    # The last call's end: who was admitted before must be let in again.
    call_ended_at = models.DateTimeField(_("last call ended at"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed for good at"), null=True, blank=True)

    objects = RoomQuerySet.as_manager()

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        ordering: ClassVar = ["-created_at"]
        # In the order of the administration's list.
        indexes: ClassVar = [models.Index(fields=["created_at", "id"], name="room_created_at")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(required_acr__in=SignInLevel.values), name="room_required_acr_is_known"
            ),
        ]

    def __str__(self) -> str:
        """What the room is called everywhere, also where its owner gave it no name."""
        return self.name or gettext("Meeting %(link)s") % {"link": self.slug}

    @property
    def office_name(self) -> str:
        """What administrators read: the name, else whose it is; never the link, which opens the door. Reads `owner`."""
        if self.name:
            return self.name
        made = {"owner": self.owner.display_name, "date": f"{timezone.localtime(self.created_at):%Y-%m-%d}"}
        return gettext("Room of %(owner)s (%(date)s)") % made

    @property
    def audit_label(self) -> str:
        """The name, and never the link, which opens the door."""
        return self.name or self.media_name[:8]

    @property
    def media_name(self) -> str:
        """The room's name on the media engine: not the slug, which opens the door."""
        return self.id.hex

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None
