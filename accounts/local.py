"""Local sign-in through allauth: nobody registers themselves, an administrator's invitation is the only way in."""

from __future__ import annotations

from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse

from accounts.rate_limits import source_of

audit = structlog.get_logger("audit")


class LocalAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that limits count: `proxies.py` has already put the real client's into REMOTE_ADDR."""
        return str(request.META.get("REMOTE_ADDR", ""))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:profile")

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        # Not the address that was typed: people mistype their password there.
        audit.warning("sign_in_failed", source=source_of(request))

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        super().login(request, user)
        audit.info("signed_in", person=str(user.public_id), source=source_of(request))  # type: ignore[attr-defined]  # our User
