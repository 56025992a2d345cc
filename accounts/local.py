"""Local sign-in through allauth: nobody registers themselves, an administrator's invitation is the only way in."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from accounts.audit import sign_in
from accounts.models import User


class LocalAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that limits count: `proxies.py` has already put the real client's into REMOTE_ADDR."""
        return str(request.META.get("REMOTE_ADDR", ""))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:profile")

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            sign_in.refused(request, "too_many_attempts")
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        sign_in.failed(request, str(credentials.get("email", "")))

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponseBase:
        sign_in.refused(request, "suspended", user if isinstance(user, User) else None)
        answer: HttpResponseBase = super().respond_user_inactive(request, user)
        return answer

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        with transaction.atomic():  # with the entry that the signal's receiver writes
            super().login(request, user)
