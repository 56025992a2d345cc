"""What becomes of factors, in the audit log, with the change itself; and what a session gains by one."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import authentication_step_completed
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest

from accounts.audit.parties import SERVER, Party, person
from accounts.audit.record import record
from accounts.factors.rules import FACTORS, note_shown
from accounts.models import User
from accounts.rate_limits import source_of


def connect() -> None:
    post_save.connect(_kept, sender=Authenticator, dispatch_uid="audit")
    post_delete.connect(_removed, sender=Authenticator, dispatch_uid="audit")
    authentication_failed.connect(_failed, dispatch_uid="audit")
    authentication_step_completed.connect(_gained, dispatch_uid="rotate")


def _kept(*, instance: Authenticator, created: bool, **_: Any) -> None:
    if not created:
        return
    record("factor_added", actor=_actor(), target=person(instance.user), after={"factor": instance.type})
    request = context.request
    if request is not None and instance.type in FACTORS and request.user == instance.user:
        note_shown(request, instance)


def _removed(*, instance: Authenticator, **_: Any) -> None:
    record("factor_removed", actor=_actor(), target=person(instance.user), before={"factor": instance.type})


def _failed(*, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    after = {"factor": authenticator.type}
    record("factor_failed", actor=person(user), target=person(user), after=after, source=source_of(request))


def _gained(*, request: HttpRequest, method: str, **_: Any) -> None:
    """A session that may more than before gets another key: a stolen one of before gains nothing."""
    if method == "mfa" and request.user.is_authenticated:
        request.session.cycle_key()


def _actor() -> Party:
    """Who is signed in where the change is made; the server where it is a command."""
    request = context.request
    user = getattr(request, "user", None)
    return person(user) if user is not None else SERVER
