"""What an application shows to use the API: it acts for the token's owner, within its scopes, until it ends.

Only a hash of the secret is stored, found by a prefix that opens nothing: whoever reads the database, a backup or
the administration cannot use the token. See `services/api_tokens.py`.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME_MAX_LENGTH = 100
PREFIX_LENGTH = 10
DEFAULT_PER_MINUTE = 600
MAX_PER_MINUTE = 60_000
KEY_MAX_LENGTH = 100


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def of(self, people: Iterable[int]) -> ApiTokenQuerySet:
        return self.filter(owner__in=people)


class ApiToken(models.Model):
    public_id = models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(
        _("application"), max_length=NAME_MAX_LENGTH, help_text=_("What it is for: the audit log says so.")
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="api_tokens",
        verbose_name=_("owner"),
        help_text=_("It sees and may do what this person may, and nothing beyond. It ends when they are suspended."),
    )
    prefix = models.CharField(_("begins with"), max_length=PREFIX_LENGTH, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    requests_per_minute = models.PositiveIntegerField(
        _("requests per minute"),
        default=DEFAULT_PER_MINUTE,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PER_MINUTE)],
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("given by"),
        editable=False,
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)
    # To the minute: a row is not written for each request.
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True, editable=False)

    audit_kind = "application"

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="api_token_expires_after_creation"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def audit_label(self) -> str:
        return f"{self.name} ({self.prefix})"


class ApiCreation(models.Model):
    """What a token made under an `Idempotency-Key`: asked for again, the answer is the same and nothing is made."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="creations")
    key = models.CharField(max_length=KEY_MAX_LENGTH)
    # Of what was asked for: the same key with another wish is a mistake.
    request_hash = models.CharField(max_length=64)
    made_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="api_creation_by_age")]
        constraints: ClassVar = [models.UniqueConstraint(fields=["token", "key"], name="api_creation_once_per_key")]

    def __str__(self) -> str:
        return f"{self.token_id} {self.key}"
