"""Where somebody is signed in, as they read it on their profile: one row for each browser session of an account."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class BrowserSession(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="browser_sessions", verbose_name=_("person")
    )
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Of the row in django_session. It changes when the session gains a privilege; `accounts.browsers` follows it.
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    address = models.CharField(_("network address"), max_length=45, blank=True)
    user_agent = models.CharField(_("browser"), max_length=200, blank=True)
    started_at = models.DateTimeField(_("signed in at"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen at"), default=timezone.now)

    class Meta:
        verbose_name = _("browser session")
        verbose_name_plural = _("browser sessions")
        ordering: ClassVar = ["-last_seen_at"]

    def __str__(self) -> str:
        return str(self.public_id)  # never the key: it opens the account
