"""How strong the sign-in was by which a session was begun: asked where a policy or a room demands a level."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth import SESSION_KEY as PERSON_KEY
from django.contrib.sessions.backends.base import SessionBase

from accounts.models.policy import LOCAL_TWO_FACTORS, SignInLevel

# What a sign-in service said, and the token by which one signs out there; see `proconnect/views.py`.
SESSION_KEY = "oidc"
# Where allauth notes by which methods somebody signed in here.
_LOCAL_KEY = "account_authentication_methods"


def acr_of(session: SessionBase) -> str:
    """The level that the sign-in service vouched for, or our word for a second factor shown here; "" for neither."""
    told = session.get(SESSION_KEY)
    acr = str(told.get("acr", "")) if isinstance(told, dict) else ""
    if not SignInLevel.TWO_FACTORS.is_reached_by(acr) and factors_shown(session):
        return LOCAL_TWO_FACTORS
    return acr


def factors_shown(session: SessionBase) -> list[dict[str, Any]]:
    """allauth's records of the second factors that were shown in this session and are the person's still.

    One that was taken away counts in no session any more, whatever its owner has set up since.
    """
    records: Any = session.get(_LOCAL_KEY)
    shown = [one for one in records if one.get("method") == "mfa"] if isinstance(records, list) else []
    if not shown:
        return []
    theirs = Authenticator.objects.filter(user_id=session.get(PERSON_KEY), pk__in=[one.get("id") for one in shown])
    kept = set(theirs.values_list("pk", flat=True))
    return [one for one in shown if one.get("id") in kept]
