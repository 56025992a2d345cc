"""Reading and ending the browser sessions of a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.audit.parties import person as party
from accounts.audit.record import record
from accounts.browsers.names import browser_name
from accounts.models import BrowserSession, User


@dataclass(frozen=True, slots=True)
class Shown:
    public_id: UUID
    browser: str
    address: str
    started_at: datetime
    last_seen_at: datetime
    is_here: bool


def sessions_of(person: User, *, here: str | None = None) -> list[Shown]:
    """Those that still open the account, the one with the key `here` first."""
    shown = [
        Shown(
            row.public_id,
            browser_name(row.user_agent),
            row.address,
            row.started_at,
            row.last_seen_at,
            row.session_key == here,
        )
        for row in _open(person)
    ]
    return sorted(shown, key=lambda one: not one.is_here)


def end_session(person: User, public_id: UUID, *, acting_user: User | None) -> bool:
    """False where this person has no such session, or not any more."""
    with transaction.atomic():
        row = BrowserSession.objects.filter(user=person, public_id=public_id).first()
        if row is None:
            return False
        _end([row])
        after = {"browser": browser_name(row.user_agent), "address": row.address}
        record("session_ended", actor=party(acting_user), target=party(person), after=after)
    return True


def end_sessions(person: User, *, but: str | None = None, acting_user: User | None) -> int:
    """All of them, but the one with this key; how many."""
    with transaction.atomic():
        rows = list(BrowserSession.objects.filter(user=person).exclude(session_key=but or ""))
        _end(rows)
        if rows:
            record("sessions_ended", actor=party(acting_user), target=party(person), after={"count": len(rows)})
    return len(rows)


def purge() -> Iterator[int]:
    """Forgets sessions that ended or expired, some at a time; how many each time."""
    alive = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=timezone.now())
    gone = BrowserSession.objects.filter(~Exists(alive))
    while keys := list(gone.values_list("pk", flat=True)[:500]):
        BrowserSession.objects.filter(pk__in=keys).delete()
        yield len(keys)


def connect() -> None:
    user_logged_out.connect(_signed_out, dispatch_uid="browsers")


def _signed_out(*, request: HttpRequest, **_: object) -> None:
    key = getattr(request, "session", None) and request.session.session_key
    if key:
        BrowserSession.objects.filter(session_key=key).delete()


def _open(person: User) -> Iterator[BrowserSession]:
    """A changed password makes sessions worthless without deleting them: each holds a hash of it."""
    rows: QuerySet[BrowserSession] = BrowserSession.objects.filter(user=person)
    keys = [row.session_key for row in rows]
    stored = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    told = {session.session_key: session.get_decoded() for session in stored}
    # Django itself renews a session of a former SECRET_KEY when it is used next.
    hashes = [person.get_session_auth_hash(), *person.get_session_auth_fallback_hash()]
    for row in rows:
        noted = told.get(row.session_key, {}).get(HASH_SESSION_KEY, "")
        if any(constant_time_compare(noted, one) for one in hashes):
            yield row


def _end(rows: list[BrowserSession]) -> None:
    Session.objects.filter(session_key__in=[row.session_key for row in rows]).delete()
    BrowserSession.objects.filter(pk__in=[row.pk for row in rows]).delete()
