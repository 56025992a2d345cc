"""`manage.py serve`: everything, in one command and one log stream."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import resource
import socket
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse

from accounts.services.invitations import ensure_admin
from meetings.services.rooms import ensure_first_room
from relay.config import SettingsError
from visio_portal import processes, tls
from visio_portal.backup import swap
from visio_portal.supervisor import Supervisor

logger = logging.getLogger(__name__)

PORT_WAIT_SECONDS = 5.0
MAX_OPEN_FILES = 65536


class Command(BaseCommand):
    help = "Runs the whole portal: web, relay workers and background jobs, until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        os.environ["VISIO_PROCESS"] = "serve"
        with OnlyOne(Path(settings.DATA_DIR) / "serve.lock"), listening() as listener:
            wait_for_relay_ports()
            self.prepare()
            code = Supervisor(
                children=processes.children(listener),
                alive_variables=processes.ALIVE_VARIABLES,
                on_ready=self.announce,
                on_reload=processes.learn_link_version,
                on_tick=processes.look_after,
            ).run()
        if code:
            raise SystemExit(code)

    def prepare(self) -> None:
        """What must be true before any process starts."""
        raise_file_limit()
        processes.make_run_dir()
        finish_restore()
        migrate()
        if settings.SERVES_TLS:
            tls.ensure_files(keeps_authority=False)
        link = ensure_admin()
        room = ensure_first_room()
        self.stdout.write(f"\nVisio portal: {settings.PORTAL_URL}")
        if tls.uses_own_authority():
            self.stdout.write(f"Browsers must trust this portal once: {settings.PORTAL_URL}{reverse('trust')}")
        if link:
            self.stdout.write(f"First administrator, set your password: {absolute(link)}")
        if room:
            self.stdout.write(f"A room, ready made: {settings.PORTAL_URL}{reverse('meetings:call', args=[room.slug])}")
        self.stdout.write("")
        self.stdout.flush()
        connections.close_all()

    def announce(self, seconds: float) -> None:
        """One line when everything answers."""
        self.stdout.write(f"Ready in {seconds:.1f} s: {processes.summary()}. Ctrl-C stops it.")
        self.stdout.flush()


def listening() -> socket.socket:
    """The portal's port. Closed by `with`. Raises `CommandError` with the remedy."""
    deadline = time.monotonic() + PORT_WAIT_SECONDS
    while True:
        try:
            return processes.listen()
        except OSError as error:
            # After a kill -9 the former web process holds the port until it has noticed.
            if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
                raise CommandError(
                    f"cannot listen on {settings.HOST} port {settings.PORT}: {error}. Set PORT or HOST."
                ) from error
        time.sleep(0.2)


def wait_for_relay_ports() -> None:
    """Returns when the relay workers can listen. Raises `CommandError` with the remedy."""
    deadline = time.monotonic() + PORT_WAIT_SECONDS
    while True:
        try:
            return processes.claim_relay_ports()
        except SettingsError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            # After a kill -9 the former workers hold their ports until they have noticed.
            if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
                remedy = (
                    f"Set RELAY_PORT (it is {settings.RELAY_PORT}; the {settings.RELAY_WORKERS} relay workers take one "
                    "port each from there), or end the program that has it."
                    if error.errno == errno.EADDRINUSE
                    else "Set RELAY_ADDRESSES to addresses of this machine, and RELAY_PORT to a port it may use."
                )
                raise CommandError(f"the media relay cannot listen on {error.strerror}. {remedy}") from error
        time.sleep(0.2)


def raise_file_limit() -> None:
    """Each connection is an open file, and a shell's soft limit is often 1024. Children inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def absolute(link: str) -> str:
    """`link` with the portal's address, if it has none."""
    return link if "://" in link else f"{settings.PORTAL_URL}{link}"


def finish_restore() -> None:
    """Before anything reads the database: half of it may be another portal's."""
    if swap.finish(Path(settings.DATA_DIR)):
        raise CommandError(
            "A restore that had been interrupted was finished, perhaps with other settings. Start again."
        )


def migrate() -> None:
    """Applies what the database lacks; quick where it lacks nothing."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        logger.info("applying %d database migrations", len(plan))
        call_command("migrate", interactive=False, verbosity=0)


class OnlyOne:
    """Holds DATA_DIR for this process: two portals on one folder would fight for the same database and sockets."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError(
                f"Another `serve` runs on DATA_DIR={settings.DATA_DIR}. Stop it, or set another DATA_DIR and PORT."
            ) from error

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)
