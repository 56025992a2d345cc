"""Connections whose request is not whole yet: each has a deadline, and no address has many of them.

Twisted's own time-out begins anew with each byte, so that whoever drips a request would hold a connection for ever.
Behind a reverse proxy all people have its address: to count them is the proxy's part, which hands on whole requests.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from twisted.web import http

from visio_portal import proxies

logger = logging.getLogger(__name__)

# From the connection, or from the first byte of a later request on it. The TLS handshake is part of it.
HEAD_SECONDS = 15.0
# The largest body at 400 kbit/s.
BODY_SECONDS = 180.0
# A large office behind one address, whose browsers open connections ahead of need; below what a process may open.
MAX_PER_ADDRESS = 256
# Of all TRUSTED_PROXIES together, which should have none: what a process may well hold.
MAX_OF_PROXIES = 4096
_PROXIES = "proxies"


class Newcomers:
    """How many there are of each address, and of all `trusted` proxies."""

    def __init__(self, trusted: Sequence[proxies.Network] = ()) -> None:
        self.expired = 0
        self.refused = 0
        self._trusted = trusted
        self._counts: Counter[str] = Counter()

    def admit(self, address: str) -> bool:
        """Whether one more may wait; then `forget` it once."""
        source, limit = self._counted_as(address)
        if self._counts[source] >= limit:
            self.refused += 1
            if self.refused & (self.refused - 1) == 0:  # the 1st, 2nd, 4th, 8th …: a flood must not fill the log
                logger.warning("connections refused, of an address with too many unfinished requests: %d", self.refused)
            return False
        self._counts[source] += 1
        return True

    def forget(self, address: str) -> None:
        source, _ = self._counted_as(address)
        self._counts[source] -= 1
        if not self._counts[source]:
            del self._counts[source]

    def _counted_as(self, address: str) -> tuple[str, int]:
        if self._trusted and proxies.is_trusted(address, self._trusted):
            return _PROXIES, MAX_OF_PROXIES
        return address, MAX_PER_ADDRESS


class PunctualChannel(http.HTTPChannel):  # type: ignore[misc]  # Twisted gives it no type
    """One HTTP/1.1 connection. Its factory has `newcomers`."""

    _deadline: Any = None
    _is_refused = False

    def connectionMade(self) -> None:
        super().connectionMade()
        self._expect(HEAD_SECONDS)

    def dataReceived(self, data: bytes) -> None:
        if self._deadline is None and not self._handlingRequest:
            self._expect(HEAD_SECONDS)  # of the next request on a connection that was kept
        if not self._is_refused:
            super().dataReceived(data)

    def allHeadersReceived(self) -> None:
        self._expect(BODY_SECONDS)
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        self._settle()
        super().allContentReceived()

    def connectionLost(self, reason: Any) -> None:
        self._settle()
        super().connectionLost(reason)

    def _expect(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        elif self._is_refused or not self.factory.newcomers.admit(self._address()):
            self._is_refused = True
            self.transport.abortConnection()
            return
        self._deadline = self.callLater(seconds, self._expire)

    def _expire(self) -> None:
        self.factory.newcomers.expired += 1
        self._settle()
        self.transport.abortConnection()

    def _settle(self) -> None:
        if self._deadline is not None:
            if self._deadline.active():
                self._deadline.cancel()
            self._deadline = None
            self.factory.newcomers.forget(self._address())

    def _address(self) -> str:
        return str(self.transport.getPeer().host)
