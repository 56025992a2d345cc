"""One portal under test: `manage.py serve` as an administrator starts it, on free ports, with its own data folder."""

import contextlib
import os
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
from livekit import api

from meetings.placement import slots_of

ROOT = Path(__file__).resolve().parent.parent
STARTS_WITHIN_SECONDS = 120  # on two very busy cores
ENDS_WITHIN_SECONDS = 40


class Portal:
    """`start()`, then `url`; `stop()` at the end, whatever happened."""

    def __init__(
        self, data_dir: Path, *, workers: int = 2, environment: Mapping[str, str] | None = None, port: int | None = None
    ) -> None:
        self.data_dir = data_dir
        self.workers = workers
        self.log_path = data_dir / "serve.log"
        self.port = port or free_port()
        self.relay_port = free_ports_in_a_row(workers)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
            "ENV_FILE": "",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "LIVEKIT_API_KEY": "key" + secrets.token_hex(6),
            "LIVEKIT_API_SECRET": secrets.token_urlsafe(48),
            "DATA_DIR": str(data_dir),
            "PORT": str(self.port),
            "RELAY_PORT": str(self.relay_port),
            "RELAY_WORKERS": str(workers),
            **(environment or {}),
        }
        self.url = self._address()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def authority(self) -> Path:
        """The certificate that clients must trust where the portal serves HTTPS by itself."""
        return self.data_dir / "tls" / "authority.crt"

    @property
    def engine_url(self) -> str:
        """Where raw SDK clients connect: the portal itself, or the LiveKit server that it was told to use."""
        return self.environment.get("LIVEKIT_URL") or self.url.replace("http", "ws", 1)

    def start(self) -> None:
        """Returns when /readyz says so. Raises AssertionError with the end of the log otherwise."""
        self.manage("migrate", "--no-input")
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while not self._is_ready():
            ended = self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                what = f"serve ended with {self.process.returncode}" if ended else "serve does not become ready"
                raise AssertionError(f"{what}\n{self.log()}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Ends the portal as Ctrl-C does; kills what is left of it, and says so."""
        if self.process is None or self.process.poll() is not None:
            return
        children = self.children()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(ENDS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in [self.process.pid, *children.values()]:
                _kill(pid)
            self.process.wait()
            raise AssertionError(f"serve did not end within {ENDS_WITHIN_SECONDS} s\n{self.log()}") from None

    def manage(self, *arguments: str) -> str:
        """The output of a management command that runs beside the portal."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"manage.py {arguments[0]}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def children(self) -> dict[str, int]:
        """The pids of the supervisor's children: "web", "worker", "relay-0", "relay-1" …"""
        assert self.process is not None, "not started"
        found: dict[str, int] = {}
        for pid in descendants(self.process.pid):
            name = _name_of(pid)
            if name and name not in found:
                found[name] = pid
        return found

    def kill(self, name: str) -> int:
        """kill -9 of one child; the pid that it had."""
        pid = self.children()[name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def spares(self) -> list[str]:
        """The names of the processes that have imported everything and wait to take another's place."""
        assert self.process is not None, "not started"
        names = [_comm_of(pid) for pid in descendants(self.process.pid)]
        return sorted(name for name in names if name.endswith("-spare"))

    def log(self, lines: int = 40) -> str:
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def token(self, room: str, identity: str, *, name: str = "", ttl_seconds: int = 3600, **grants: bool) -> str:
        """A token as an outside application signs it, for a room without a row in the portal."""
        video = api.VideoGrants(room_join=True, room=room, **grants)  # type: ignore[arg-type]  # only booleans are used
        return self.sign(identity, video, name=name)

    def sign(self, identity: str, video: api.VideoGrants, *, name: str = "", kind: str = "") -> str:
        key, secret = self.environment["LIVEKIT_API_KEY"], self.environment["LIVEKIT_API_SECRET"]
        token = api.AccessToken(key, secret).with_identity(identity).with_name(name or identity).with_grants(video)
        if kind:
            token = token.with_kind(kind)  # type: ignore[arg-type]  # the literal type is not exported
        return token.to_jwt()

    def slot_of(self, room: str) -> int:
        """Which relay worker holds a room."""
        return slots_of(room, self.workers)[0]

    def room_on(self, slot: int) -> str:
        """The name of a new room that the worker of this slot will hold."""
        while True:
            room = "room-" + secrets.token_hex(6)
            if self.slot_of(room) == slot:
                return room

    def _address(self) -> str:
        host = self.environment.get("HOST")
        if host is None:
            return f"http://localhost:{self.port}"
        return f"https://{f'[{host}]' if ':' in host else host}:{self.port}"

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2, verify=False).status_code == 200  # noqa: S501  own authority
        except httpx.HTTPError:
            return False


# Settings of the person who runs the tests must not reach the portal under test.
_OURS = (
    "RELAY_",
    "LIVEKIT_",
    "DJANGO_",
    "TURN_",
    "TLS_",
    "PORTAL_",
    "OIDC_",
    "DATA_DIR",
    "RUN_DIR",
    "DATABASE_",
    "REDIS_",
    "DOMAIN",
    "HOST",
)


def free_port() -> int:
    return free_ports_in_a_row(1)


def free_ports_in_a_row(count: int) -> int:
    """The first of `count` port numbers that are free for UDP and for TCP.

    Below the range from which the kernel takes the ports of clients: one of those could be gone before it is used.
    """
    while True:
        first = random.randrange(20_000, 32_000)
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in range(first, first + count):
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    probe = probes.enter_context(socket.socket(socket.AF_INET, kind))
                    probe.bind(("127.0.0.1", port))
            return first


def descendants(pid: int) -> list[int]:
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return [found for child in children for found in (child, *descendants(child))]


def _name_of(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        environment = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return ""
    if "--spare" in command:  # once it serves, it bears the name of what it replaces
        comm = _comm_of(pid)
        return "" if comm.endswith("-spare") or comm.startswith("python") else comm
    if "run_web" in command:
        return "web"
    if "run_jobs" in command:
        return "worker"
    if "relay.worker" in command:
        slot = re.search(r"(?:^|\0)RELAY_SLOT=(\d+)", environment)
        return f"relay-{slot.group(1)}" if slot else ""
    return ""


def _comm_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
