"""An authenticator app, as RFC 6238 describes it: not the portal's own arithmetic."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time


def code_of(secret: str, *, steps: int = 0) -> str:
    """What an app with this secret shows now, or so many thirty seconds later."""
    counter = (int(time.time()) // 30 + steps).to_bytes(8, "big")
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def secret_on(page: str) -> str:
    """The key that the page shows beside the picture."""
    found = re.search(r'id="totp-key">([A-Z2-7]+)<', page)
    assert found, "no key for an app on this page"
    return found.group(1)
