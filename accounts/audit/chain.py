"""How entries hang together: each holds the hash of the one before, and the end is signed.

    hash(n) = SHA-256( hash(n-1), then the values of `COLUMNS` of entry n, with a NUL between each two )

No value has a NUL of its own (`values.clean`), so the same bytes can only be the same values.

The hashes need no key, so that anybody can check an export. The end of the chain and its beginning after a cut are
signed with a key made from SECRET_KEY, which is not in the database: who can only write there may compute all hashes
anew, and the signature gives them away. (What a chain cannot show is that the database as a whole was put back to an
older state: compare with the number and hash that `verify_audit` printed, or that stand in the log.)
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.utils.crypto import salted_hmac

# "Before" the first entry.
GENESIS = "0" * 64
# What the hash covers, in this order. A new column makes a new version of the chain: existing hashes must stay.
COLUMNS = (
    "seq",
    "at",
    "action",
    "actor_type",
    "actor_id",
    "actor_label",
    "address",
    "object_type",
    "object_id",
    "object_label",
    "scope",
    "before",
    "after",
    "request_id",
)
STORED = (*COLUMNS, "previous_hash", "hash")


@dataclass(frozen=True, slots=True)
class Link:
    """A stored entry as the chain sees it: the values of `COLUMNS`, and its two hashes."""

    content: tuple[object, ...]
    previous_hash: str
    hash: str

    @property
    def seq(self) -> int:
        seq = self.content[0]
        assert isinstance(seq, int)
        return seq

    def fits_as(self, seq: int) -> bool:
        """Whether this was written as entry `seq`."""
        return digest(self.previous_hash, (seq, *self.content[1:])) == self.hash


def digest(previous_hash: str, content: tuple[object, ...]) -> str:
    """`content` as in `COLUMNS`; the time as an aware datetime or as `stamp` gives it."""
    at = content[1]
    values = (previous_hash, content[0], stamp(at) if isinstance(at, datetime) else at, *content[2:])
    return hashlib.sha256("\0".join(map(str, values)).encode()).hexdigest()


def stamp(at: datetime) -> str:
    """The one spelling of a time: UTC with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def sign(kind: str, seq: int, hash_: str, extra: object = "") -> str:
    return _signature(settings.SECRET_KEY, kind, seq, hash_, extra)


def is_signed(signature: str, kind: str, seq: int, hash_: str, extra: object = "") -> bool:
    """With today's key, or one of SECRET_KEY_FALLBACKS."""
    return any(hmac.compare_digest(signature, _signature(key, kind, seq, hash_, extra)) for key in _keys())


def _keys() -> Iterator[str]:
    yield settings.SECRET_KEY
    yield from settings.SECRET_KEY_FALLBACKS


def _signature(key: str, kind: str, seq: int, hash_: str, extra: object) -> str:
    value = f"{kind}:{seq}:{hash_}:{extra}"
    return salted_hmac("accounts.audit", value, secret=key, algorithm="sha256").hexdigest()
