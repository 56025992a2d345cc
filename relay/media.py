"""The seam between the control half and the media half: what `peer` and above ask of the packets' side.

`MediaPlane` makes the real objects for `worker`; unit tests hand in a fake of the same shape, so that signalling is
tested without a socket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from relay.config import Settings
from relay.datachannel import DataChannels
from relay.metrics import Metrics
from relay.router import AudioSelector, DownTrack, Router, UpSection, UpTrack
from relay.transport import Candidate, Ports, Transport, TransportState


class MediaPlane(Protocol):
    """Makes transports and tracks, and says where participants find them."""

    @property
    def candidates(self) -> tuple[str, ...]: ...
    def transport(self, label: str, on_state: Callable[[TransportState], None]) -> Transport: ...
    def audio_selector(self) -> AudioSelector: ...
    def up_track(
        self,
        transport: Transport,
        *,
        kind: str,
        mime_type: str,
        on_first_packet: Callable[[], None],
        on_wanted: Callable[[int | None], None],
        selector: AudioSelector | None,
        source: int,
        cname: str,
    ) -> UpTrack: ...
    def down_track(
        self,
        up: UpTrack,
        transport: Transport,
        *,
        payload_type: int,
        extensions: Mapping[str, int],
        on_paused: Callable[[bool], None],
        ssrc: int,
    ) -> DownTrack: ...
    def set_sections(self, transport: Transport, sections: Sequence[UpSection]) -> None: ...


class RelayMedia:
    """The real media plane of one worker: one router, one set of sockets."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.router = Router(settings, metrics)
        self.ports = Ports(settings, self.router, metrics)
        self._loudest_audio = settings.loudest_audio

    @property
    def candidates(self) -> tuple[str, ...]:
        return tuple(candidate_line(number, candidate) for number, candidate in enumerate(self.ports.candidates, 1))

    def transport(self, label: str, on_state: Callable[[TransportState], None]) -> Transport:
        return Transport(self.ports, label, on_state=on_state)

    def audio_selector(self) -> AudioSelector:
        return AudioSelector(self._loudest_audio)

    def up_track(
        self,
        transport: Transport,
        *,
        kind: str,
        mime_type: str,
        on_first_packet: Callable[[], None],
        on_wanted: Callable[[int | None], None],
        selector: AudioSelector | None,
        source: int,
        cname: str,
    ) -> UpTrack:
        return UpTrack(
            self.router,
            transport,
            kind=kind,
            mime_type=mime_type,
            on_first_packet=on_first_packet,
            on_wanted=on_wanted,
            selector=selector,
            source=source,
            cname=cname,
        )

    def down_track(
        self,
        up: UpTrack,
        transport: Transport,
        *,
        payload_type: int,
        extensions: Mapping[str, int],
        on_paused: Callable[[bool], None],
        ssrc: int,
    ) -> DownTrack:
        return DownTrack(
            up, transport, payload_type=payload_type, extensions=extensions, on_paused=on_paused, ssrc=ssrc
        )

    def set_sections(self, transport: Transport, sections: Sequence[UpSection]) -> None:
        self.router.set_sections(transport, sections)


def candidate_line(number: int, candidate: Candidate) -> str:
    """The value of the a=candidate line (RFC 8839, and RFC 6544 for TCP)."""
    protocol, address, port, priority, tcp_type = candidate
    line = f"{number} 1 {protocol} {priority} {address} {port} typ host"
    return f"{line} tcptype {tcp_type}" if tcp_type else line


__all__ = ["DataChannels", "MediaPlane", "RelayMedia", "TransportState", "candidate_line"]
