"""What a participant publishes: an `UpTrack` with one `UpStream` per incoming SSRC (one per simulcast layer)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from relay import codecs
from relay.audio import AudioSelector, LevelMeter
from relay.batch import Group, Item
from relay.codecs import NO_PICTURE_IDS, PictureIds
from relay.link import Link
from relay.packetcache import AUDIO_PACKETS, VIDEO_PACKETS, PacketCache
from relay.simulcast import IncomingNumbers, Layer, choose_layer, quality_for_size

if TYPE_CHECKING:
    from relay.downtrack import DownTrack
    from relay.router import Router

# A layer without a packet for this long is gone while another lives: its subscribers move there.
LAYER_TIMEOUT_SECONDS = 1.5
# Dynacast: lowering what is asked of a publisher waits, or each tab switch would restart an encoder (LiveKit: 5 s).
DYNACAST_PAUSE_SECONDS = 5.0
HIGHEST_QUALITY = 2
# A publisher that begins finds out only in this time what its own link carries: its layers are still thin, and become
# what it announced.
RAMP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class TrackStats:
    """Counters of one track. For an up track `loss` is upstream, for a down track what its subscriber reported."""

    packets: int = 0
    bytes: int = 0
    loss: float = 0.0
    rtt_seconds: float = 0.0
    jitter_seconds: float = 0.0
    bitrate_bps: int = 0
    layer: str = ""
    paused: bool = False


@dataclass(frozen=True, slots=True)
class UpSection:
    """One negotiated media section of a publisher peer."""

    mid: str
    track: UpTrack
    payload_types: Mapping[
        int, str
    ]  # the client's PT -> "audio/opus", "audio/red", "video/vp8", "video/h264", "video/rtx"
    rtx: Mapping[int, int] = field(default_factory=dict)  # rtx PT -> PT of its media
    extensions: Mapping[str, int] = field(default_factory=dict)  # short name -> id
    rids: tuple[str, ...] = ()  # low to high
    ssrcs: tuple[int, ...] = ()
    rtx_ssrcs: Mapping[int, int] = field(default_factory=dict)  # rtx SSRC -> media SSRC
    transport_cc: bool = True  # the answer has `a=rtcp-fb transport-cc`; otherwise REMB is sent


class UpStream:
    """One incoming SSRC: its numbers, its statistics, its cache and the down tracks that it goes to."""

    __slots__ = (
        "audio_level_id", "bitrate_bps", "bytes", "cache", "expected_reported", "group_plain", "group_red", "ids",
        "is_frame_end", "is_live", "is_resumed", "is_video", "jitter", "last_at", "last_timestamp", "link", "live_at",
        "loss", "lsr", "lsr_at", "members", "mime_type", "numbers", "orientation", "orientation_id", "packets",
        "pli_at", "pli_count", "queue", "rate_at", "rate_bytes", "received_reported", "repairs", "rid", "rtx_types",
        "sent_bytes", "sent_packets", "sr_at", "sr_ntp", "sr_rtp", "ssrc", "track", "transit", "types", "waiting",
        "wants_groups",
    )  # fmt: skip

    def __init__(self, track: UpTrack, link: Link, section: UpSection, ssrc: int, rid: str) -> None:
        self.track = track
        self.link = link
        self.ssrc = ssrc
        self.rid = rid
        self.mime_type = track.mime_type
        self.is_video = track.kind == "video"
        self.numbers = IncomingNumbers()
        self.cache = PacketCache(VIDEO_PACKETS if self.is_video else AUDIO_PACKETS)
        self.queue: list[Item] = []
        self.members: list[DownTrack] = []
        self.waiting: list[DownTrack] = []
        self.group_plain: Group | None = None
        self.group_red: Group | None = None
        self.wants_groups = True
        self.repairs: UpStream | None = None  # set on an RTX stream: the one that it repairs
        self.use_section(section)
        self.is_live = False
        self.live_at = 0.0
        self.is_resumed = False
        self.packets = self.bytes = 0
        self.sent_packets = self.sent_bytes = 0
        self.last_at = 0.0
        self.last_timestamp = 0
        self.is_frame_end = False
        self.ids: PictureIds = NO_PICTURE_IDS
        self.orientation = 0
        self.jitter = 0.0
        self.transit = 0
        self.loss = 0.0
        self.expected_reported = self.received_reported = 0
        self.lsr = 0
        self.lsr_at = 0.0
        self.sr_ntp = self.sr_rtp = 0
        self.sr_at = 0.0
        self.pli_at = -1e9
        self.pli_count = 0
        self.bitrate_bps = 0.0
        self.rate_at = 0.0
        self.rate_bytes = 0

    def use_section(self, section: UpSection) -> None:
        """Takes payload types and extension ids of a (re)negotiated section."""
        mime_type = self.track.mime_type
        # Opus may come bare or inside RED; a video track has one codec.
        accepted = {mime_type, codecs.RED, codecs.OPUS} if not self.is_video else {mime_type}
        self.types = {pt: mime == codecs.RED for pt, mime in section.payload_types.items() if mime in accepted}
        self.rtx_types = dict(section.rtx)
        self.audio_level_id = section.extensions.get("audio-level", 0)
        self.orientation_id = section.extensions.get("orientation", 0)

    def measure(self, now: float) -> None:
        """Updates `bitrate_bps`; call it about once a second."""
        elapsed = now - self.rate_at
        if elapsed < 0.5:
            return
        rate = (self.bytes - self.rate_bytes) * 8 / elapsed
        self.bitrate_bps = rate if not self.bitrate_bps else self.bitrate_bps + (rate - self.bitrate_bps) * 0.4
        self.rate_at, self.rate_bytes = now, self.bytes


class UpTrack:
    """One published track. Down tracks of it send the same SSRC, so that a fan-out shares its header; `ssrcs` has a
    second one for subscribers that had the track before: see `DownTrack`."""

    def __init__(
        self,
        router: Router,
        transport: Link,
        *,
        kind: str,
        mime_type: str,
        on_first_packet: Callable[[], None],
        on_wanted: Callable[[int | None], None],
        selector: AudioSelector | None = None,
        source: int = 0,
        cname: str = "",
    ) -> None:
        self.router = router
        self.link = transport
        self.kind = kind
        self.mime_type = mime_type.lower()
        self.clock_rate = codecs.CLOCK_RATES.get(self.mime_type, 90_000 if kind == "video" else 48_000)
        self.cname = cname
        self.competitor = (transport, source)  # of its selector: a person's tracks of one source share a place
        self.ssrc = random.SystemRandom().randrange(1, 1 << 32)
        self.ssrcs = (self.ssrc, (self.ssrc + random.SystemRandom().randrange(1, 1 << 31)) & 0xFFFFFFFF or 1)
        self.loudness = LevelMeter()
        self.streams: dict[str, UpStream] = {}  # by rid
        self.downs: list[DownTrack] = []
        self.layers: tuple[Layer, ...] = ()
        self.is_muted = False
        self.is_selected = True
        self.is_silent = False  # muted or not among the loudest: read once per packet
        self.is_closed = False
        self.has_packets = False
        self._on_first_packet = on_first_packet
        self._on_wanted = on_wanted
        self._wanted: int | None = None
        self._lower_at: float | None = None
        self.selector = selector if kind == "audio" else None
        if self.selector is not None:
            self.selector.add(self)
        router.add_track(self)

    @property
    def live_layers(self) -> tuple[str, ...]:
        """The rids that send now, low to high; `("",)` without simulcast."""
        return tuple(s.rid for s in self._live())

    def _live(self) -> list[UpStream]:
        ranks = {layer.rid: layer.quality for layer in self.layers}
        order = {rid: place for place, rid in enumerate(("q", "h", "f"))}
        return sorted(
            (s for s in self.streams.values() if s.is_live), key=lambda s: ranks.get(s.rid, order.get(s.rid, 0))
        )

    def set_layers(self, layers: Sequence[Layer]) -> None:
        """What the publisher announced of its layers."""
        self.layers = tuple(layers)
        self.retarget()

    def set_muted(self, muted: bool) -> None:
        """Muted: no packet of it leaves the relay from this call on. Unmuted: same SSRC, continuous numbers."""
        if muted != self.is_muted:
            self.is_muted = muted
            self._update_silence()

    def set_selected(self, selected: bool) -> None:
        """Called by the `AudioSelector`."""
        if selected != self.is_selected:
            self.is_selected = selected
            self._update_silence()

    def _update_silence(self) -> None:
        silent = self.is_muted or not self.is_selected
        if silent == self.is_silent:
            return
        self.router.flush()
        self.is_silent = silent
        if silent:
            for down in self.downs:
                if self.kind == "video":
                    down.detach()  # it needs a key frame to go on
            for stream in self.streams.values():
                stream.numbers.close_gaps()
        else:
            for stream in self.streams.values():
                stream.is_resumed = True
            self.retarget()

    def stats(self) -> TrackStats:
        """Upstream counters over all layers."""
        streams = list(self.streams.values())
        return TrackStats(
            packets=sum(s.packets for s in streams),
            bytes=sum(s.bytes for s in streams),
            loss=max((s.loss for s in streams), default=0.0),
            jitter_seconds=max((s.jitter / self.clock_rate for s in streams), default=0.0),
            bitrate_bps=int(sum(s.bitrate_bps for s in streams if s.is_live)),
            layer=",".join(self.live_layers),
            paused=self.is_silent,
        )

    def close(self) -> None:
        """Nothing of it is forwarded any more. Idempotent."""
        if self.is_closed:
            return
        self.router.flush()
        self.is_closed = True
        for down in list(self.downs):
            down.stop()
        if self.selector is not None:
            self.selector.remove(self)
        self.router.forget_track(self)

    # ---------------------------------------------------------------- layers

    def layer_costs(self) -> list[tuple[int, int]]:
        """(quality, bit rate) of the live layers, low to high: measured, or announced before it could be.

        A young layer above the lowest costs at least what was announced: a raise to it must not flood the link later.
        """
        announced = {layer.rid: layer for layer in self.layers}
        found = []
        for place, stream in enumerate(self._live()):
            layer = announced.get(stream.rid)
            quality = layer.quality if layer else (place if stream.rid else HIGHEST_QUALITY)
            is_young = place > 0 and stream.last_at - stream.live_at < RAMP_SECONDS
            announced_bps = layer.bitrate_bps if layer and (is_young or not stream.bitrate_bps) else 0
            found.append((quality, int(max(stream.bitrate_bps, announced_bps) or 150_000)))
        return found

    def stream_for(self, quality: int) -> UpStream | None:
        """The live stream that serves `quality` best."""
        rid = choose_layer(self.layers, self.live_layers, quality)
        return self.streams.get(rid) if rid is not None else None

    def quality_for(self, width: int, height: int) -> int | None:
        """The quality that covers a picture of this size, None when the layers' sizes are not known."""
        return quality_for_size(self.layers, width, height)

    def add_stream(self, stream: UpStream) -> None:
        """A new SSRC of this track; one that had the same rid is replaced (the sender restarted)."""
        old = self.streams.get(stream.rid)
        if old is not None:
            self.drop_stream(old)
        self.streams[stream.rid] = stream

    def drop_stream(self, stream: UpStream) -> None:
        """An SSRC that sends no more."""
        self.router.flush()
        for down in [*stream.members, *stream.waiting]:
            down.detach()
        if self.streams.get(stream.rid) is stream:
            del self.streams[stream.rid]
        stream.link.streams.pop(stream.ssrc, None)
        self.router.forget_stream(stream)
        self.retarget()

    def pause_stream(self, stream: UpStream) -> None:
        """A BYE. The SSRC stays known: libwebrtc says it of a layer that it stops, and later goes on without a rid."""
        self.router.flush()
        stream.is_live = False
        stream.bitrate_bps = 0
        for down in [*stream.members, *stream.waiting]:
            down.detach()
        self.retarget()

    def on_stream_live(self, stream: UpStream) -> None:
        """The first packet of a layer, or the first after a pause."""
        stream.is_live = True
        stream.live_at = stream.last_at
        if not self.has_packets:
            self.has_packets = True
            self._on_first_packet()
        self.retarget()

    def check_layers(self, now: float) -> None:
        """Moves subscribers off layers that stopped while others live. Call a few times a second."""
        streams = self.streams.values()
        if not any(s.is_live and now - s.last_at <= LAYER_TIMEOUT_SECONDS for s in streams):
            return  # all silent: muted or lost, nothing better to offer
        dead = [s for s in streams if s.is_live and now - s.last_at > LAYER_TIMEOUT_SECONDS]
        for stream in dead:
            stream.is_live = False
            stream.bitrate_bps = 0
        if dead:
            self.retarget()

    def retarget(self) -> None:
        """Every down track looks again for its best stream."""
        for down in self.downs:
            down.retarget()

    # ---------------------------------------------------------------- dynacast

    def update_wanted(self, now: float) -> None:
        """Tells the publisher's side the highest quality that anybody wants: more at once, less after five seconds."""
        wanted = max((d.wanted for d in self.downs if d.is_started and not d.is_disabled), default=None)
        if wanted == self._wanted:
            self._lower_at = None
        elif self._wanted is None or (wanted is not None and wanted > self._wanted):
            self._lower_at = None
            self._wanted = wanted
            self._on_wanted(wanted)
        elif self._lower_at is None:
            self._lower_at = now + DYNACAST_PAUSE_SECONDS
        elif now >= self._lower_at:
            self._lower_at = None
            self._wanted = wanted
            self._on_wanted(wanted)
