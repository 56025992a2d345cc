"""Whose session was begun by the provider: found again at each request, and never signed in by a password."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.proconnect.configuration import is_configured

PATH = "accounts.proconnect.backend.ProConnectBackend"


class ProConnectBackend(BaseBackend):
    """Light, since every request asks it: what talks to the provider is in `exchange`."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Nobody: who comes back from the provider is signed in by `views.callback`, after all checks."""

    def get_user(self, user_id: int) -> User | None:
        """None also for who was suspended since, and where the provider was taken out of the settings."""
        if not is_configured():
            return None
        return User.objects.filter(pk=user_id, is_active=True).first()
