"""What a person changes of their own account."""

from __future__ import annotations

from django.db import transaction

from accounts.audit.parties import person as party
from accounts.audit.record import record
from accounts.audit.values import differences
from accounts.models import User


def change_name(person: User, *, first_name: str, last_name: str) -> None:
    now = {"first_name": first_name, "last_name": last_name}
    before, after = differences({name: getattr(person, name) for name in now}, now)
    with transaction.atomic():
        person.first_name, person.last_name = first_name, last_name
        person.save(update_fields=["first_name", "last_name"])
        # The names are in the entry, not in its line: who is who in the log is the public id's business.
        record("name_changed", actor=party(person), target=party(person), before=before, after=after)


def end_other_sessions(person: User, *, password: str) -> None:
    """Ends every session of `person`; the caller keeps its own with `update_session_auth_hash`.

    The same password gets a new salt: each session holds a hash of what is stored, and is worth nothing without it.
    """
    with transaction.atomic():
        person.set_password(password)
        person.save(update_fields=["password"])
        record("other_sessions_ended", actor=party(person), target=party(person))
