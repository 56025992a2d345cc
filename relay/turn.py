"""Short-lived TURN credentials in the form that coturn checks without a database (its "TURN REST API")."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

# Each join and each resume brings fresh ones. coturn 4.6 looks at the time only when an allocation is made, and
# refreshes it ever after (tests/test_turn.py); but other servers may look at each request, and would cut a call in its
# midst. So they last for a working day's meeting, for people who were let in.
CALL_SECONDS = 12 * 3600
# A connection test is open to anybody, and is over after three minutes.
TEST_SECONDS = 600


def credentials(secret: str, user: str, *, expires_at: float) -> tuple[str, str]:
    """User name (expiry:user) and password (base64 of HMAC-SHA1) that coturn's static-auth-secret accepts."""
    username = f"{int(expires_at)}:{user}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def ice_server(urls: Sequence[str], secret: str, user: str, *, expires_at: float) -> dict[str, object] | None:
    """The fields of one `ICEServer`, or None without TURN servers. coturn counts the allocations of each `user`."""
    if not urls:
        return None
    username, credential = credentials(secret, user, expires_at=expires_at)
    return {"urls": list(urls), "username": username, "credential": credential}
