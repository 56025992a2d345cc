"""`_reliable` and `_lossy` of one peer connection, over aiortc's SCTP.

A subscriber's are made by us, a publisher's by the client (livekit-protocol.md C.3).
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import DataChunk, InboundStream, RTCSctpCapabilities, RTCSctpTransport, SackChunk
from aiortc.utils import uint32_gte
from OpenSSL import SSL

from relay import clock
from relay.allowance import Allowance
from relay.metrics import Metrics
from relay.timeshares import SENDER, Share

RELIABLE = "_reliable"
LOSSY = "_lossy"
SCTP_PORT = 5000
# livekit-protocol.md C.3: clients clamp at 64,000; we advertise and enforce 64 KiB.
MAX_MESSAGE_BYTES = 65_536
# Lossy data is only worth something now: with this much unsent, the newest is dropped.
LOSSY_BUFFER_BYTES = 64 << 10
# A subscriber that is this far behind on reliable data will not catch up: its owner is told to close it.
RELIABLE_BUFFER_BYTES = 4 << 20
# Who has so much unsent is behind: senders wait for it (see datapackets.py).
RELIABLE_BEHIND_BYTES = 1 << 20
# A publisher needs three channels; what it opens beyond is ignored.
MAX_CHANNELS = 8
# A channel closed and opened again may have another stream for a while.
MAX_STREAMS = 2 * MAX_CHANNELS
# Pieces of messages that wait for a missing one; the whole window in full packets is 900.
MAX_PIECES = 1024
# What a message that waits takes beside its bytes, which may be none.
MESSAGE_COST_BYTES = 256

# What aiortc's parser lets escape on hostile input.
_HOSTILE = (ValueError, AssertionError, KeyError, IndexError, StopIteration, TypeError, struct.error)


class _Sctp(RTCSctpTransport):
    """aiortc's association, except that bad input and a closed DTLS are counted instead of ending a task, and that no
    input makes it work or remember without bound."""

    def __init__(self, dtls: RTCDtlsTransport, metrics: Metrics) -> None:
        super().__init__(dtls, SCTP_PORT)
        self._metrics = metrics
        # Whoever finds input that costs more than its share is not heard for a while, and its packets come again.
        self.time = Share(Allowance(*SENDER, clock.now()))
        self._sacks = 0  # in the packet at hand
        self.withheld_bytes = 0  # cost of whole messages that nobody has taken yet: the peer sees a smaller window

    async def open_window(self) -> None:
        """Tells the peer that withheld messages were taken."""
        if self._association_state == self.State.ESTABLISHED:
            await self._send_sack()

    async def _handle_data(self, data: bytes) -> None:
        started = clock.now()
        if self.time.is_spent(started):
            self._metrics.sctp_throttled += 1
            return
        self._sacks = 0
        try:
            await super()._handle_data(data)
        except _HOSTILE:
            self._metrics.sctp_errors += 1
        pieces = sum(len(stream.reassembly) for stream in self._inbound_streams.values())
        if self._advertised_rwnd < 0 or max(pieces, len(self._sack_misordered)) > MAX_PIECES:
            # More fragments than we offered to keep, and no whole message: it fills our memory on purpose.
            self._metrics.sctp_errors += 1
            await self.stop()
        now = clock.now()
        self.time.spend(now - started, now)

    def _get_inbound_stream(self, stream_id: int) -> InboundStream:
        if stream_id not in self._inbound_streams and len(self._inbound_streams) >= MAX_STREAMS:
            raise ValueError("too many streams")
        return super()._get_inbound_stream(stream_id)

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        self._get_inbound_stream(chunk.stream_id)  # before it counts as received
        if self.withheld_bytes and self._advertised_rwnd < self.withheld_bytes + len(chunk.user_data):
            # It sends into a window that we said is full. It will again.
            self._metrics.sctp_throttled += 1
            self._sack_needed = True
            return
        await super()._receive_data_chunk(chunk)

    def _mark_received(self, tsn: int) -> bool:
        # aiortc sorts all that is out of order at each packet: 10,000 small ones stopped the worker for 13 s.
        last, waiting = self._last_received_tsn, self._sack_misordered
        if last is None:
            raise ValueError("data before the handshake")
        if uint32_gte(last, tsn) or tsn in waiting:
            self._sack_duplicates.append(tsn)
            return True
        waiting.add(tsn)
        while (following := (last + 1) & 0xFFFFFFFF) in waiting:
            waiting.discard(following)
            self._last_received_tsn = last = following
        return False

    async def _receive_sack_chunk(self, chunk: SackChunk) -> None:
        # aiortc walks through every number of every gap: one packet of 300 gaps of 65,535 stopped the worker for 3 s.
        self._sacks += 1
        if self._sacks > 1:
            raise ValueError("more than one SACK in a packet")
        unacknowledged = (self._local_tsn - 1 - chunk.cumulative_tsn) & 0xFFFFFFFF
        edges = [edge for gap in chunk.gaps for edge in gap]
        if unacknowledged >= 1 << 31 or edges != sorted(edges) or (edges and edges[-1] > unacknowledged):
            raise ValueError("SACK of what was never sent")
        await super()._receive_sack_chunk(chunk)

    async def _data_channel_receive(self, stream_id: int, pp_id: int, data: bytes) -> None:
        if stream_id not in self._data_channels and len(self._data_channels) >= MAX_CHANNELS:
            raise ValueError("too many channels")
        await super()._data_channel_receive(stream_id, pp_id, data)

    async def _send_sack(self) -> None:
        window = self._advertised_rwnd
        self._advertised_rwnd = window - self.withheld_bytes
        try:
            await super()._send_sack()
        finally:
            self._advertised_rwnd = window

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
        self.accepts: Callable[[], bool] = lambda: True  # whether the peer may send at all; asked for each message
        self.on_open: Callable[[], None] | None = None
        self.on_overflow: Callable[[], None] | None = None
        self._metrics = metrics
        self._channels: dict[str, RTCDataChannel] = {}
        self._opened = 0
        self._is_ours = False
        self._is_overflowing = False
        self._was_open = False
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._held: asyncio.TimerHandle | None = None
        self._opening: asyncio.Future[None] | None = None
        self._is_delivering = False
        self._sctp = _Sctp(dtls, metrics)
        self._sctp.on("datachannel", self._on_channel)

    @property
    def is_open(self) -> bool:
        """Whether both channels can be sent on."""
        return all(
            label in self._channels and self._channels[label].readyState == "open" for label in (RELIABLE, LOSSY)
        )

    @property
    def is_behind(self) -> bool:
        """Whether the peer takes reliable data more slowly than it comes."""
        channel = self._channels.get(RELIABLE)
        return channel is not None and channel.bufferedAmount > RELIABLE_BEHIND_BYTES

    def share_time(self, share: Share) -> None:
        """Counts what the peer's packets cost in `share`, which outlives this association."""
        self._sctp.time = share

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

    def hold(self, seconds: float) -> None:
        """Hands out no reliable message for so long. They wait, and the peer hears that our window fills."""
        if self._held is None:
            self._held = asyncio.get_running_loop().call_later(seconds, self._release)

    async def start(self) -> None:
        """Opens the association; called by the transport when DTLS is up."""
        await self._sctp.start(RTCSctpCapabilities(maxMessageSize=MAX_MESSAGE_BYTES), SCTP_PORT)

    async def stop(self) -> None:
        """Ends the association and its timers."""
        if self._held is not None:
            self._held.cancel()
        self._waiting.clear()
        await self._sctp.stop()
        self._channels.clear()
        self.accepts = lambda: False
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
        if not self.accepts():
            return
        if label != RELIABLE:
            # Not from within the parser, which would take the callback's errors for the peer's.
            asyncio.get_running_loop().call_soon(self._hand_out, label, message)
            return
        self._waiting.append((label, message))
        self._sctp.withheld_bytes += len(message) + MESSAGE_COST_BYTES
        if self._held is None and not self._is_delivering:
            self._is_delivering = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def _release(self) -> None:
        self._held = None
        before = self._sctp.withheld_bytes
        self._deliver()
        if self._sctp.withheld_bytes != before:
            self._opening = asyncio.ensure_future(self._sctp.open_window())  # a reference, or it may be collected

    def _deliver(self) -> None:
        self._is_delivering = False
        while self._waiting and self._held is None:
            label, message = self._waiting.popleft()
            self._sctp.withheld_bytes -= len(message) + MESSAGE_COST_BYTES
            self._hand_out(label, message)

    def _hand_out(self, label: str, message: bytes) -> None:
        if self.on_message is not None:
            self.on_message(label, message)
