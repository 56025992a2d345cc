"""What processes cost, from /proc, and how a server of a benchmark or test is ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

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


def free_port() -> int:
    """A port number that was free for UDP and TCP on the loopback address a moment ago."""
    for _ in range(50):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:  # taken for UDP
                continue
            return port
    raise OSError("no port is free for both UDP and TCP")


def start(command: list[str], *, log: IO[bytes], env: Mapping[str, str], cwd: Path) -> subprocess.Popen[bytes]:
    """Starts a server in a process session of its own, so that the terminal's Ctrl-C reaches only the benchmark."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(env), cwd=cwd, start_new_session=True
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the server: SIGTERM, and its whole session after a while."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
