"""Whether somebody has a second factor, whether this session showed one, and how long that counts as fresh."""

from __future__ import annotations

import time
from typing import Any

from allauth.account import app_settings as allauth_settings
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from accounts.assurance import SESSION_KEY, factors_shown
from accounts.models.policy import SignInLevel

# Recovery codes come with one of these and are none by themselves.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_factor(person: AbstractBaseUser | AnonymousUser) -> bool:
    """An authenticator app or a passkey of the portal's own."""
    if not person.is_authenticated:
        return False
    return bool(Authenticator.objects.filter(user_id=person.pk, type__in=FACTORS).exists())


def is_strong(request: HttpRequest) -> bool:
    """Whether this session was begun, or confirmed since, with a second factor: ours, or the sign-in service's.

    A factor that was taken away meanwhile counts no more, in no session.
    """
    if not request.user.is_authenticated:
        return False
    return _was_told(request.session) or (bool(factors_shown(request.session)) and has_factor(request.user))


def is_fresh(request: HttpRequest) -> bool:
    """Whether who sits there proved lately who they are, as strongly as they can: then factors may be changed."""
    records = factors_shown(request.session) if has_factor(request.user) else _records(request)
    return any(time.time() - one["at"] < allauth_settings.REAUTHENTICATION_TIMEOUT for one in records)


def note_shown(request: HttpRequest, authenticator: Authenticator) -> None:
    """Who set a factor up just now has shown it thereby."""
    record_authentication(request, authenticator.user, "mfa", id=authenticator.pk, type=authenticator.type)


def _was_told(session: SessionBase) -> bool:
    told = session.get(SESSION_KEY)
    return isinstance(told, dict) and SignInLevel.TWO_FACTORS.is_reached_by(str(told.get("acr", "")))


def _records(request: HttpRequest) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = get_authentication_records(request, request.user)
    return records
