"""DTLS of one peer connection: aiortc's handshake over our paths, its SRTP keys handed out raw."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from OpenSSL import SSL

from relay.metrics import Metrics

# Datagrams of a handshake that wait for the task: a flight is at most eight; more is a flood.
MAX_QUEUED = 64


class Certificate(RTCCertificate):
    """The process's certificate. One SSL context serves all handshakes: building one took a millisecond each time."""

    _context: Any = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> Any:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            self._context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        return self._context


@cache
def certificate() -> Certificate:
    """The certificate of this process, made at the first call."""
    return Certificate.generateCertificate()


@cache
def fingerprint() -> tuple[str, str]:
    """Its fingerprint for SDP: ("sha-256", "AB:CD:…")."""
    found = next(f for f in certificate().getFingerprints() if f.algorithm == "sha-256")
    return found.algorithm, found.value


class Flow:
    """What aiortc takes for an ICE transport: datagrams of DTLS in and out of the selected path."""

    role = "controlled"

    def __init__(self, metrics: Metrics) -> None:
        self.state = "new"
        self.send: Callable[[bytes], bool] | None = None
        self.has_arrived = asyncio.Event()
        self._metrics = metrics
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_QUEUED)

    def receive(self, datagram: bytes) -> None:
        """One DTLS datagram from a validated path; dropped when the handshake does not keep up."""
        self._metrics.dtls_in += 1
        if self._queue.full():
            self._metrics.dtls_dropped += 1
            return
        self._queue.put_nowait(datagram)
        self.has_arrived.set()

    def close(self) -> None:
        """Ends the reader."""
        self.state = "closed"
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def _send(self, data: bytes) -> None:
        if self.state == "closed" and self.send is None:
            raise ConnectionError("closed")
        if self.send is not None:
            self.send(data)

    async def _recv(self) -> bytes:
        data = await self._queue.get()
        if data is None:
            raise ConnectionError("closed")
        return data


class Dtls(RTCDtlsTransport):
    """aiortc's DTLS. RTP and RTCP never come here: the socket's reader hands them to the router."""

    def __init__(self, flow: Flow, on_keys: Callable[[Any, Any, tuple[Any, ...]], None]) -> None:
        super().__init__(flow, [certificate()])  # type: ignore[arg-type]  # `Flow` has what is read of an ICE transport
        # What every client chose when offered; aiortc would begin with AES-256.
        self._srtp_profiles = [SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80]
        self._on_keys = on_keys

    def _setup_srtp(self) -> None:
        super()._setup_srtp()
        rx, tx = self._rx_srtp, self._tx_srtp
        if rx is not None and tx is not None:
            self._on_keys(rx._srtp[0], tx._srtp[0], (rx, tx))
