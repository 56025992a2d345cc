"""TCP connections that have not shown a valid ICE check yet: how many may stand at the door, and who has to go.

Anybody can connect. A client of ours shows its check within one round trip, so the one who has stood there for the
longest is the one least likely to belong here: it makes room for the next.
"""

from __future__ import annotations

import ipaddress
from typing import Protocol

MAX_STRANGERS = 256
# A ministry behind one address comes in at most 16 joins at a time (`RELAY_HANDSHAKES`), of two connections each.
MAX_OF_ONE_SOURCE = 64


class Stranger(Protocol):
    """One such connection."""

    def abort(self) -> None: ...


class Strangers:
    """Those at the door, oldest first."""

    def __init__(self) -> None:
        self._sources: dict[Stranger, str] = {}
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._sources)

    def admit(self, newcomer: Stranger, address: str) -> Stranger | None:
        """Counts the newcomer in. Returns who has to be turned away for it, already counted out, or None."""
        source = source_of(address)
        goes = None
        if self._counts.get(source, 0) >= MAX_OF_ONE_SOURCE:
            goes = next(stranger for stranger, known in self._sources.items() if known == source)
        elif len(self._sources) >= MAX_STRANGERS:
            goes = next(iter(self._sources))
        if goes is not None:
            self.forget(goes)
        self._sources[newcomer] = source
        self._counts[source] = self._counts.get(source, 0) + 1
        return goes

    def forget(self, stranger: Stranger) -> None:
        """It has shown a check, or is gone. Harmless for one who is not there."""
        source = self._sources.pop(stranger, None)
        if source is None:
            return
        self._counts[source] -= 1
        if not self._counts[source]:
            del self._counts[source]


def source_of(address: str) -> str:
    """Whom an address stands for: itself, or of IPv6 the /64, which is the least that anybody is given."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
