"""How strong the sign-in was by which a session was begun: asked where a policy or a room demands a level."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from accounts.models.policy import LOCAL_TWO_FACTORS

# What a sign-in service said, and the token by which one signs out there; see `proconnect/views.py`.
SESSION_KEY = "oidc"
# Where allauth notes by which methods somebody signed in here.
_LOCAL_KEY = "account_authentication_methods"


def acr_of(session: SessionBase) -> str:
    """The level that the sign-in service vouched for; "" for a password alone."""
    told = session.get(SESSION_KEY)
    if isinstance(told, dict):
        return str(told.get("acr", ""))
    methods: Any = session.get(_LOCAL_KEY)
    used = {str(one.get("method")) for one in methods if isinstance(one, dict)} if isinstance(methods, list) else set()
    return LOCAL_TWO_FACTORS if "mfa" in used else ""
