"""What an organisation lays down for its people and their rooms. What it leaves open it has from above.

One row an organisation, and one without any for the portal as a whole, above all roots. What each rule means, what it
is where nobody lays anything down, and who asks for it: `accounts/policies`.
"""

from __future__ import annotations

import re
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.organisation import Organisation

# A hundred years: "for ever" is said by nobody who must answer for it.
MAX_RETENTION_DAYS = 36_500
MAX_PARTICIPANTS = 10_000
ANY_DOMAIN = "*"
_DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


class RoomCreation(models.TextChoices):
    EVERYBODY = "everybody", _("Everybody")
    MANAGERS = "managers", _("Managers and administrators")
    NOBODY = "nobody", _("Nobody")


class SignInLevel(models.TextChoices):
    """What a sign-in must reach. Each level is a part of the one before it, so that the stricter one is the later."""

    ANY = "any", _("Any sign-in")
    TWO_FACTORS = "two_factors", _("With a second factor")
    EIDAS2 = "eidas2", _("Substantial (eidas2)")
    EIDAS3 = "eidas3", _("High (eidas3)")

    def is_reached_by(self, acr: str) -> bool:
        """Whether a sign-in with this `acr` is good enough; "" is one that names none, as by password."""
        return self == SignInLevel.ANY or acr in _REACHED_BY[self]

    @property
    def acr_values(self) -> list[str]:
        """What to ask a sign-in service for; empty where any sign-in will do."""
        return [] if self == SignInLevel.ANY else sorted(_REACHED_BY[self] - {LOCAL_TWO_FACTORS})


# Our own word for a local sign-in with a second factor (TOTP, passkey): no sign-in service says it.
LOCAL_TWO_FACTORS = "local-mfa"
# ProConnect compares by membership and not by order: each level names all that are good enough.
_EIDAS3 = frozenset({"eidas3"})
_EIDAS2 = _EIDAS3 | {"eidas2"}
_REACHED_BY = {
    SignInLevel.TWO_FACTORS: _EIDAS2 | {"eidas0-mfa", "eidas1-mfa", LOCAL_TWO_FACTORS},
    SignInLevel.EIDAS2: _EIDAS2,
    SignInLevel.EIDAS3: _EIDAS3,
}


def domains_of(text: str) -> list[str]:
    """The domains that were typed, one spelling each. Raises `ValidationError` on what is none."""
    words = [word.lower().removeprefix("@") for word in re.split(r"[\s,;]+", text) if word]
    if words == [ANY_DOMAIN]:
        return words
    for word in words:
        if not _DOMAIN.fullmatch(word):
            raise ValidationError(
                _("“%(word)s” is no domain. Write for instance: culture.example.org"),
                params={"word": word},
                code="domain",
            )
    return sorted(set(words))


def validate_domains(text: str) -> None:
    domains_of(text)


_EMPTY = _("Empty: as in the organisation above.")
# Nobody is to think that something is kept which nobody asks for yet; the change that asks takes these words away.
_TO_COME = _("Kept once the portal records; empty: as in the organisation above.")


class Policy(models.Model):
    organisation = models.OneToOneField(
        Organisation,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="policy",
        verbose_name=_("organisation"),
        help_text=_("Empty: the whole portal, and everybody without an organisation."),
    )
    # Each of these may be left open: NULL, or "" where it is text.
    room_creation = models.CharField(
        _("who may open rooms"), max_length=9, choices=RoomCreation, blank=True, help_text=_EMPTY
    )
    guests_allowed = models.BooleanField(_("guests may come into its rooms"), null=True, blank=True, help_text=_EMPTY)
    lobby_default = models.BooleanField(
        _("a new room has a lobby"), null=True, blank=True, help_text=_("The host may change it for a room.")
    )
    recording_allowed = models.BooleanField(_("recording is allowed"), null=True, blank=True, help_text=_TO_COME)
    transcription_allowed = models.BooleanField(
        _("transcription is allowed"), null=True, blank=True, help_text=_TO_COME
    )
    retention_days = models.PositiveIntegerField(
        _("days that recordings and transcripts are kept"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_RETENTION_DAYS)],
        help_text=_TO_COME,
    )
    required_acr = models.CharField(
        _("sign-in must reach"),
        max_length=11,
        choices=SignInLevel,
        blank=True,
        help_text=_("For its people at sign-in, and for whoever enters its rooms with an account. Empty: as above."),
    )
    email_domains = models.CharField(
        _("e-mail domains that may come into its rooms"),
        max_length=1000,
        blank=True,
        validators=[validate_domains],
        help_text=_("For people with an account, separated by spaces; * for any. Empty: as in the organisation above."),
    )
    max_participants = models.PositiveIntegerField(
        _("most people in a room"),
        null=True,
        blank=True,
        validators=[MinValueValidator(2), MaxValueValidator(MAX_PARTICIPANTS)],
        help_text=_EMPTY,
    )
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        ordering: ClassVar = ["organisation__name"]
        constraints: ClassVar = [
            # Unique columns take any number of NULLs.
            models.UniqueConstraint(
                models.ExpressionWrapper(models.Q(organisation=None), output_field=models.BooleanField()),
                condition=models.Q(organisation=None),
                name="policy_one_for_the_portal",
            ),
            models.CheckConstraint(
                condition=models.Q(room_creation__in=["", *RoomCreation.values]), name="policy_room_creation_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(required_acr__in=["", *SignInLevel.values]), name="policy_acr_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(max_participants=None) | models.Q(max_participants__gte=2),
                name="policy_room_holds_two",
            ),
            models.CheckConstraint(
                condition=models.Q(retention_days=None) | models.Q(retention_days__gte=1),
                name="policy_keeps_for_a_day",
            ),
        ]

    def __str__(self) -> str:
        return str(self.organisation) if self.organisation else str(_("The portal"))

    def clean(self) -> None:
        super().clean()
        self.email_domains = " ".join(domains_of(self.email_domains))
