"""Sign-ins and sign-outs in the audit log, by whatever way they came: received from Django's and allauth's signals."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import password_changed
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from accounts.audit.parties import NOBODY, Party, person
from accounts.audit.record import record
from accounts.models import User
from accounts.models.user import normalise_email
from accounts.rate_limits import is_allowed, source_of

# Of refusals that can be had as often as one likes: more of one network in a minute say nothing new.
_REFUSALS_PER_MINUTE = 3


def connect() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="audit")
    user_logged_out.connect(_signed_out, dispatch_uid="audit")
    password_changed.connect(_password_changed, dispatch_uid="audit")


def failed(request: HttpRequest, email: str) -> None:
    """What was typed is not kept: people mistype their password there. Whom it was about is, if there is such one."""
    user = User.objects.filter(email=normalise_email(email)).first() if email else None
    target = person(user) if user else NOBODY
    record("sign_in_failed", actor=NOBODY, target=target, source=source_of(request))


def refused(request: HttpRequest, reason: str, user: User | None = None) -> None:
    source = source_of(request)
    # What follows the colon may be the visitor's own text: invented reasons would each be counted anew.
    if is_allowed("audit-sign-in", reason.partition(":")[0], source, per_minute=_REFUSALS_PER_MINUTE):
        target = person(user) if user else NOBODY
        record("sign_in_refused", actor=NOBODY, target=target, after={"reason": reason}, source=source)


def _signed_in(*, request: HttpRequest, user: User, **_: Any) -> None:
    who = person(user)
    record("signed_in", actor=who, person=who.id, source=source_of(request), after=_way(request, user))


def _signed_out(*, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        who: Party = person(user)
        record("signed_out", actor=who, person=who.id)


def _password_changed(*, user: User, **_: Any) -> None:
    who = person(user)
    record("password_changed", actor=who, target=who)


def _way(request: HttpRequest, user: User) -> dict[str, str]:
    """By which backend (a local password, ProConnect, …), and with which second factor."""
    backend = str(getattr(user, "backend", ""))
    told = {"by": backend.rpartition(".")[2]} if backend else {}
    factors = [str(one.get("type")) for one in get_authentication_records(request, user) if one["method"] == "mfa"]
    return {**told, "factor": factors[-1]} if factors else told
