"""One published track, from its AddTrack to its end, as the control half sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from livekit.protocol import models, rtc

from relay import clock, sids
from relay.router import Layer
from relay.sdp import Codec
from relay.sdpwriter import DownlinkCodec, h264_fmtp

if TYPE_CHECKING:
    from relay.participant import Participant
    from relay.router import UpTrack
    from relay.subscription import Subscription

MAX_NAME_BYTES = 256
MAX_LAYERS = 8
_SOURCE_LETTERS = {
    models.TrackSource.CAMERA: "C",
    models.TrackSource.MICROPHONE: "M",
    models.TrackSource.SCREEN_SHARE: "S",
    models.TrackSource.SCREEN_SHARE_AUDIO: "A",
}
_MIME_TYPES = {"opus": "audio/opus", "vp8": "video/VP8", "h264": "video/H264"}
# The names that clients give simulcast layers, low to high (client-sdk-js `videoRids`), for layers without a rid.
_QUALITY_OF_RID = {"q": 0, "h": 1, "f": 2}
_HIGH = 2

# Payload types towards subscribers are the relay's own (README.md): one outgoing header serves all of them. H.264 has
# one per profile and level, as an SDP may not describe one number in two ways.
_OPUS = 111
_VP8 = 96
_H264 = {"42e01f": 125, "42001f": 107, "4d001f": 127, "4d401f": 127, "640c1f": 123, "64001f": 123, "640032": 123}
_OTHER_H264 = 108


class PublishedTrack:
    """A track of one participant. `up` exists once an offer carried its section, `is_announced` once media came."""

    def __init__(self, owner: Participant, request: rtc.AddTrackRequest) -> None:
        self.owner = owner
        self.kind = "audio" if request.type == models.TrackType.AUDIO else "video"
        self.sid = sids.new_sid(sids.TRACK + self.kind[0].upper() + _SOURCE_LETTERS.get(request.source, "U"), 10)
        self.cids = frozenset({request.cid, *(codec.cid for codec in request.simulcast_codecs)} - {""})
        self.preferred_codec = request.simulcast_codecs[0].codec.lower() if request.simulcast_codecs else ""
        self.asked_layers = _asked_layers(request)
        self.info = _track_info(self.sid, request, self.asked_layers)
        self.with_dtx = not (request.disable_dtx or models.AudioTrackFeature.TF_NO_DTX in request.audio_features)
        self.is_stereo = request.stereo or models.AudioTrackFeature.TF_STEREO in request.audio_features
        self.codec: Codec | None = None
        self.up: UpTrack | None = None
        self.negotiated_at = 0.0
        self.is_announced = False
        self.has_been_subscribed = False
        self.subscriptions: dict[str, Subscription] = {}  # by the subscriber's participant sid

    def touch(self) -> None:
        """Marks `info` as changed."""
        self.info.version.unix_micro = int(clock.wall() * 1_000_000)

    def set_muted(self, muted: bool) -> bool:
        """Stops or resumes forwarding. True if that changed anything."""
        if self.info.muted == muted:
            return False
        self.info.muted = muted
        self.touch()
        if self.up is not None:
            self.up.set_muted(muted)
        return True

    def set_negotiated(self, mid: str, codec: Codec, rids: Sequence[str]) -> None:
        """Fills what only the offer told."""
        self.codec = codec
        self.info.mid = mid
        self.info.mime_type = _MIME_TYPES[codec.name]
        self.info.simulcast = len(rids) > 1
        if self.kind == "video":
            layers = self.layers(rids)
            del self.info.layers[:]
            self.info.layers.extend(_video_layer(layer) for layer in layers)
        del self.info.codecs[:]
        self.info.codecs.append(
            models.SimulcastCodecInfo(
                mime_type=self.info.mime_type, mid=mid, cid=next(iter(self.cids), ""), layers=self.info.layers
            )
        )
        self.touch()

    def layers(self, rids: Sequence[str]) -> list[Layer]:
        """The layers that the negotiated `rids` (() for one encoding) will carry, low to high."""
        if not rids:
            best = max(self.asked_layers, key=lambda layer: layer.width * layer.height, default=None)
            width, height = (best.width, best.height) if best else (self.info.width, self.info.height)
            return [Layer(_HIGH, "", width, height, best.bitrate if best else 0)]
        by_rid = {layer.rid: layer for layer in self.asked_layers if layer.rid}
        ordered = sorted(self.asked_layers, key=lambda layer: layer.quality)
        found = []
        for index, rid in enumerate(low_to_high(rids)):
            asked = by_rid.get(rid) or (ordered[index] if index < len(ordered) and not by_rid else None)
            quality = asked.quality if asked is not None else _QUALITY_OF_RID.get(rid, min(index, _HIGH))
            width, height, bitrate = (asked.width, asked.height, asked.bitrate) if asked is not None else (0, 0, 0)
            found.append(Layer(int(quality), rid, width, height, bitrate))
        return found

    @property
    def downlink_codec(self) -> DownlinkCodec:
        """How subscribers get it. Only for a negotiated track."""
        codec = self.codec
        if codec is None:
            raise ValueError(f"track {self.sid} is not negotiated")
        if codec.name == "opus":
            # Stereo and DTX are the sender's matter; a receiver is told only what it must be ready for.
            return DownlinkCodec(_OPUS, "opus", 48000, 2, "minptime=10;useinbandfec=1" + ";stereo=1" * self.is_stereo)
        if codec.name == "vp8":
            return DownlinkCodec(_VP8, "vp8", 90000)
        profile = codec.parameters.get("profile-level-id", "").lower()
        return DownlinkCodec(_H264.get(profile, _OTHER_H264), "h264", 90000, 1, h264_fmtp(codec.parameters))


def low_to_high(rids: Sequence[str]) -> list[str]:
    """Browsers list q, h, f; the Rust core lists f, h, q. Rids of other names are taken to rise."""
    if all(rid in _QUALITY_OF_RID for rid in rids):
        return sorted(rids, key=_QUALITY_OF_RID.__getitem__)
    return list(rids)


def _asked_layers(request: rtc.AddTrackRequest) -> list[models.VideoLayer]:
    if request.type == models.TrackType.AUDIO:
        return []
    layers = list(request.layers) or (list(request.simulcast_codecs[0].layers) if request.simulcast_codecs else [])
    return [layer for layer in layers if 0 <= layer.quality <= _HIGH][:MAX_LAYERS]  # OFF, or nonsense


def _video_layer(layer: Layer) -> models.VideoLayer:
    return models.VideoLayer(
        quality=layer.quality,  # type: ignore[arg-type]  # the stub wants the enum's class
        rid=layer.rid,
        width=layer.width,
        height=layer.height,
        bitrate=layer.bitrate_bps,
    )


def _track_info(sid: str, request: rtc.AddTrackRequest, layers: list[models.VideoLayer]) -> models.TrackInfo:
    guess = request.simulcast_codecs[0].codec.lower() if request.simulcast_codecs else ""
    default = "opus" if request.type == models.TrackType.AUDIO else "vp8"
    info = models.TrackInfo(
        sid=sid,
        type=request.type,
        name=request.name,
        source=request.source,
        muted=request.muted,
        width=request.width,
        height=request.height,
        layers=layers,
        mime_type=_MIME_TYPES.get(guess, _MIME_TYPES[default]),
        simulcast=len(layers) > 1,
        stream=request.stream,
        encryption=request.encryption,
        disable_dtx=request.disable_dtx,
        disable_red=request.disable_red,
        stereo=request.stereo,
        audio_features=request.audio_features,
        backup_codec_policy=request.backup_codec_policy,
        packet_trailer_features=request.packet_trailer_features,
        version=models.TimedVersion(unix_micro=int(clock.wall() * 1_000_000)),
    )
    info.codecs.append(models.SimulcastCodecInfo(mime_type=info.mime_type, cid=request.cid, layers=layers))
    return info
