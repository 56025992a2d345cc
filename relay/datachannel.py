"""`_reliable` and `_lossy` of one peer connection, over aiortc's SCTP.

A subscriber's are made by us, a publisher's by the client (livekit-protocol.md C.3).
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport
from OpenSSL import SSL

from relay.metrics import Metrics

RELIABLE = "_reliable"
LOSSY = "_lossy"
SCTP_PORT = 5000
# livekit-protocol.md C.3: clients clamp at 64,000; we advertise and enforce 64 KiB.
MAX_MESSAGE_BYTES = 65_536
# Lossy data is only worth something now: with this much unsent, the newest is dropped.
LOSSY_BUFFER_BYTES = 64 << 10
# A subscriber that is this far behind on reliable data will not catch up: its owner is told to close it.
RELIABLE_BUFFER_BYTES = 4 << 20
# A publisher needs three channels; what it opens beyond is ignored.
MAX_CHANNELS = 8

# What aiortc's parser lets escape on hostile input.
_HOSTILE = (ValueError, AssertionError, KeyError, IndexError, StopIteration, TypeError, struct.error)


class _Sctp(RTCSctpTransport):
    """aiortc's association, except that bad input and a closed DTLS are counted instead of ending a task."""

    def __init__(self, dtls: RTCDtlsTransport, metrics: Metrics) -> None:
        super().__init__(dtls, SCTP_PORT)
        self._metrics = metrics

    async def _handle_data(self, data: bytes) -> None:
        try:
            await super()._handle_data(data)
        except _HOSTILE:
            self._metrics.sctp_errors += 1
        if self._advertised_rwnd < 0:
            # More fragments than we offered to keep, and no whole message: it fills our memory on purpose.
            self._metrics.sctp_errors += 1
            await self.stop()

    async def _send_chunk(self, chunk: Any) -> None:
        try:
            await super()._send_chunk(chunk)
        except (ConnectionError, SSL.Error):
            # Timers outlive the peer: T1 and T3 fire between its end and ours.
            self._metrics.sctp_errors += 1


class DataChannels:
    """The two channels. Callbacks are synchronous."""

    def __init__(self, dtls: RTCDtlsTransport, metrics: Metrics) -> None:
        self.on_message: Callable[[str, bytes], None] | None = None
        self.on_open: Callable[[], None] | None = None
        self.on_overflow: Callable[[], None] | None = None
        self._metrics = metrics
        self._channels: dict[str, RTCDataChannel] = {}
        self._opened = 0
        self._is_ours = False
        self._is_overflowing = False
        self._was_open = False
        self._sctp = _Sctp(dtls, metrics)
        self._sctp.on("datachannel", self._on_channel)

    @property
    def is_open(self) -> bool:
        """Whether both channels can be sent on."""
        return all(
            label in self._channels and self._channels[label].readyState == "open" for label in (RELIABLE, LOSSY)
        )

    def create(self) -> None:
        """Makes our own channels (subscriber peer). Call it before the transport starts."""
        if self._is_ours:
            return
        self._is_ours = True
        for parameters in (
            RTCDataChannelParameters(label=RELIABLE),
            RTCDataChannelParameters(label=LOSSY, ordered=False, maxRetransmits=0),
        ):
            self._adopt(RTCDataChannel(self._sctp, parameters))

    def send(self, label: str, payload: bytes) -> bool:
        """Queues a binary message. False: not open, too long, or dropped because the buffer is full."""
        channel = self._channels.get(label)
        if channel is None or channel.readyState != "open" or len(payload) > MAX_MESSAGE_BYTES:
            self._metrics.data_dropped += 1
            return False
        bound = RELIABLE_BUFFER_BYTES if channel.maxRetransmits is None else LOSSY_BUFFER_BYTES
        if channel.bufferedAmount + len(payload) > bound:
            self._metrics.data_dropped += 1
            if bound == RELIABLE_BUFFER_BYTES and not self._is_overflowing:
                self._is_overflowing = True
                if self.on_overflow is not None:
                    self.on_overflow()
            return False
        channel.send(payload)
        self._metrics.data_out += 1
        return True

    async def start(self) -> None:
        """Opens the association; called by the transport when DTLS is up."""
        await self._sctp.start(RTCSctpCapabilities(maxMessageSize=MAX_MESSAGE_BYTES), SCTP_PORT)

    async def stop(self) -> None:
        """Ends the association and its timers."""
        await self._sctp.stop()
        self._channels.clear()
        self.on_message = self.on_open = self.on_overflow = None

    def _on_channel(self, channel: RTCDataChannel) -> None:
        self._opened += 1
        if self._opened > MAX_CHANNELS or channel.label in self._channels:
            self._metrics.data_dropped += 1
            return
        self._adopt(channel)

    def _adopt(self, channel: RTCDataChannel) -> None:
        label = channel.label
        self._channels[label] = channel
        channel.on("message", lambda message: self._on_data(label, message))
        channel.on("open", self._on_channel_open)
        self._on_channel_open()

    def _on_channel_open(self) -> None:
        if not self._was_open and self.is_open:
            self._was_open = True
            if self.on_open is not None:
                # Not from within aiortc's own state change.
                asyncio.get_running_loop().call_soon(self.on_open)

    def _on_data(self, label: str, message: bytes | str) -> None:
        if isinstance(message, str):
            return  # LiveKit's protocol is binary
        if len(message) > MAX_MESSAGE_BYTES:
            self._metrics.data_oversize += 1
            return
        self._metrics.data_in += 1
        if self.on_message is not None:
            # Not from within the parser, which would take the callback's errors for the peer's.
            asyncio.get_running_loop().call_soon(self.on_message, label, message)
