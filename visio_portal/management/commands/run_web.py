"""The web process: pages, websockets, signalling. `serve` starts it; alone it is for debugging."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from jobs import lifeline
from visio_portal import standby, tls


class Command(BaseCommand):
    help = "Runs the web process (normally started by `serve`)."
    requires_system_checks = ()  # `serve` has made them

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--spare", action="store_true", help="load everything, then wait for the supervisor's word")

    def handle(self, *args: Any, spare: bool, **options: Any) -> None:
        lifeline.watch()
        from visio_portal import web_report, web_server  # chooses the event loop
        from visio_portal.asgi import application, background, load_all

        if spare:
            load_all()
            standby.wait_for_duty("web")
        standby.name_process("web")

        files = tls.ensure_files() if settings.SERVES_TLS else None
        server = web_server.WebServer(
            application,
            host=settings.HOST,
            port=settings.PORT,
            portal_url=settings.PORTAL_URL,
            tls=web_server.tls_options(files.certificate, files.key) if files else None,
            listen_fd=int(os.environ.get("VISIO_LISTEN_FD") or -1),
            trusted_proxies=settings.TRUSTED_PROXY_NETWORKS,
            background=[lifeline.beat, lambda: web_report.run(server), *background()],
            on_ready=announce,
        )
        server.run()
        sys.exit(server.exit_code)


def announce(_port: int) -> None:
    """Tells the supervisor that connections are accepted: by a file, whose place it named."""
    marker = os.environ.get("VISIO_READY_FILE")
    if marker:
        with open(marker, "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
