"""Random ids in LiveKit's form: a prefix that clients check, and letters that nobody can guess."""

from __future__ import annotations

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits

ROOM = "RM_"
PARTICIPANT = "PA_"
TRACK = "TR_"
EVENT = "EV_"
NODE = "ND_"


def new_sid(prefix: str, length: int = 12) -> str:
    """`prefix` and `length` random letters and digits: 71 bits for 12."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))
