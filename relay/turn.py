"""Short-lived TURN credentials in the form that coturn checks without a database (its "TURN REST API")."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

# A client asks for an allocation at join and at reconnect only, and both carry fresh credentials; coturn keeps an
# allocation alive after they expired. A working day lets an ICE restart late in a long meeting still succeed.
LIFETIME_SECONDS = 12 * 3600


def credentials(secret: str, identity: str, *, now: float) -> tuple[str, str]:
    """User name (expiry:identity) and password (base64 of HMAC-SHA1) that coturn's static-auth-secret accepts."""
    username = f"{int(now) + LIFETIME_SECONDS}:{identity}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def ice_server(urls: Sequence[str], secret: str, identity: str, *, now: float) -> dict[str, object] | None:
    """The fields of one `ICEServer`, or None without TURN servers."""
    if not urls:
        return None
    username, credential = credentials(secret, identity, now=now)
    return {"urls": list(urls), "username": username, "credential": credential}
