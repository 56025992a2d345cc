"""How strong the sign-in was by which a session was begun: asked where a policy or a room demands a level."""

from __future__ import annotations

from typing import Any

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
    if not SignInLevel.TWO_FACTORS.is_reached_by(acr) and "mfa" in _local_methods(session):
        return LOCAL_TWO_FACTORS
    return acr


def _local_methods(session: SessionBase) -> set[str]:
    methods: Any = session.get(_LOCAL_KEY)
    return {str(one.get("method")) for one in methods if isinstance(one, dict)} if isinstance(methods, list) else set()
