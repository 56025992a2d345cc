"""`manage.py rotate_secrets [--apply | --finish]`: new secrets, without anybody being signed out.

Without an option it says what it would do. --apply, a restart, --finish, a restart: then the former key opens nothing.
Exit codes: 0 done · 1 not possible, the reason is named and nothing was changed.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from visio_portal import rotation


class Command(BaseCommand):
    help = "Replaces SECRET_KEY, and the embedded relay's secret, in two steps with a restart after each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        step = parser.add_mutually_exclusive_group()
        step.add_argument("--apply", action="store_true", help="write new secrets; the former key stays known")
        step.add_argument("--finish", action="store_true", help="after a restart: forget the former key")
        parser.add_argument("--json", action="store_true", help="one line of JSON instead of sentences")

    def handle(self, *args: Any, apply: bool, finish: bool, json: bool, **options: Any) -> None:
        if finish:
            count = rotation.finish()
            text = f"The former key is gone, {count} second factors are encrypted anew. Restart the portal."
            self._say(json, {"step": "finished", "factors": count}, text)
        elif apply:
            names = rotation.begin()
            text = f"New: {', '.join(names)}. Restart the portal, then run this with --finish."
            self._say(json, {"step": "begun", "names": names}, text)
        else:
            names = rotation.plan()
            self._say(json, {"step": "planned", "names": names}, f"--apply replaces {' and '.join(names)}.")

    def _say(self, as_json: bool, facts: dict[str, Any], text: str) -> None:
        self.stdout.write(json.dumps(facts) if as_json else text)
