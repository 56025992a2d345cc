"""What processes cost, from /proc, and how a server of a benchmark or test is started and ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_STOP_SECONDS = 20.0


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time that the processes have used since they started."""
    return sum(_ticks(pid) for pid in pids) / _TICKS_PER_SECOND


def _ticks(pid: int) -> int:
    # The command's name is in parentheses and may hold spaces: count from behind it. Fields 14 and 15 of proc(5).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def rss_mb(pids: Iterable[int]) -> float:
    """Resident memory of the processes together."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def children_running(parent: int, word: str) -> list[int]:
    """Processes whose parent is `parent` and whose command line has the argument `word`."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            ppid = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        if ppid == parent and word.encode() in arguments:
            found.append(int(folder.name))
    return sorted(found)


def free_port(address: str = "127.0.0.1") -> int:
    """A port number that was free for UDP and TCP on the address a moment ago."""
    for _ in range(50):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind((address, 0))
            port = int(tcp.getsockname()[1])
            try:
                udp.bind((address, port))
            except OSError:  # taken for UDP
                continue
            return port
    raise OSError("no port is free for both UDP and TCP")


class ServerError(Exception):
    """A server did not start. The message ends with the last lines of its log."""


@dataclass
class Server:
    """One process that serves; all that it says goes to `log`."""

    name: str
    log: Path
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerError(f"{self.name} is not started")
        return self._process.pid

    def start(
        self, command: list[str], *, env: Mapping[str, str], cwd: Path, answers: Callable[[], bool], seconds: float
    ) -> None:
        """Returns once it answers. Its process session is its own: the terminal's Ctrl-C reaches only the benchmark."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=cwd, start_new_session=True
            )
        deadline = time.monotonic() + seconds
        while not answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ServerError(f"{self.name} did not start:\n{self._last_lines()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """SIGTERM, and after a while the end of its whole session. Does nothing when it is not running."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def _last_lines(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


def says_200(port: int, path: str) -> bool:
    """Whether the server on this machine answers so."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
