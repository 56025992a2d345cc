"""Which processes `serve` runs, with what environment, and how it knows that each is ready."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from meetings import relay_probe
from meetings.engine_errors import EngineError, Unavailable
from relay.config import from_environment
from visio_portal import authority, tls
from visio_portal.standby import Spare
from visio_portal.supervisor import Child, Group, Supervisor

logger = logging.getLogger(__name__)

ALIVE_VARIABLES = ("VISIO_ALIVE_FD", "RELAY_ALIVE_FD")
# What a relay worker inherits besides its own RELAY_…: no database, no secrets of the portal.
_RELAY_INHERITS = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
)
LISTEN_BACKLOG = 512
_RELAY_CHECK_SECONDS = 10.0
_TLS_CHECK_SECONDS = 12 * 3600.0


def children(listener: socket.socket) -> list[Child]:
    """Relays first: web's links then come up at once."""
    relays = [relay(slot) for slot in range(settings.RELAY_WORKERS)] if settings.EMBEDDED_RELAY else []
    web = managed("web", Group.WEB, "run_web", descriptors=(listener.fileno(),))
    if settings.WARM_STANDBY == "true":
        add_spares(relays, web)
    return [*relays, web, managed("worker", Group.WORKER, "run_jobs", stop_seconds=20)]


def add_spares(relays: Sequence[Child], web: Child) -> None:
    """One for web, and one for whichever relay worker dies next."""
    web.spare = Spare("web", [*web.command, "--spare"], web.environment, descriptors=web.descriptors)
    if relays:
        one_for_all = Spare("the relays", [*relays[0].command, "--spare"], _relay_environment)
        for child in relays:
            child.spare = one_for_all


def listen() -> socket.socket:
    """The portal's port, held by `serve` itself: while web restarts, clients wait in its queue.

    LiveKit's native SDKs try to resume once; a refused connection makes them give up their media and join afresh.
    Raises OSError.
    """
    host = "127.0.0.1" if settings.HOST == "localhost" else settings.HOST.strip("[]")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, settings.PORT))
        listener.listen(LISTEN_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def claim_relay_ports() -> None:
    """Binds each relay worker's UDP and TCP ports and lets go of them. Raises OSError and `SettingsError`.

    A worker that cannot bind only dies and is started again: without this, the portal would say that it is ready
    although no call is possible.
    """
    for slot in range(settings.RELAY_WORKERS if settings.EMBEDDED_RELAY else 0):
        wanted = from_environment(relay(slot).environment())
        for address in wanted.addresses if wanted.port else ():
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                _claim(address.bind, wanted.port, kind)


def _claim(host: str, port: int, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as claimed:
        if kind is socket.SOCK_STREAM:
            claimed.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            claimed.bind((host, port))
            if kind is socket.SOCK_STREAM:
                claimed.listen(1)  # with SO_REUSEADDR two may bind, but only one may listen
        except OSError as error:
            name = "TCP" if kind is socket.SOCK_STREAM else "UDP"
            raise OSError(error.errno, f"{name} {host} port {port}: {error.strerror}") from error


def make_run_dir() -> None:
    """The sockets' folder, ours alone: whoever can connect to a socket commands a relay."""
    run_dir = Path(settings.RUN_DIR)
    run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = run_dir.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ImproperlyConfigured(f"RUN_DIR={run_dir} is not a folder of this user; set RUN_DIR to another one.")
    run_dir.chmod(0o700)
    for leftover in run_dir.glob("*.ready"):
        leftover.unlink()


def managed(
    name: str, group: Group, command: str, *, stop_seconds: float = 10, descriptors: Sequence[int] = ()
) -> Child:
    """A process that is a management command, and writes its pid to a file when it is ready."""
    marker = Path(settings.RUN_DIR) / f"{name}.ready"
    child = Child(
        name=name,
        group=group,
        command=[sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), command],
        environment=lambda: {
            **os.environ,
            "VISIO_PROCESS": name,
            "VISIO_READY_FILE": str(marker),
            "VISIO_LISTEN_FD": ",".join(map(str, descriptors)),
        },
        is_ready=lambda: False,
        stop_seconds=stop_seconds,
        descriptors=descriptors,
    )
    child.is_ready = lambda: child.process is not None and _marked_by(marker) == child.process.pid
    return child


def _marked_by(marker: Path) -> int:
    try:
        return int(marker.read_text(encoding="ascii") or 0)
    except (OSError, ValueError):
        return 0


def relay(slot: int) -> Child:
    """One relay worker in its slot: socket path and port stay the same over restarts."""
    name = f"relay-{slot}"
    return Child(
        name=name,
        group=Group.RELAY,
        command=[sys.executable, "-m", "relay.worker"],
        environment=lambda: {
            **_relay_environment(),
            "VISIO_PROCESS": name,
            "RELAY_SLOT": str(slot),
            "RELAY_SOCKET": str(relay_probe.socket_path(slot)),
            "RELAY_PORT": str(settings.RELAY_PORT),
            "RELAY_ADDRESSES": ",".join(settings.RELAY_ADDRESSES),
            "RELAY_INSTANCE": secrets.token_hex(8),  # another one after each start: its sessions are gone
            "RELAY_LOUDEST_AUDIO": str(settings.RELAY_LOUDEST_AUDIO),
            "RELAY_TURN_URLS": ",".join(settings.TURN_URLS),
            "RELAY_TURN_SECRET": settings.TURN_SECRET,
        },
        is_ready=lambda: _hello(slot) is not None,
    )


def _relay_environment() -> dict[str, str]:
    """What all relay workers have in common, whatever their slot."""
    inherited = {key: os.environ[key] for key in _RELAY_INHERITS if key in os.environ}
    # Tuning and tests may set further RELAY_… variables that only the worker reads.
    inherited |= {key: value for key, value in os.environ.items() if key.startswith("RELAY_")}
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(settings.BASE_DIR), inherited.get("PYTHONPATH")])),
        "LOG_LEVEL": settings.LOG_LEVEL,
        "LOG_FORMAT": settings.LOG_FORMAT,
    }


def _hello(slot: int) -> dict[str, Any] | None:
    if not relay_probe.socket_path(slot).exists():
        return None
    try:
        return relay_probe.hello(slot, seconds=0.5)
    except (Unavailable, EngineError, OSError):  # OSError: no descriptors left
        return None


def summary() -> str:
    """What runs, for the line that says so."""
    engine = "a LiveKit cluster" if not settings.EMBEDDED_RELAY else f"{settings.RELAY_WORKERS} relay worker(s)"
    return f"web on {settings.HOST} port {settings.PORT}, {engine}, background jobs"


# --- What the supervisor looks after while it runs --------------------------------------------------------------------

_wanted_version: int | None = None
_next_relay_check = 0.0
_next_tls_check = time.monotonic() + _TLS_CHECK_SECONDS


def learn_link_version() -> None:
    """At a reload the code may be a newer one: which version of the link does it speak? Asked of a fresh process."""
    global _wanted_version
    command = [sys.executable, "-c", "from relay.wire import VERSION; print(VERSION)"]
    try:
        answer = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)  # noqa: S603  our own command
    except OSError as error:
        logger.error("the new code cannot be asked for its link version: %s", error)
        return
    try:
        _wanted_version = int(answer.stdout)
    except ValueError:
        logger.error("the new code does not say its link version: %s", answer.stderr.strip()[-300:])


def look_after(supervisor: Supervisor) -> None:
    """Called every second: relays of an older version end once they are empty; a certificate never runs out."""
    global _next_relay_check, _next_tls_check
    now = time.monotonic()
    if _wanted_version is not None and now >= _next_relay_check:
        _next_relay_check = now + _RELAY_CHECK_SECONDS
        _replace_empty_old_relays(supervisor, _wanted_version)
    if now >= _next_tls_check:
        _next_tls_check = now + _TLS_CHECK_SECONDS
        _renew_certificate(supervisor)


def _replace_empty_old_relays(supervisor: Supervisor, version: int) -> None:
    for child in supervisor.children:
        if child.group is Group.RELAY and child.is_running:
            hello = _hello(int(child.name.removeprefix("relay-")))
            if hello and hello.get("version") != version and not hello.get("rooms"):
                logger.info("%s speaks an older version and is empty: restarting it", child.name)
                supervisor.restart(child)


def _renew_certificate(supervisor: Supervisor) -> None:
    if not tls.uses_own_authority():
        return
    with contextlib.suppress(OSError):
        before = authority.fingerprint(tls.folder() / "portal.crt")
        if authority.fingerprint(tls.ensure_files().certificate) != before:
            logger.info("the certificate was renewed: restarting web")
            for child in supervisor.children:
                if child.group is Group.WEB:
                    supervisor.restart(child)
