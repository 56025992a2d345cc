"""Skeleton: the final signatures; the bodies follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from relay.config import Settings
from relay.link import Link
from relay.metrics import Metrics


class Layer(NamedTuple):
    quality: int
    rid: str
    width: int
    height: int
    bitrate_bps: int


class Loudness(NamedTuple):
    frames: int
    active_frames: int
    loudest: int


class LevelMeter:
    def take(self) -> Loudness:
        """What was heard since the last call; `loudest` is 127 when nothing was."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class TrackStats:
    packets: int = 0
    bytes: int = 0
    loss: float = 0.0
    rtt_seconds: float = 0.0
    jitter_seconds: float = 0.0
    bitrate_bps: int = 0
    layer: str = ""
    paused: bool = False


class AudioSelector:
    def __init__(self, limit: int) -> None:
        raise NotImplementedError

    def add(self, up: UpTrack) -> None:
        raise NotImplementedError

    def remove(self, up: UpTrack) -> None:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class UpSection:
    mid: str
    track: UpTrack
    payload_types: Mapping[int, str]
    rtx: Mapping[int, int] = field(default_factory=dict)
    extensions: Mapping[str, int] = field(default_factory=dict)
    rids: tuple[str, ...] = ()
    ssrcs: tuple[int, ...] = ()
    rtx_ssrcs: Mapping[int, int] = field(default_factory=dict)
    transport_cc: bool = True  # the answer has `a=rtcp-fb transport-cc`; otherwise REMB is sent


class Router:
    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        raise NotImplementedError

    def tick(self, now: float) -> None:
        raise NotImplementedError

    def set_sections(self, transport: Link, sections: Sequence[UpSection]) -> None:
        raise NotImplementedError


class UpTrack:
    ssrc: int
    loudness: LevelMeter
    live_layers: tuple[str, ...]

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
        cname: str = "",
    ) -> None:
        raise NotImplementedError

    def set_layers(self, layers: Sequence[Layer]) -> None:
        raise NotImplementedError

    def set_muted(self, muted: bool) -> None:
        raise NotImplementedError

    def stats(self) -> TrackStats:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class DownTrack:
    current_layer: str

    def __init__(
        self,
        up: UpTrack,
        transport: Link,
        *,
        payload_type: int,
        extensions: Mapping[str, int],
        on_paused: Callable[[bool], None],
    ) -> None:
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def set_wanted(
        self, *, disabled: bool, quality: int | None = None, width: int = 0, height: int = 0, fps: int = 0
    ) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def stats(self) -> TrackStats:
        raise NotImplementedError
