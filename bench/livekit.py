"""The real LiveKit server, built from its Go module: the peer of `make bench-peer`, the engine of `make test-livekit`.

The version is pinned in bench/livekit_server/go.mod. It listens on the loopback address only.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bench import gobuild, processes

VERSION = "1.13.5"
MODULE = gobuild.ROOT / "bench" / "livekit_server"
_PACKAGE = "github.com/livekit/livekit-server/cmd/server"
_START_SECONDS = 30.0


class ServerError(Exception):
    """The server did not start. The message ends with its last log lines."""


def build_server() -> Path:
    """The server's binary. The first build takes two to eight minutes of two cores; then it is kept."""
    binary = gobuild.BUILD / f"livekit-server-{VERSION}"
    sources = [MODULE / "go.mod", MODULE / "go.sum"]
    if binary.exists() and binary.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return binary
    return gobuild.build(MODULE, binary.name, package=_PACKAGE, niceness=10)


@dataclass
class LiveKitServer:
    """One server process. `folder` holds its configuration and log; signed events go to `webhook_urls`."""

    folder: Path
    webhook_urls: list[str] = field(default_factory=list)
    api_key: str = "visio-bench"
    api_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    port: int = field(default_factory=processes.free_port)
    prometheus_port: int = field(default_factory=processes.free_port)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _log: IO[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerError("the server is not started")
        return self._process.pid

    def configuration(self) -> dict[str, object]:
        """LiveKit's configuration file; JSON is YAML."""
        configuration: dict[str, object] = {
            "port": self.port,
            "bind_addresses": ["127.0.0.1"],
            "prometheus": {"port": self.prometheus_port},
            "keys": {self.api_key: self.api_secret},
            "logging": {"level": "info"},
            "rtc": {
                "udp_port": processes.free_port(),
                "tcp_port": processes.free_port(),
                "node_ip": "127.0.0.1",
                "enable_loopback_candidate": True,
                "interfaces": {"includes": ["lo"]},
                # Without an entry LiveKit sends its clients to public STUN servers. Nobody answers here, nobody has to.
                "stun_servers": ["127.0.0.1:9"],
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
        self._log = (self.folder / "livekit.log").open("ab")
        command = [str(binary), "--config", str(path)]
        self._process = processes.start(command, log=self._log, env={}, cwd=self.folder)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ServerError("LiveKit did not start:\n" + self._log_tail())
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends the server. Does nothing when it is not running."""
        if self._process is not None:
            processes.stop(self._process)
            self._process = None
        if self._log is not None:
            self._log.close()
            self._log = None

    def metrics(self) -> str:
        """Its counters in Prometheus' text format."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.prometheus_port}/metrics", timeout=10) as answer:
            return str(answer.read(), "utf-8")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _log_tail(self) -> str:
        return "\n".join((self.folder / "livekit.log").read_text(errors="replace").splitlines()[-15:])
