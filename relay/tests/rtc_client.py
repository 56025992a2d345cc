"""A peer made by hand for tests: real ICE checks, DTLS, SRTP and SCTP over loopback UDP or TCP."""

from __future__ import annotations

import asyncio
import secrets
import struct
from collections.abc import Callable, Mapping
from typing import Any

from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from pylibsrtp import Error as SrtpError

from relay import stun
from relay.datachannel import DataChannels
from relay.dtls import Flow
from relay.metrics import Metrics
from relay.transport import Candidate, Transport

CERTIFICATE = RTCCertificate.generateCertificate()


def rtp_packet(
    ssrc: int,
    sequence: int,
    timestamp: int,
    payload: bytes,
    *,
    payload_type: int,
    marker: bool = False,
    extensions: Mapping[int, bytes] | None = None,
    padding: int = 0,
) -> bytes:
    """The bytes of a packet with one-byte header extensions."""
    block = b""
    if extensions:
        block = b"".join(bytes((number << 4 | (len(value) - 1),)) + value for number, value in extensions.items())
        block += bytes(-len(block) % 4)
        block = struct.pack("!HH", 0xBEDE, len(block) // 4) + block
    first = 0x80 | (0x10 if block else 0) | (0x20 if padding else 0)
    head = struct.pack("!BBHII", first, marker << 7 | payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return head + block + payload + (bytes(padding - 1) + bytes((padding,)) if padding else b"")


def vp8_payload(picture_id: int, tl0: int, *, key: bool, size: int = 100, start: bool = True) -> bytes:
    """A VP8 payload: 15-bit picture id, TL0PICIDX, first byte of the frame, then filler."""
    descriptor = bytes((0x90 if start else 0x80, 0xC0, 0x80 | picture_id >> 8 & 0x7F, picture_id & 0xFF, tl0 & 0xFF))
    return descriptor + bytes((0x10 if key else 0x11,)) + bytes(size)


class Client:
    """One peer connection of a client towards `transport`."""

    def __init__(self, transport: Transport, candidate: Candidate, *, role: str = "client") -> None:
        self.transport = transport
        self.candidate = candidate
        self.metrics = Metrics()
        self.flow = Flow(self.metrics)
        self.flow.send = self.send
        self.dtls = RTCDtlsTransport(self.flow, [CERTIFICATE])  # type: ignore[arg-type]  # duck-typed, as in relay.dtls
        self.dtls._set_role(role)
        self.channels = DataChannels(self.dtls, self.metrics)
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.responses: list[bytes] = []
        self.changed = asyncio.Event()
        self._write: Callable[[bytes], None] = lambda data: None
        self._end: Any = None
        self._buffer = b""

    async def open(self) -> None:
        """The socket."""
        loop = asyncio.get_running_loop()
        address = (self.candidate.address, self.candidate.port)
        if self.candidate.protocol == "udp":
            end, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), remote_addr=address)
            self._write = end.sendto
            self._end = end
        else:
            stream, _ = await loop.create_connection(lambda: _Frames(self), *address)
            self._write = lambda data: stream.write(struct.pack("!H", len(data)) + data)
            self._end = stream

    async def check(self, *, nominate: bool = True, ufrag: str = "", password: str = "") -> bytes:
        """One connectivity check and its answer."""
        transport = self.transport
        before = len(self.responses)
        self.send(
            stun.request(
                secrets.token_bytes(12),
                f"{ufrag or transport.local_ufrag}:them",
                (password or transport.local_pwd).encode(),
                use_candidate=nominate,
            )
        )
        await self.until(lambda: len(self.responses) > before)
        return self.responses[-1]

    async def connect(self, *, sctp: bool = False, remote_setup: str = "active") -> None:
        """ICE, DTLS, and SCTP when asked."""
        await self.open()
        fingerprints = [(f.algorithm, f.value) for f in CERTIFICATE.getFingerprints()]
        self.transport.start(fingerprints=fingerprints, remote_setup=remote_setup, sctp=sctp)
        await self.check()
        algorithm, value = self.transport.fingerprint
        await self.dtls.start(RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(algorithm, value)]))
        assert self.dtls.state == "connected"
        if sctp:
            await self.channels.start()
        await self.until(lambda: self.transport.state.value == "connected")

    def send(self, data: bytes) -> bool:
        """One datagram as it is."""
        self._write(data)
        return True

    def send_rtp(self, packet: bytes) -> None:
        """One packet, protected."""
        self.send(self.dtls._tx_srtp.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """One compound, protected."""
        self.send(self.dtls._tx_srtp.protect_rtcp(packet))

    async def until(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Waits for something to arrive that makes `condition` true."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.changed.clear()
                if condition():
                    return
                waiter = asyncio.ensure_future(self.changed.wait())
                await asyncio.wait({waiter}, timeout=0.02)
                waiter.cancel()

    def receive(self, data: bytes) -> None:
        """Called by the socket."""
        first = data[0]
        if first < 4:
            self.responses.append(data)
        elif 19 < first < 64:
            self.flow.receive(data)
        elif self.dtls._rx_srtp is not None:
            try:
                if 191 < data[1] < 224:
                    self.rtcp.append(self.dtls._rx_srtp.unprotect_rtcp(data))
                else:
                    self.rtp.append(self.dtls._rx_srtp.unprotect(data))
            except SrtpError:
                self.metrics.unprotect_failed += 1
        self.changed.set()

    async def close(self) -> None:
        """Ends the client."""
        await self.channels.stop()
        await self.dtls.stop()
        self.flow.close()
        if self._end is not None:
            self._end.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, client: Client) -> None:
        self.client = client

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.client.receive(data)


class _Frames(asyncio.Protocol):
    def __init__(self, client: Client) -> None:
        self.client = client
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while len(self.buffer) >= 2:
            length = int.from_bytes(self.buffer[:2], "big")
            if len(self.buffer) < 2 + length:
                return
            frame, self.buffer = self.buffer[2 : 2 + length], self.buffer[2 + length :]
            self.client.receive(frame)
