"""One track towards one participant: what the client asked for, and the down track once its section is negotiated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit.protocol import models, rtc

if TYPE_CHECKING:
    from relay.participant import Participant
    from relay.router import DownTrack
    from relay.track import PublishedTrack


@dataclass(frozen=True, slots=True)
class WantedMedia:
    """The client's last `track_setting` for a track, or what holds before the first (livekit-protocol D.2)."""

    disabled: bool = False
    quality: int | None = None
    width: int = 0
    height: int = 0
    fps: int = 0


class Subscription:
    """Lives from the wish to its end; survives renegotiations and settings that come early."""

    def __init__(self, subscriber: Participant, track: PublishedTrack, wanted: WantedMedia) -> None:
        self.subscriber = subscriber
        self.track = track
        self.wanted = wanted
        self.down: DownTrack | None = None
        self._is_closed = False

    def start(self, payload_type: int, extensions: Mapping[str, int], ssrc: int) -> None:
        """The client has answered: forward from now on."""
        up, peer = self.track.up, self.subscriber.subscriber
        if self._is_closed or up is None or peer is None or self.down is not None:
            return
        self.down = self.subscriber.context.media.down_track(
            up,
            peer.transport,
            payload_type=payload_type,
            extensions=extensions,
            on_paused=self._on_paused,
            ssrc=ssrc,
        )
        self._apply()
        self.down.start()
        self.track.owner.publishing.subscribed(self.track)

    def refuse(self) -> None:
        """The client's answer does not take the codec."""
        self.subscriber.subscribing.refused(self.track)

    def set_wanted(self, wanted: WantedMedia) -> None:
        """Takes effect at once, or when the down track starts."""
        self.wanted = wanted
        self._apply()

    def close(self) -> None:
        """Nothing of the track leaves afterwards. The caller renegotiates."""
        self._is_closed = True
        if self.down is not None:
            self.down.stop()
            self.down = None

    def _apply(self) -> None:
        if self.down is not None:
            wanted = self.wanted
            self.down.set_wanted(
                disabled=wanted.disabled,
                quality=wanted.quality,
                width=wanted.width,
                height=wanted.height,
                fps=wanted.fps,
            )

    def _on_paused(self, is_paused: bool) -> None:
        state = rtc.StreamState.PAUSED if is_paused else rtc.StreamState.ACTIVE
        info = rtc.StreamStateInfo(participant_sid=self.track.owner.sid, track_sid=self.track.sid, state=state)
        self.subscriber.send(rtc.SignalResponse(stream_state_update=rtc.StreamStateUpdate(stream_states=[info])))


def first_wish(kind: str, *, adaptive_stream: bool) -> WantedMedia:
    """What is sent before the client's first `track_setting`: small to pages that will ask, all to the others."""
    if kind == "audio":
        return WantedMedia()
    return WantedMedia(quality=int(models.VideoQuality.LOW if adaptive_stream else models.VideoQuality.HIGH))
