"""What a person was sent to the provider with: kept in their own session until they come back, and good once.

The state binds the answer to this browser; nonce and PKCE verifier bind it to this very request. A session holds a few
of them, since people open several windows.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import cache

from accounts.proconnect.refusals import SignInRefused

_KEY = "oidc_states"
_MOST = 10
# Signing in at the other side may take a while: a telephone to find, a card to insert.
LIFETIME_SECONDS = 1200
# ProConnect asks for 32 characters at least; 32 random bytes are 43.
_BYTES = 32


@dataclass(frozen=True, slots=True)
class Journey:
    """`acr_values`: with which the person may come back. `next`: a path of ours. `is_silent`: nobody was asked."""

    nonce: str
    code_verifier: str
    acr_values: list[str]
    next: str
    is_silent: bool
    began_at: int


def random_text() -> str:
    return secrets.token_urlsafe(_BYTES)


def begin(session: SessionBase, *, acr_values: list[str], next_path: str, is_silent: bool) -> tuple[str, Journey]:
    """A new state and what belongs to it."""
    state = random_text()
    journey = Journey(
        nonce=random_text(),
        code_verifier=random_text() + random_text(),
        acr_values=acr_values,
        next=next_path,
        is_silent=is_silent,
        began_at=int(time.time()),
    )
    kept = _kept(session)
    session[_KEY] = {**dict(list(kept.items())[-(_MOST - 1) :]), state: asdict(journey)}
    return state, journey


def take(session: SessionBase, state: str) -> Journey:
    """What belongs to `state`, which is used up by this. Raises `SignInRefused`."""
    kept = _kept(session)
    values = kept.pop(state, None) if state else None
    if not isinstance(values, dict):
        raise SignInRefused("state")
    session[_KEY] = kept
    # Two requests at once both find it in the session; the cache lets one pass.
    if not cache.add(f"oidc:state:{hashlib.sha256(state.encode()).hexdigest()[:32]}", 1, timeout=2 * LIFETIME_SECONDS):
        raise SignInRefused("state")
    journey = Journey(**values)
    if journey.began_at < time.time() - LIFETIME_SECONDS:
        raise SignInRefused("state")
    return journey


def _kept(session: SessionBase) -> dict[str, dict[str, Any]]:
    kept = session.get(_KEY)
    return dict(kept) if isinstance(kept, dict) else {}


def challenge_of(code_verifier: str) -> str:
    """RFC 7636, 4.2: S256."""
    digest = hashlib.sha256(code_verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
