"""Skeleton: the final signatures; the bodies follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from relay.config import Settings
from relay.datachannel import DataChannels
from relay.link import Link
from relay.metrics import Metrics
from relay.router import Router


class Candidate(NamedTuple):
    protocol: str
    address: str
    port: int
    priority: int
    tcp_type: str | None


class TransportState(Enum):
    NEW = "new"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


class Ports:
    candidates: tuple[Candidate, ...]

    def __init__(self, settings: Settings, router: Router, metrics: Metrics) -> None:
        raise NotImplementedError

    async def open(self) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


class Transport(Link):
    local_ufrag: str
    local_pwd: str
    fingerprint: tuple[str, str]
    state: TransportState
    last_check_at: float
    path: str
    remote_address: str
    channels: DataChannels

    def __init__(self, ports: Ports, label: str, *, on_state: Callable[[TransportState], None]) -> None:
        raise NotImplementedError

    def restart_ice(self) -> None:
        raise NotImplementedError

    def start(self, *, fingerprints: Sequence[tuple[str, str]], remote_setup: str, sctp: bool) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
