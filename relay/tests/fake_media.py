"""A media plane without sockets: records what the control half asks, and lets a test play the packets' side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from relay import clock
from relay.audio import AudioSelector, Loudness
from relay.media import MediaPlane, TransportState
from relay.router import DownTrack, Layer, TrackStats, UpSection, UpTrack
from relay.timeshares import PersonShares
from relay.transport import Transport


class FakeChannels:
    def __init__(self) -> None:
        self.on_message: Callable[[str, bytes], None] | None = None
        self.accepts: Callable[[], bool] = lambda: True
        self.on_open: Callable[[], None] | None = None
        self.on_overflow: Callable[[], None] | None = None
        self.is_open = True
        self.is_created = False
        self.is_behind = False
        self.sent: list[tuple[str, bytes]] = []
        self.holds: list[float] = []

    def hold(self, seconds: float) -> None:
        self.holds.append(seconds)

    def create(self) -> None:
        self.is_created = True

    def send(self, label: str, payload: bytes) -> bool:
        if self.is_open:
            self.sent.append((label, payload))
        return self.is_open

    def receive(self, label: str, payload: bytes) -> None:
        assert self.on_message is not None
        if self.accepts():
            self.on_message(label, payload)


class FakeTransport:
    def __init__(self, label: str, on_state: Callable[[TransportState], None]) -> None:
        self.label = label
        self.on_state = on_state
        self.generation = 1
        self.fingerprint = ("sha-256", ":".join(["AB"] * 32))
        self.state = TransportState.NEW
        self.last_check_at = clock.now()
        self.channels = FakeChannels()
        self.started: list[dict[str, Any]] = []
        self.sections: list[UpSection] = []
        self.is_closed = False
        self.shares: PersonShares | None = None

    def share_time(self, shares: PersonShares) -> None:
        self.shares = shares

    @property
    def local_ufrag(self) -> str:
        return f"ufrag{self.generation}"

    @property
    def local_pwd(self) -> str:
        return f"password-of-generation-{self.generation}"

    def restart_ice(self) -> None:
        self.generation += 1

    def start(self, *, fingerprints: Sequence[tuple[str, str]], remote_setup: str, sctp: bool) -> None:
        self.started.append({"fingerprints": tuple(fingerprints), "remote_setup": remote_setup, "sctp": sctp})

    def become(self, state: TransportState) -> None:
        self.state = state
        self.on_state(state)

    async def close(self) -> None:
        self.is_closed = True


class FakeMeter:
    def __init__(self) -> None:
        self.heard = Loudness(0, 0, 127)

    def take(self) -> Loudness:
        heard, self.heard = self.heard, Loudness(0, 0, 127)
        return heard


class FakeUpTrack:
    def __init__(
        self,
        ssrc: int,
        transport: FakeTransport,
        kind: str,
        mime_type: str,
        on_first_packet: Callable[[], None],
        on_wanted: Callable[[int | None], None],
    ) -> None:
        self.ssrc = ssrc
        self.ssrcs = (ssrc, ssrc + 500)
        self.transport = transport
        self.kind = kind
        self.mime_type = mime_type
        self.first_packet = on_first_packet
        self.wanted = on_wanted
        self.loudness = FakeMeter()
        self.layers: list[Layer] = []
        self.is_muted = False
        self.is_closed = False
        self.reported = TrackStats()

    def set_layers(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)

    def set_muted(self, muted: bool) -> None:
        self.is_muted = muted

    def stats(self) -> TrackStats:
        return self.reported

    def close(self) -> None:
        self.is_closed = True


class FakeDownTrack:
    def __init__(
        self,
        up: FakeUpTrack,
        payload_type: int,
        extensions: Mapping[str, int],
        on_paused: Callable[[bool], None],
        ssrc: int,
    ) -> None:
        self.up = up
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.extensions = dict(extensions)
        self.paused = on_paused
        self.wanted: dict[str, Any] = {}
        self.is_started = False
        self.is_stopped = False
        self.reported = TrackStats()

    def set_wanted(self, **wanted: Any) -> None:
        self.wanted = wanted

    def start(self) -> None:
        assert not self.is_stopped
        self.is_started = True

    def stop(self) -> None:
        self.is_stopped = True

    def stats(self) -> TrackStats:
        return self.reported


class FakeMedia:
    """Stands in for `RelayMedia`; `as_plane` shows it under the protocol's types."""

    candidates = (
        "1 1 udp 2130706431 192.0.2.1 7882 typ host",
        "2 1 tcp 2130706175 192.0.2.1 7882 typ host tcptype passive",
    )

    def __init__(self) -> None:
        self.transports: dict[str, FakeTransport] = {}
        self.ups: list[FakeUpTrack] = []
        self.downs: list[FakeDownTrack] = []

    @property
    def as_plane(self) -> MediaPlane:
        return cast(MediaPlane, self)

    def transport(self, label: str, on_state: Callable[[TransportState], None]) -> Transport:
        self.transports[label] = FakeTransport(label, on_state)
        return cast(Transport, self.transports[label])

    def audio_selector(self) -> AudioSelector:
        return cast(AudioSelector, object())

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
        up = FakeUpTrack(
            1000 + len(self.ups), cast(FakeTransport, transport), kind, mime_type, on_first_packet, on_wanted
        )
        self.ups.append(up)
        return cast(UpTrack, up)

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
        down = FakeDownTrack(cast(FakeUpTrack, up), payload_type, extensions, on_paused, ssrc)
        self.downs.append(down)
        return cast(DownTrack, down)

    def set_sections(self, transport: Transport, sections: Sequence[UpSection]) -> None:
        cast(FakeTransport, transport).sections = list(sections)
