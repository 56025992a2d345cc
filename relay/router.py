"""HOT PATH: a packet of a publisher to the down tracks of its track. See README.md, "Life of a packet".

`on_rtp` parses the header once, in place, gives the packet its continuous number and queues it; `flush`, at the end of
the drain, hands each layer's queue to the batch. No await, log, dataclass or try per packet. Everything that has a
period is spread over the ticks of a second, so that no tick does work for all peers at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pylibsrtp._binding import ffi as srtp_ffi  # type: ignore[import-not-found]  # a compiled module
from pylibsrtp._binding import lib as srtp

from relay import clock, codecs, feedback, rtp
from relay.audio import AudioSelector, LevelMeter, Loudness
from relay.bandwidth import LinkEstimate
from relay.batch import MAX_PAYLOAD_BYTES, SLOT_BYTES, Batch, Group, Item
from relay.config import Settings
from relay.downtrack import OPUS_TYPE, RED_TYPE, DownTrack
from relay.link import Link
from relay.metrics import Metrics
from relay.simulcast import Layer
from relay.uptrack import TrackStats, UpSection, UpStream, UpTrack

__all__ = [
    "AudioSelector", "DownTrack", "Layer", "LevelMeter", "Loudness", "ReceiveSlot", "Router", "TrackStats", "UpSection",
    "UpTrack",
]  # fmt: skip

# Our header is longer than a bare RTP header: what is missing is taken from before the packet.
HEADROOM = 64
TICKS_PER_SECOND = 50
TRANSPORT_CC_TICKS = 5  # a feedback each 100 ms
ALLOCATION_TICKS = 10
SELECTOR_TICKS = 5
LAYER_CHECK_TICKS = 10
# A publisher may not fill our memory with SSRCs: three layers and their RTX for 20 tracks.
MAX_STREAMS = 120

_unpack = rtp.HEADER.unpack_from


class ReceiveSlot:
    """Memory for one datagram; `packet` starts at the datagram, `view` and `row` at the headroom before it."""

    __slots__ = ("length", "memory", "packet", "pointer", "row", "view")

    def __init__(self) -> None:
        self.memory = srtp_ffi.new("char[]", HEADROOM + SLOT_BYTES + 64)
        self.pointer = self.memory + HEADROOM
        self.view = memoryview(srtp_ffi.buffer(self.memory)).cast("B")
        self.packet = self.view[HEADROOM : HEADROOM + SLOT_BYTES]
        self.row = np.frombuffer(self.view, np.uint8)
        self.length = srtp_ffi.new("int *")


class Router:
    """All tracks of a worker."""

    def __init__(self, settings: Settings, metrics: Metrics, *, batch: Batch | None = None) -> None:
        self.settings = settings
        self.metrics = metrics
        self.batch = batch or Batch(metrics, mode=settings.send_mode)
        self.now = clock.now()
        self._now_us = 1
        self._dirty: list[UpStream] = []
        self._losing: set[UpStream] = set()
        self._awaited: set[UpStream] = set()
        self._tracks: set[UpTrack] = set()
        self._selectors: set[AudioSelector] = set()
        self._phases: list[set[Link]] = [set() for _ in range(TICKS_PER_SECOND)]
        self._next_phase = 0
        self._ticks = 0

    # ---------------------------------------------------------------- per packet

    def begin(self, now_ns: int) -> None:
        """The time of all packets until the next call: one clock reading for a drain."""
        self.now = now_ns / 1e9
        self._now_us = now_ns // 1000

    def on_rtp(self, link: Link, slot: ReceiveSlot, length: int) -> None:
        """One SRTP packet of `length` bytes in `slot`, from a validated path of `link`. It waits there for `flush`."""
        metrics = self.metrics
        size = slot.length
        size[0] = length
        if link.rx is None or srtp.srtp_unprotect(link.rx, slot.pointer, size):
            metrics.unprotect_failed += 1
            return
        length = size[0]
        data = slot.packet
        offset = rtp.payload_offset(data, length)
        if offset < 0:
            metrics.malformed += 1
            return
        first, type_byte, sequence, timestamp, ssrc = _unpack(data, 0)
        payload_type = type_byte & 127
        metrics.packets_in += 1
        metrics.bytes_in += length
        if link.transport_cc_id:
            at, count = rtp.find_extension(data, offset, link.transport_cc_id)
            if count == 2:
                link.arrived(data[at] << 8 | data[at + 1], self._now_us)
        stream = link.streams.get(ssrc)
        if stream is None:
            stream = self._learn(link, data, offset, payload_type, ssrc)
            if stream is None:
                metrics.packets_unroutable += 1
                return
        if first & 32:
            padding = rtp.padding_bytes(data, offset, length)
            if padding < 0:
                metrics.malformed += 1
                return
            length -= padding
        if stream.repairs is not None:
            if length < offset + 2:
                metrics.padding_dropped += 1  # a bandwidth probe without a packet in it
                return
            sequence = data[offset] << 8 | data[offset + 1]
            payload_type = stream.repairs.rtx_types.get(payload_type, payload_type)
            stream = stream.repairs
            offset += 2
            if stream.numbers.is_needless(sequence):
                metrics.late_dropped += 1
                return
        is_red = stream.types.get(payload_type)
        if is_red is None:
            metrics.packets_unroutable += 1
            return
        self._on_media(stream, slot, offset, length, type_byte & 128, sequence, timestamp, is_red)

    def _on_media(
        self,
        stream: UpStream,
        slot: ReceiveSlot,
        offset: int,
        end: int,
        marker: int,
        sequence: int,
        timestamp: int,
        is_red: bool,
    ) -> None:
        now = self.now
        track = stream.track
        numbers = stream.numbers
        stream.packets += 1
        stream.bytes += end
        stream.last_at = now
        if not stream.is_live:
            stream.rate_at, stream.rate_bytes = now, stream.bytes
            track.on_stream_live(stream)
        if track.is_silent:
            numbers.suppress(sequence)
            if not stream.is_video and stream.audio_level_id and not track.is_muted:
                at, count = rtp.find_extension(slot.packet, rtp.payload_offset(slot.packet, end), stream.audio_level_id)
                if count:
                    track.loudness.add(slot.packet[at] & 127)
            return
        is_first = stream.is_resumed and numbers.first >= 0
        number = numbers.resume(sequence) if is_first else numbers.receive(sequence, now)
        if number < 0:
            self.metrics.late_dropped += 1
            return
        in_order = number == numbers.highest - numbers.shift
        if numbers.missing:
            self._losing.add(stream)
        if numbers.is_restarted:
            numbers.is_restarted = False
            if stream.is_video and stream.members:
                feedback.request_key_frame(self, stream, now)
        if end == offset and in_order:
            numbers.drop_last()
            self.metrics.padding_dropped += 1
            return
        if end - offset > MAX_PAYLOAD_BYTES:
            if in_order:
                numbers.drop_last()
            self.metrics.packets_oversize += 1
            return
        self._enqueue(stream, slot, offset, end, marker, number, timestamp, is_red, in_order)

    def _enqueue(
        self, stream: UpStream, slot: ReceiveSlot, offset: int, end: int, marker: int, number: int, timestamp: int,
        is_red: bool, in_order: bool,
    ) -> None:  # fmt: skip
        now = self.now
        data = slot.packet
        track = stream.track
        ids = codecs.NO_PICTURE_IDS
        level = 0
        if stream.is_video:
            if stream.mime_type == codecs.VP8:
                ids = codecs.vp8_picture_ids(slot.view, HEADROOM + offset, HEADROOM + end)
            out_type = 0
            if stream.orientation_id:
                at, count = rtp.find_extension(data, offset, stream.orientation_id)
                if count:
                    stream.orientation = data[at]
                if stream.orientation:
                    level = rtp.level_word(rtp.ORIENTATION_ID, stream.orientation)
            if stream.waiting and in_order and codecs.is_key_frame_start(stream.mime_type, data, offset, end):
                self._attach_waiting(stream, number, timestamp, ids, now)
        else:
            out_type = RED_TYPE if is_red else OPUS_TYPE
            if stream.audio_level_id:
                at, count = rtp.find_extension(data, offset, stream.audio_level_id)
                if count:
                    value = data[at]
                    track.loudness.add(value & 127)
                    level = rtp.level_word(rtp.AUDIO_LEVEL_ID, value)
            if stream.waiting and in_order:
                self._attach_waiting(stream, number, timestamp, ids, now)
        if in_order:
            arrival = int(now * track.clock_rate)
            transit = (arrival - timestamp) & 0xFFFFFFFF
            change = (transit - stream.transit) & 0xFFFFFFFF
            if change >= 0x80000000:
                change = 0x100000000 - change
            if stream.transit and change < track.clock_rate:
                stream.jitter += (change - stream.jitter) / 16
            stream.transit = transit
            stream.last_timestamp = timestamp
            stream.is_frame_end = marker > 0
            stream.ids = ids
            if stream.is_resumed:
                stream.is_resumed = False
                if not stream.is_video:
                    marker = 128  # the first packet of a talk spurt
        if not stream.members:
            return
        start = HEADROOM + offset - rtp.OUT_HEADER_BYTES
        after = HEADROOM + end
        rtp.write_out_header(slot.view, start, 0, marker | out_type, number & 0xFFFF, timestamp, track.ssrc, level)
        stream.cache.put(number, bytes(slot.view[start:after]))
        if not in_order:
            self._forward_late(stream, number)
            return
        stream.sent_packets += 1
        stream.sent_bytes += after - start - rtp.OUT_HEADER_BYTES
        if not stream.queue:
            self._dirty.append(stream)
        stream.queue.append(Item(slot.row, slot.view, start, after, number, timestamp, ids))

    def _attach_waiting(
        self, stream: UpStream, number: int, timestamp: int, ids: codecs.PictureIds, now: float
    ) -> None:
        self.flush()
        waiting, stream.waiting = stream.waiting, []
        for down in waiting:
            # A key frame before the handshake is over would be lost, and nobody would ask for another.
            if stream.is_video and down.link.tx is None:
                stream.waiting.append(down)
            else:
                down.attach(stream, number, timestamp, ids, now)
        if not stream.waiting:
            self._awaited.discard(stream)

    def _forward_late(self, stream: UpStream, number: int) -> None:
        """A packet that came out of order (mostly after our NACK) goes to those who were receiving when it was sent."""
        packet = stream.cache.get(number & 0xFFFF)
        if packet is None:
            return
        for down in stream.members:
            down.send_late(packet, number)

    def flush(self) -> None:
        """Sends everything that is queued. Call it at the end of a drain, before the receive slots are used again."""
        dirty = self._dirty
        if not dirty:
            return
        batch = self.batch
        batch.set_time(self.now)
        for stream in dirty:
            queue = stream.queue
            if stream.wants_groups or _is_stale(stream, batch.generation):
                self._build_groups(stream)
            if stream.group_red is not None:
                batch.send(stream.group_red, queue, is_video=False)
                queue = [_without_red(item) for item in queue]
            if stream.group_plain is not None:
                batch.send(stream.group_plain, queue, is_video=stream.is_video)
            stream.queue.clear()
        dirty.clear()

    def _build_groups(self, stream: UpStream) -> None:
        members = [(d, d.destination(d.numbers)) for d in stream.members if d.numbers is not None]
        red = [to for d, to in members if d.accepts_red and not stream.is_video]
        plain = [to for d, to in members if not d.accepts_red or stream.is_video]
        any_red = not stream.is_video and any(stream.types.values())
        # Without RED from the publisher all get the same bytes.
        stream.group_red = Group(self.batch, red) if red and any_red else None
        stream.group_plain = Group(self.batch, plain if any_red else red + plain)
        # A plain group behind RED must strip it, also when no member takes RED as it is.
        if any_red and stream.group_red is None:
            stream.group_red = Group(self.batch, ())
        stream.wants_groups = False

    # ---------------------------------------------------------------- whose packet is it

    def set_sections(self, transport: Link, sections: Sequence[UpSection]) -> None:
        """The publisher's negotiated sections; replaces the former ones. Unknown SSRCs are learnt from what arrives."""
        transport.sections = tuple(sections)
        kept = {section.track: section for section in sections}
        for stream in list(transport.streams.values()):
            section = kept.get(stream.track)
            if section is None:
                if stream.repairs is None:
                    stream.track.drop_stream(stream)
                transport.streams.pop(stream.ssrc, None)
            else:
                stream.use_section(section)
        transport.transport_cc_id = next(
            (s.extensions["transport-cc"] for s in sections if s.transport_cc and s.extensions.get("transport-cc")), 0
        )
        self._look_after(transport)

    def _learn(self, link: Link, data: memoryview, offset: int, payload_type: int, ssrc: int) -> UpStream | None:
        """Section and layer of an SSRC seen for the first time: by SSRC line, by mid and rid, by payload type."""
        if len(link.streams) >= MAX_STREAMS:
            return None
        section = self._section_of(link, data, offset, payload_type, ssrc)
        if section is None or section.track.is_closed:
            return None
        track = section.track
        is_rtx = section.payload_types.get(payload_type) == codecs.RTX
        rid = ""
        if section.rids:
            name = "repaired-rid" if is_rtx else "rid"
            rid = rtp.extension_value(data, offset, section.extensions.get(name, 0)).decode("ascii", "replace")
            if not rid and is_rtx:
                rid = rtp.extension_value(data, offset, section.extensions.get("rid", 0)).decode("ascii", "replace")
            if rid not in section.rids:
                return None
        if is_rtx:
            media = section.rtx_ssrcs.get(ssrc)
            repaired = link.streams.get(media) if media is not None else track.streams.get(rid)
            if repaired is None or repaired.track is not track:
                return None
            stream = UpStream(track, link, section, ssrc, rid)
            stream.repairs = repaired
            link.streams[ssrc] = stream
            return stream
        if payload_type not in section.payload_types:
            return None
        stream = UpStream(track, link, section, ssrc, rid)
        if payload_type not in stream.types:
            return None
        link.streams[ssrc] = stream
        track.add_stream(stream)
        return stream

    def _section_of(self, link: Link, data: memoryview, offset: int, payload_type: int, ssrc: int) -> UpSection | None:
        sections = link.sections
        for section in sections:
            if ssrc in section.ssrcs or ssrc in section.rtx_ssrcs:
                return section
        for section in sections:
            mid = rtp.extension_value(data, offset, section.extensions.get("mid", 0))
            if mid and mid.decode("ascii", "replace") == section.mid:
                return section
            if mid and any(mid == other.mid.encode() for other in sections):
                continue
        possible = [section for section in sections if payload_type in section.payload_types]
        # Without a mid only a payload type that a single section uses tells where a packet belongs.
        if len(possible) == 1 and not rtp.extension_value(data, offset, possible[0].extensions.get("mid", 0)):
            return possible[0]
        return None

    # ---------------------------------------------------------------- membership

    def add_track(self, track: UpTrack) -> None:
        """Called by `UpTrack`."""
        self._tracks.add(track)
        if track.selector is not None:
            self._selectors.add(track.selector)

    def forget_track(self, track: UpTrack) -> None:
        """Called by `UpTrack.close`."""
        self._tracks.discard(track)
        for stream in list(track.streams.values()):
            self.forget_stream(stream)
        for ssrc, stream in list(track.link.streams.items()):
            if stream.track is track:
                del track.link.streams[ssrc]
        track.streams.clear()
        if track.selector is not None and not track.selector.has_tracks:
            self._selectors.discard(track.selector)

    def forget_stream(self, stream: UpStream) -> None:
        """An SSRC that sends no more, and what repaired it."""
        self._losing.discard(stream)
        self._awaited.discard(stream)
        stream.cache.clear()  # a down track that may come back still knows the stream
        for ssrc, other in list(stream.link.streams.items()):
            if other.repairs is stream:
                del stream.link.streams[ssrc]

    def add_down(self, down: DownTrack) -> None:
        """Called by `DownTrack`."""
        link = down.link
        self.batch.take_column(link)
        link.downs[down.ssrc] = down
        if link.downlink is None and down.up.kind == "video" and link.column > 0:
            link.downlink = LinkEstimate(self.settings.max_bitrate_bps)
            self.batch.generation += 1  # its audio is numbered from now on, too
        self._look_after(link)

    def forget_down(self, down: DownTrack) -> None:
        """Called by `DownTrack.stop`."""
        if down.link.downs.get(down.ssrc) is down:
            del down.link.downs[down.ssrc]

    def await_switch(self, stream: UpStream) -> None:
        """A down track waits for a key frame of `stream`; it is asked for until it comes."""
        if stream.is_video:
            self._awaited.add(stream)
            self._ask_for(stream, self.now)

    def _ask_for(self, stream: UpStream, now: float) -> None:
        if any(down.link.tx is not None for down in stream.waiting):
            feedback.request_key_frame(self, stream, now)

    def forget_link(self, link: Link) -> None:
        """A peer connection is going: nothing is sent to it or taken from it any more, and no key of it is used."""
        self.flush()
        for down in list(link.downs.values()):
            down.detach()
            down.is_stopped = True
            if down in down.up.downs:
                down.up.downs.remove(down)
        link.downs.clear()
        link.former.clear()
        for stream in list(link.streams.values()):
            if stream.repairs is None:
                stream.track.drop_stream(stream)
        link.streams.clear()
        link.sections = ()
        if link.phase >= 0:
            self._phases[link.phase].discard(link)
            link.phase = -1
        self.batch.release_column(link)
        link.downlink = None
        link.rx = link.tx = None
        link.selected = None
        self.batch.generation += 1  # before the sessions go: groups with raw keys are rebuilt from now on
        link.sessions = ()

    def path_changed(self) -> None:
        """A peer has new keys or another address: groups are rebuilt at the next flush."""
        self.batch.generation += 1

    def _look_after(self, link: Link) -> None:
        if link.phase < 0:
            link.phase = self._next_phase
            self._next_phase = (self._next_phase + 7) % TICKS_PER_SECOND  # neighbours in time are spread out
            self._phases[link.phase].add(link)

    # ---------------------------------------------------------------- per tick

    def on_rtcp(self, link: Link, slot: ReceiveSlot, length: int) -> None:
        """One SRTCP compound in `slot`: handled at once."""
        size = slot.length
        size[0] = length
        if link.rx is None or srtp.srtp_unprotect_rtcp(link.rx, slot.pointer, size):
            self.metrics.unprotect_failed += 1
            return
        self.batch.set_time(self.now)
        feedback.on_rtcp(self, link, bytes(slot.packet[: size[0]]), self.now)

    def tick(self, now: float) -> None:
        """Everything that has a period. Call it every 20 ms."""
        self.now = now
        self.batch.set_time(now)
        tick = self._ticks
        self._ticks += 1
        for stream in list(self._losing):
            if not feedback.send_nacks(self, stream, now):
                self._losing.discard(stream)
        for stream in list(self._awaited):
            if stream.waiting:
                self._ask_for(stream, now)
            else:
                self._awaited.discard(stream)
        for phase in range(tick % TRANSPORT_CC_TICKS, TICKS_PER_SECOND, TRANSPORT_CC_TICKS):
            for link in self._phases[phase]:
                feedback.send_arrivals(self, link)
        for phase in range(tick % ALLOCATION_TICKS, TICKS_PER_SECOND, ALLOCATION_TICKS):
            for link in list(self._phases[phase]):
                feedback.allocate_link(self, link, now)
        for link in list(self._phases[tick % TICKS_PER_SECOND]):
            feedback.send_receiver_reports(self, link, now)
            feedback.send_sender_reports(self, link, now)
        if not tick % SELECTOR_TICKS:
            for selector in self._selectors:
                selector.advance(now)
        if not tick % LAYER_CHECK_TICKS:
            for track in list(self._tracks):
                if track.kind == "video":
                    track.check_layers(now)
                    track.update_wanted(now)


def _is_stale(stream: UpStream, generation: int) -> bool:
    plain, red = stream.group_plain, stream.group_red
    return (plain is not None and plain.generation != generation) or (red is not None and red.generation != generation)


def _without_red(item: Item) -> Item:
    """The same packet with its newest frame only, our header moved up to it. An Opus packet stays as it is."""
    view = item.view
    if view[item.start + 1] & 127 != RED_TYPE:
        return item
    payload = item.start + rtp.OUT_HEADER_BYTES
    primary = codecs.red_primary_offset(view, payload, item.end)
    if primary < 0:
        return item
    start = primary - rtp.OUT_HEADER_BYTES
    header = bytes(view[item.start : payload])
    view[start:primary] = header
    view[start + 1] = (header[1] & 128) | OPUS_TYPE
    return item._replace(start=start)
