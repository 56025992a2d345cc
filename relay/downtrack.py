"""One track towards one subscriber: which layer it gets, and that its numbers go on over every switch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from relay import codecs, rtp
from relay.bandwidth import PAUSED, Demand
from relay.batch import Destination
from relay.codecs import PictureIds
from relay.link import MAX_FORMER, Link
from relay.simulcast import Numbers, Sent, continue_from
from relay.uptrack import HIGHEST_QUALITY, TrackStats, UpStream, UpTrack

if TYPE_CHECKING:
    from relay.router import Router

OPUS_TYPE = 111
RED_TYPE = 63
# A packet is sent again at most this often to one subscriber: beyond, the link is the problem.
MAX_RESENDS = 3
# Packets whose resends are counted; then the count starts anew.
RESEND_MEMORY = 512
PADDING_BYTES = 255  # the most that one packet can carry
# A sender report's clock may differ from arrival times by this much before we trust arrival alone.
MAX_CLOCK_DIFFERENCE_SECONDS = 0.5

_PADDING = bytes(rtp.OUT_HEADER_BYTES + PADDING_BYTES - 1) + bytes((PADDING_BYTES,))

_EXTENSION_IDS = {
    "abs-send-time": rtp.ABS_SEND_TIME_ID,
    "transport-cc": rtp.TRANSPORT_CC_ID,
    "audio-level": rtp.AUDIO_LEVEL_ID,
    "orientation": rtp.ORIENTATION_ID,
}


class DownTrack:
    """Forwards the stream of `up` that fits what the subscriber wants and what its link can take.

    `ssrc` is one of `up.ssrcs`. libwebrtc decodes but does not show what comes back to a section under the SSRC that it
    had there before (VideoRtpReceiver::RestartMediaChannel returns early); so `peer.py` uses both in turn.
    """

    def __init__(
        self,
        up: UpTrack,
        transport: Link,
        *,
        payload_type: int,
        extensions: Mapping[str, int],
        on_paused: Callable[[bool], None],
        ssrc: int = 0,
    ) -> None:
        self.up = up
        self.ssrc = ssrc or up.ssrc
        self.link = transport
        self.router: Router = up.router
        self.payload_type = payload_type
        self.accepts_red = payload_type == RED_TYPE
        self.extensions = frozenset(_EXTENSION_IDS[name] for name in extensions if name in _EXTENSION_IDS)
        self.is_started = self.is_stopped = self.is_disabled = False
        self.is_paused = False
        self.wanted = HIGHEST_QUALITY
        self.allowed = HIGHEST_QUALITY  # by the link; PAUSED when not even the lowest layer fits
        self.stream: UpStream | None = None
        self.target: UpStream | None = None  # waits for its next key frame
        self.numbers: Numbers | None = None
        self.history: deque[Numbers] = deque(maxlen=16)
        self.sent: Sent | None = None
        self.last: tuple[UpStream, Numbers] | None = None
        self.switches = 0
        self.loss = 0.0
        self.rtt_seconds = 0.0
        self.jitter = 0
        self.sr_at = 0.0
        self.sr_lsr = 0
        self._packets = self._bytes = 0
        self._packets_base = self._bytes_base = 0
        former = transport.former.pop(self.ssrc, None)
        if former is not None:
            # SRTP and the receiver know this SSRC: numbers that go back would be replays to them.
            self.sent, self.last = former.sent, former.last
            self._packets, self._bytes = former.packets, former.payload_bytes
        self._resends: dict[int, int] = {}
        self._on_paused = on_paused
        up.downs.append(self)
        self.router.add_down(self)
        if self.starts_low and transport.downlink is not None and transport.downlink.is_starting(self.router.now):
            self.allowed = 0

    @property
    def starts_low(self) -> bool:
        """Whether it waits for the first verdict on the link with the lowest layer: transport-cc will give it soon."""
        return self.up.kind == "video" and rtp.TRANSPORT_CC_ID in self.extensions

    @property
    def current_layer(self) -> str:
        """The rid that is sent now, empty when none is (or without simulcast)."""
        return self.stream.rid if self.stream is not None else ""

    def start(self) -> None:
        """The section is negotiated: forward from the next key frame (video) or packet (audio)."""
        if not self.is_started and not self.is_stopped:
            self.is_started = True
            self.retarget()
            self.up.update_wanted(self.router.now)

    def set_wanted(
        self, *, disabled: bool, quality: int | None = None, width: int = 0, height: int = 0, fps: int = 0
    ) -> None:
        """What the subscriber shows. `width` and `height` win over `quality`; `fps` is accepted and not acted on."""
        self.is_disabled = disabled
        by_size = self.up.quality_for(width, height)
        if by_size is not None:
            self.wanted = by_size
        elif quality is not None:
            self.wanted = max(0, min(quality, HIGHEST_QUALITY))
        self.retarget()
        self.up.update_wanted(self.router.now)

    def allow(self, quality: int) -> None:
        """The link's verdict: highest quality, or `PAUSED`."""
        self.allowed = quality
        paused = quality == PAUSED
        if paused != self.is_paused:
            self.is_paused = paused
            self._on_paused(paused)
            if paused:
                self.router.metrics.video_pauses += 1
        self.retarget()

    def cut(self) -> None:
        """The link is flooded: stops a layer above the allowed one at once, without waiting for the lower key frame."""
        if self.stream is not None and self.target is not None:
            self.detach(keep_target=True)

    def stop(self) -> None:
        """Nothing leaves afterwards. Idempotent."""
        if self.is_stopped:
            return
        self.is_stopped = True
        self.detach()
        if self in self.up.downs:
            self.up.downs.remove(self)
        self.router.forget_down(self)
        if self.sent is not None and not self.up.is_closed:
            self.link.former[self.ssrc] = self
            if len(self.link.former) > MAX_FORMER:
                del self.link.former[next(iter(self.link.former))]
        self.up.update_wanted(self.router.now)

    def stats(self) -> TrackStats:
        """What went to the subscriber, and what it reported."""
        return TrackStats(
            packets=self.packets,
            bytes=self.payload_bytes,
            loss=self.loss,
            rtt_seconds=self.rtt_seconds,
            jitter_seconds=self.jitter / self.up.clock_rate,
            bitrate_bps=int(self.stream.bitrate_bps) if self.stream is not None else 0,
            layer=self.current_layer,
            paused=self.is_paused,
        )

    @property
    def packets(self) -> int:
        """Packets sent, without resends."""
        return self._packets + (self.stream.sent_packets - self._packets_base if self.stream is not None else 0)

    @property
    def payload_bytes(self) -> int:
        """Payload bytes sent."""
        return self._bytes + (self.stream.sent_bytes - self._bytes_base if self.stream is not None else 0)

    def demand(self) -> Demand | None:
        """What it asks of the link, None while it sends nothing anyway."""
        if self.up.kind != "video" or not self.is_started or self.is_disabled or self.up.is_silent:
            return None
        costs = self.up.layer_costs()
        current = PAUSED if self.is_paused else min(self.wanted, self.allowed)
        return Demand(costs, self.wanted, current) if costs else None

    # ---------------------------------------------------------------- switching

    def retarget(self) -> None:
        """Aims at the best live stream; the switch happens on its next key frame (audio: packet)."""
        if not self.is_started or self.is_stopped or self.up.is_closed:
            return
        if self.is_disabled or self.is_paused:
            self.detach()
            return
        if self.up.is_silent and self.up.kind == "video":
            return
        best = self.up.stream_for(min(self.wanted, self.allowed))
        if best is self.stream:
            self._leave_queue()
            return
        if best is None or best is self.target:
            return
        self._leave_queue()
        self.target = best
        best.waiting.append(self)
        self.router.await_switch(best)

    def _leave_queue(self) -> None:
        if self.target is not None:
            if self in self.target.waiting:
                self.target.waiting.remove(self)
            self.target = None

    def detach(self, *, keep_target: bool = False) -> None:
        """Stops forwarding, remembering the last numbers sent."""
        if not keep_target:
            self._leave_queue()
        stream, numbers = self.stream, self.numbers
        if stream is None or numbers is None:
            return
        self.router.flush()
        ids = stream.ids
        self.sent = Sent(
            (stream.numbers.last_number + numbers.sequence) & 0xFFFF,
            (stream.last_timestamp + numbers.timestamp) & 0xFFFFFFFF,
            (ids.picture_id + numbers.picture_id) & 0x7FFF,
            (ids.tl0 + numbers.tl0) & 0xFF,
            stream.last_at,
        )
        self.last = (stream, numbers)
        self._packets, self._bytes = self.packets, self.payload_bytes
        self.stream = self.numbers = None
        stream.members.remove(self)
        stream.wants_groups = True

    def attach(self, stream: UpStream, number: int, timestamp: int, ids: PictureIds, now: float) -> None:
        """Starts forwarding `stream` with the packet `number`, continuing what was sent before."""
        self.detach()
        numbers = Numbers(stream, number)
        if self.sent is not None:
            continue_from(
                numbers,
                self.sent,
                timestamp=timestamp,
                elapsed_ticks=self._elapsed_ticks(stream, timestamp, now),
                picture_id=ids.picture_id,
                tl0=ids.tl0,
            )
            self.switches += 1
            self.router.metrics.layer_switches += 1
        self.stream, self.numbers = stream, numbers
        self.history.append(numbers)
        self._resends.clear()
        self._packets_base, self._bytes_base = stream.sent_packets, stream.sent_bytes
        stream.members.append(self)
        stream.wants_groups = True

    def _elapsed_ticks(self, stream: UpStream, timestamp: int, now: float) -> int:
        """How far the new packet is after the last one sent: by both layers' sender reports, else by arrival."""
        if self.sent is None or self.last is None:
            return 1
        rate = self.up.clock_rate
        by_arrival = int((now - self.sent.at) * rate)
        old, numbers = self.last
        if old is stream:
            # Its own clock went on while it was not forwarded; by arrival only when it jumped back.
            exact = _signed(timestamp + numbers.timestamp - self.sent.timestamp)
            return exact if exact > 0 else by_arrival
        if old.sr_at and stream.sr_at:
            ntp = stream.sr_ntp + (_signed(timestamp - stream.sr_rtp) << 32) // rate
            exact = old.sr_rtp + ((ntp - old.sr_ntp) * rate >> 32) + numbers.timestamp - self.sent.timestamp
        else:
            return by_arrival
        exact = _signed(exact)
        if exact > 0 and abs(exact - by_arrival) < MAX_CLOCK_DIFFERENCE_SECONDS * rate:
            return exact
        return by_arrival

    # ---------------------------------------------------------------- sending again

    def destination(self, numbers: Numbers) -> Destination:
        """Where and with which numbers the batch sends for us."""
        extensions = self.extensions
        if self.link.downlink is None:
            # Nobody judges a link that carries audio alone. Its feedback was 200 of the 325 RTCP packets a second that
            # 20 listeners sent, beside 250 packets of media.
            extensions -= {rtp.TRANSPORT_CC_ID}
        payload_type = self.payload_type if self.up.kind == "video" else -1
        return Destination(self.link, numbers, payload_type, self.ssrc if self.ssrc != self.up.ssrc else -1, extensions)

    def resend(self, sequence: int) -> bool:
        """Answers a NACK for our `sequence`. False when the packet is not there any more, or was resent too often."""
        metrics = self.router.metrics
        for numbers in reversed(self.history):
            if (sequence - numbers.first_sequence) & 0xFFFF < 0x8000:
                break
        else:
            metrics.resend_missed += 1
            return False
        number = (sequence - numbers.sequence) & 0xFFFF
        # A receiver that lost the padding of a train waits for it as for any packet.
        is_padding = numbers.end_sequence >= 0 and (sequence - numbers.end_sequence) & 0xFFFF < 0x8000
        packet = _PADDING if is_padding else numbers.stream.cache.get(number)
        if packet is None or self.is_stopped or self.up.is_silent or self.is_disabled or self.is_paused:
            metrics.resend_missed += 1
            return False
        tries = self._resends.get(sequence, 0)
        if tries >= MAX_RESENDS:
            metrics.resend_capped += 1
            return False
        downlink = self.link.downlink
        is_video = self.up.kind == "video"
        if is_video and downlink is not None and not downlink.may_resend(self.router.now, len(packet)):
            metrics.resend_capped += 1
            return False
        if len(self._resends) >= RESEND_MEMORY:
            self._resends.clear()
        self._resends[sequence] = tries + 1
        if is_padding:
            is_sent = self._send_padding(sequence, int(numbers.timestamp))
        else:
            is_sent = self.send_cached(packet, number, numbers)
        if not is_sent:
            return False
        metrics.resent += 1
        return True

    def send_late(self, packet: bytes, number: int) -> None:
        """A packet that came out of order, for the numbers that were in force when its turn was."""
        for numbers in reversed(self.history):
            if numbers.stream is not self.stream:
                return
            if number >= numbers.first_number:
                # The very first came in order: what has its number now was received twice.
                if number > numbers.first_number or numbers.end_sequence < 0:
                    self.send_cached(packet, number, numbers)
                return

    # ---------------------------------------------------------------- timing the link

    def send_train(self, count: int) -> bool:
        """Sends `count` padding packets at once, between two frames. False when this is not the moment."""
        stream, numbers = self.stream, self.numbers
        if self.is_stopped or not self.is_started or self.up.kind != "video":
            return False
        if stream is not None and numbers is not None:
            if stream.queue or not stream.is_frame_end:
                return False
            first = (stream.numbers.last_number + numbers.sequence + 1) & 0xFFFF
            timestamp = (stream.last_timestamp + numbers.timestamp) & 0xFFFFFFFF
            after = Numbers(stream, stream.numbers.last_number + 1)
            after.first_sequence = (first + count) & 0xFFFF
            after.sequence = (numbers.sequence + count) & 0xFFFF
            after.timestamp, after.picture_id, after.tl0 = numbers.timestamp, numbers.picture_id, numbers.tl0
            numbers.end_sequence = first
            self.numbers = after
            self.history.append(after)
            stream.wants_groups = True
        elif self.sent is not None:
            first, timestamp = (self.sent.sequence + 1) & 0xFFFF, self.sent.timestamp
            self.sent = self.sent._replace(sequence=(self.sent.sequence + count) & 0xFFFF)
            if self.history and self.history[-1].end_sequence < 0:
                self.history[-1].end_sequence = first
        else:
            return False
        for place in range(count):
            self._send_padding((first + place) & 0xFFFF, timestamp)
        return True

    def _send_padding(self, sequence: int, timestamp: int) -> bool:
        packet = bytearray(_PADDING)
        rtp.write_out_header(
            memoryview(packet), 0, 32, max(0, self.payload_type), sequence, timestamp & 0xFFFFFFFF, self.ssrc, 0
        )
        return self.router.batch.send_again(self.destination(Numbers(None, 0)), bytes(packet), sequence)

    def send_cached(self, packet: bytes, number: int, numbers: Numbers) -> bool:
        """Sends one packet of the cache now."""
        ids = codecs.NO_PICTURE_IDS
        if self.up.mime_type == codecs.VP8 and (numbers.picture_id or numbers.tl0):
            ids = codecs.vp8_picture_ids(packet, rtp.OUT_HEADER_BYTES, len(packet))
        if packet[1] & 127 == RED_TYPE and not self.accepts_red and self.up.kind == "audio":
            primary = codecs.red_primary_offset(packet, rtp.OUT_HEADER_BYTES, len(packet))
            if primary < 0:
                return False
            header = bytearray(packet[: rtp.OUT_HEADER_BYTES])
            header[1] = (header[1] & 128) | OPUS_TYPE
            packet = bytes(header) + packet[primary:]
        return self.router.batch.send_again(self.destination(numbers), packet, number, ids)


def _signed(value: int) -> int:
    """A 32-bit difference as a signed number."""
    value &= 0xFFFFFFFF
    return value - 0x100000000 if value & 0x80000000 else value
