"""The real LiveKit server, built from its Go module: the peer of `make bench-peer`, the engine of `make test-livekit`.

The version is pinned in bench/livekit_server/go.mod. It listens on the loopback address, or on one that it is told.
"""

from __future__ import annotations

import json
import secrets
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from bench import gobuild, processes

VERSION = "1.13.5"
LOOPBACK = "127.0.0.1"
MODULE = gobuild.ROOT / "bench" / "livekit_server"
_PACKAGE = "github.com/livekit/livekit-server/cmd/server"
_START_SECONDS = 30.0
_ON_LOOPBACK = {"enable_loopback_candidate": True, "interfaces": {"includes": ["lo"]}}


def build_server() -> Path:
    """The server's binary. The first build takes two to eight minutes of two cores; then it is kept."""
    binary = gobuild.BUILD / f"livekit-server-{VERSION}"
    sources = [MODULE / "go.mod", MODULE / "go.sum"]
    if binary.exists() and binary.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return binary
    return gobuild.build(MODULE, binary.name, package=_PACKAGE, niceness=10)


@dataclass
class LiveKitServer:
    """One server process. `folder` holds its configuration and log; signed events go to `webhook_urls`.

    Firefox sends no media to the loopback address: `address` may be this machine's own.
    """

    folder: Path
    webhook_urls: list[str] = field(default_factory=list)
    address: str = LOOPBACK
    api_key: str = "visio-bench"
    api_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    port: int = field(default_factory=processes.free_port)
    prometheus_port: int = field(default_factory=processes.free_port)

    def __post_init__(self) -> None:
        self._server = processes.Server("LiveKit", self.folder / "livekit.log")

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://{self.address}:{self.port}"

    @property
    def pid(self) -> int:
        return self._server.pid

    def configuration(self) -> dict[str, object]:
        """LiveKit's configuration file; JSON is YAML."""
        configuration: dict[str, object] = {
            "port": self.port,
            "bind_addresses": sorted({LOOPBACK, self.address}),
            "prometheus": {"port": self.prometheus_port},
            "keys": {self.api_key: self.api_secret},
            "logging": {"level": "info"},
            "rtc": {
                "udp_port": processes.free_port(self.address),
                "tcp_port": processes.free_port(self.address),
                "node_ip": self.address,
                **(_ON_LOOPBACK if self.address == LOOPBACK else {}),
                # Without an entry LiveKit sends its clients to public STUN servers. Nobody answers here, nobody has to;
                # but browsers must allow the port: Firefox ends the join at 9 ("uses a port that is blocked").
                "stun_servers": ["127.0.0.1:3478"],
                # Fills livekit_forward_latency_ns, which stays empty otherwise.
                "forward_stats": {"summary_interval": "1s", "report_interval": "5s", "report_window": "30s"},
            },
        }
        if self.webhook_urls:
            configuration["webhook"] = {"api_key": self.api_key, "urls": self.webhook_urls}
        return configuration

    def start(self) -> None:
        """Returns once the server answers. Raises `ServerError`."""
        binary = build_server()
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "livekit.yaml"
        path.touch(mode=0o600)
        path.write_text(json.dumps(self.configuration(), indent=1))
        self._server.start(
            [str(binary), "--config", str(path)],
            env={},
            cwd=self.folder,
            answers=lambda: processes.says_200(self.port, "/"),
            seconds=_START_SECONDS,
        )

    def stop(self) -> None:
        self._server.stop()

    def metrics(self) -> str:
        """Its counters in Prometheus' text format."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.prometheus_port}/metrics", timeout=10) as answer:
            return str(answer.read(), "utf-8")
