"""Local sign-in through allauth: nobody registers themselves, an administrator's invitation is the only way in."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from accounts.audit import sign_in
from accounts.browsers.known import note_sign_in
from accounts.browsers.lockout import begin_try
from accounts.factors import level
from accounts.factors.rules import has_factor, is_fresh
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
        """Our own count instead of allauth's, which a stranger could use up for the owner."""
        self._try = begin_try(request, "password", str(credentials.get("email", "")))
        if self._try.over:
            sign_in.refused(request, "too_many_attempts")
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is not None:
            self._try.give_back()
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        sign_in.failed(request, str(credentials.get("email", "")))

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponseBase:
        sign_in.refused(request, "suspended", user if isinstance(user, User) else None)
        answer: HttpResponseBase = super().respond_user_inactive(request, user)
        return answer

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **how: Any) -> HttpResponseBase | None:
        answer: HttpResponseBase | None = super().pre_login(request, user, **how)
        return answer or (level.refuse(request, user) if isinstance(user, User) else None)

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        with transaction.atomic():  # with the entry that the signal's receiver writes
            super().login(request, user)
        if isinstance(user, User):
            note_sign_in(request, user)
            level.note(request, user)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """A sign-in of a moment ago is proof enough, if it was as strong as this person can be."""
        return not is_fresh(self.request)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Who has a second factor confirms by it: with the password alone a thief would take the factor away."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [method for method in methods if method["id"] != "reauthenticate"] if has_factor(user) else methods

    def reauthenticate(self, user: Any, password: str) -> bool:
        found = self.authenticate(self.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk
