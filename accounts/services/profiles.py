"""What a person changes of their own account."""

from __future__ import annotations

import structlog

from accounts.models import User

audit = structlog.get_logger("audit")


def change_name(person: User, *, first_name: str, last_name: str) -> None:
    person.first_name, person.last_name = first_name, last_name
    person.save(update_fields=["first_name", "last_name"])
    # Not the names: who is who in the log is the public id's business.
    audit.info("name_changed", person=str(person.public_id))


def end_other_sessions(person: User, *, password: str) -> None:
    """Ends every session of `person`; the caller keeps its own with `update_session_auth_hash`.

    The same password gets a new salt: each session holds a hash of what is stored, and is worth nothing without it.
    """
    person.set_password(password)
    person.save(update_fields=["password"])
    audit.info("other_sessions_ended", person=str(person.public_id))
