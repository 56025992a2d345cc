"""The two engines under the same load: the embedded relay inside the portal, and the real LiveKit server.

An engine says where clients connect, which processes are its media plane, and how long packets stay inside it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench import gobuild, processes
from bench.livekit import LiveKitServer
from relay import wire
from relay.errors import ProtocolError

_START_SECONDS = 60.0
_CALL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Receive to send inside the engine over the window; `reason` says why there is none."""

    p50_ms: float | None = None
    p99_ms: float | None = None
    reason: str = ""


class Engine(Protocol):
    """What the load is put on."""

    name: str
    url: str
    api_key: str
    api_secret: str

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def pids(self) -> list[int]: ...
    def begin_window(self) -> None: ...
    def latency(self) -> Latency: ...


class EmbeddedRelay:
    """`manage.py serve` with one relay worker, a temporary DATA_DIR and free ports."""

    name = "relay"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = processes.free_port()
        self.url = f"ws://127.0.0.1:{self._port}"
        self.api_key = "visio-bench"
        self.api_secret = secrets.token_urlsafe(32)
        self._socket = folder / "run" / "relay-0.sock"
        self._server = processes.Server("manage.py serve", folder / "portal.log")

    def environment(self) -> dict[str, str]:
        own = {
            "ENV_FILE": "",  # not the administrator's .env
            "SECRET_KEY": secrets.token_urlsafe(48),
            "HOST": "127.0.0.1",
            "PORT": str(self._port),
            "DATA_DIR": str(self._folder / "data"),
            "RUN_DIR": str(self._socket.parent),
            "LIVEKIT_API_KEY": self.api_key,
            "LIVEKIT_API_SECRET": self.api_secret,
            "LIVEKIT_URL": "",
            "RELAY_WORKERS": "1",
            "WARM_STANDBY": "false",  # a spare worker would be counted, and its imports take processor time
            "RELAY_PORT": str(processes.free_port()),
            "RELAY_ADDRESSES": "127.0.0.1",
            "RELAY_LOUDEST_AUDIO": "1000",  # the peer forwards every audio track, so this one does
        }
        # PATH, HOME, RELAY_SEND, RELAY_DRAIN … may come from outside; what decides the comparison does not.
        return {**os.environ, **own}

    def start(self) -> None:
        self._socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._server.start(
            [sys.executable, "manage.py", "serve"],
            env=self.environment(),
            cwd=gobuild.ROOT,
            answers=lambda: self._worker_answers() and processes.says_200(self._port, "/readyz"),
            seconds=_START_SECONDS,
        )

    def stop(self) -> None:
        self._server.stop()

    def pids(self) -> list[int]:
        return processes.children_running(self._server.pid, "relay.worker")

    def begin_window(self) -> None:
        self._call("Relay.ResetStats")

    def latency(self) -> Latency:
        counters = self.status()["counters"]
        return Latency(counters["latency_us_p50"] / 1000, counters["latency_us_p99"] / 1000)

    def status(self) -> dict[str, Any]:
        """The worker's `Relay.Status` document, kept beside the log."""
        answer = self._call("Relay.Status")
        (self._folder / "relay-status.json").write_bytes(answer)
        document: dict[str, Any] = json.loads(answer)
        return document

    def _call(self, method: str) -> bytes:
        return asyncio.run(asyncio.wait_for(_call_worker(self._socket, method), _CALL_SECONDS))

    def _worker_answers(self) -> bool:
        try:
            self.status()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return False
        return True


async def _call_worker(path: Path, method: str) -> bytes:
    """The worker's answer to `method`, over a link of its own that asks for no events."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        own = {"version": wire.VERSION, "instance": f"bench-{os.getpid()}", "slot": 0, "events": False}
        writer.write(wire.pack_json(wire.Kind.HELLO, own))
        writer.write(wire.pack(wire.Kind.CALL, request=1, payload=method.encode() + b"\0"))
        await writer.drain()
        while True:
            frame = await wire.read_frame(reader)
            if frame.kind is wire.Kind.REPLY and frame.request == 1:
                return frame.payload
            if frame.kind is wire.Kind.ERROR:
                raise ProtocolError(f"{method}: {frame.payload!r}")
    finally:
        writer.close()


class LiveKit:
    """The real server. Its latency comes from its own histogram."""

    name = "livekit"

    def __init__(self, folder: Path) -> None:
        self._server = LiveKitServer(folder)
        self.url = self._server.url
        self.api_key = self._server.api_key
        self.api_secret = self._server.api_secret
        self._before: dict[float, float] = {}

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def pids(self) -> list[int]:
        return [self._server.pid]

    def begin_window(self) -> None:
        self._before = forward_histogram(self._server.metrics())

    def latency(self) -> Latency:
        after = forward_histogram(self._server.metrics())
        counts = {edge: count - self._before.get(edge, 0.0) for edge, count in after.items()}
        p50, p99 = quantile_ms(counts, 0.5), quantile_ms(counts, 0.99)
        if p50 is None:
            return Latency(reason="livekit_forward_latency_ns has no samples in the window")
        if p99 is None:
            return Latency(p50, None, "p99 is beyond the histogram's last edge, 20 ms")
        return Latency(p50, p99)


_BUCKET = re.compile(r'^livekit_forward_latency_ns_bucket\{[^}]*le="([^"]+)"\} (\S+)$', re.MULTILINE)


def forward_histogram(metrics: str) -> dict[float, float]:
    """Cumulative counts by upper edge in nanoseconds."""
    return {float(edge): float(count) for edge, count in _BUCKET.findall(metrics)}


def quantile_ms(cumulative: dict[float, float], share: float) -> float | None:
    """The quantile, linear inside its bucket as in Prometheus; None without samples or beyond the last edge."""
    total = cumulative.get(float("inf"), 0.0)
    lower_edge = lower_count = 0.0
    for edge, count in sorted(cumulative.items()):
        if total and count >= share * total:
            if edge == float("inf"):
                return None
            inside = (share * total - lower_count) / (count - lower_count) if count > lower_count else 1.0
            return round((lower_edge + (edge - lower_edge) * inside) / 1e6, 3)
        lower_edge, lower_count = edge, count
    return None
