"""Rooms without a row, whose name says when they end: it is all that the doors have to go by.

A token signs the name, and only we sign tokens, so that nobody can move the end.
"""

from __future__ import annotations

import re
import secrets
import time

PREFIX = "connection-test-"
_ENDS_AT = re.compile(re.escape(PREFIX) + r"(\d{1,12})-[0-9a-f]{32}", re.ASCII)


def new_name(seconds: int) -> str:
    """A name that nobody can guess, of a room that ends in `seconds`."""
    return f"{PREFIX}{int(time.time()) + seconds}-{secrets.token_hex(16)}"


def is_temporary(room_name: str) -> bool:
    return room_name.startswith(PREFIX)


def is_over(room_name: str) -> bool:
    """Whether it is a temporary room that should be gone. A name that does not say when is not one of ours."""
    if not is_temporary(room_name):
        return False
    ends_at = _ENDS_AT.fullmatch(room_name)
    return ends_at is None or int(ends_at[1]) <= time.time()
