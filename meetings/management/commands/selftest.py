"""`manage.py selftest`: two synthetic participants call each other through the running portal."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from meetings.selftest import Measured, SelfTestFailed, run_selftest


class Command(BaseCommand):
    help = "Lets two synthetic participants call each other through the running portal. Ends with 1 if that fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="", help="address of the portal or media server (default: LIVEKIT_URL)")
        parser.add_argument("--json", dest="as_json", action="store_true", help="one JSON object per participant")

    def run_from_argv(self, argv: list[str]) -> None:
        """Ends at once: a native thread of the SDK that calls into an interpreter which is ending aborts the process,
        and what was measured would count as failed.
        """
        code: object = None
        try:
            super().run_from_argv(argv)
        except SystemExit as end:
            code = end.code
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))

    def handle(self, *args: Any, url: str, as_json: bool, **options: Any) -> None:
        if not settings.LIVEKIT_API_KEY or not settings.LIVEKIT_API_SECRET:
            raise CommandError("LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not set: start the portal with `make run`.")
        address = _websocket(url or settings.LIVEKIT_URL)
        self.stderr.write(f"Two participants call each other at {address} …")
        try:
            measured = asyncio.run(run_selftest(address, settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET))
        except SelfTestFailed as failure:
            raise CommandError(str(failure)) from failure
        for one in measured:
            self.stdout.write(_json(one) if as_json else _text(one))
        self.stderr.write("The call works.")


def _websocket(url: str) -> str:
    """Administrators know the portal's address; clients connect to the websocket of the same origin."""
    return "ws" + url.removeprefix("http") if url.startswith(("http://", "https://")) else url


def _json(measured: Measured) -> str:
    return json.dumps(measured.as_json())


def _text(measured: Measured) -> str:
    return (
        f"{measured.participant}: joined after {measured.join_seconds:.2f} s, "
        f"first sound {measured.first_sound_seconds:.2f} s, first frame {measured.first_frame_seconds:.2f} s, "
        f"loss {measured.loss:.2%}, path {measured.path.upper()}"
    )
