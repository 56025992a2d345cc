"""Somebody lost their telephone and their recovery codes: whoever answers for them takes the factors away."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts.browsers.sessions import end_sessions
from accounts.models import User


def take_factors_away(person: User, *, acting_user: User | None) -> int:
    """How many there were, recovery codes included. Each is an entry of the audit log (`notes.py`).

    The person is signed out everywhere: whoever has the telephone may sit in one of those browsers. The password alone
    opens the account then; no page of the administration before another factor is set up.
    """
    with transaction.atomic():
        count, _ = Authenticator.objects.filter(user=person).delete()
        end_sessions(person, acting_user=acting_user)
    return int(count)
