"""`manage.py verify_audit`: whether the audit log is what was written.

Exit codes: 0 whole · 1 broken, the first fault is named · 2 whole, but the database's triggers that protect it are
missing (`--mend-triggers` makes them) · 3 the log could not be read.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from accounts.audit import retention, triggers
from accounts.audit.verify import Broken, Verdict, verify

BROKEN, UNPROTECTED, UNREADABLE = 1, 2, 3
_EVERY_SECONDS = 1.0


class Command(BaseCommand):
    help = "Checks the chain of the audit log and names the first entry that was changed, removed, inserted or moved."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--noted", type=_noted, metavar="NUMBER:HASH", help="an entry as an earlier run or the log named it"
        )
        parser.add_argument("--json", action="store_true", help="one line of JSON instead of sentences")
        parser.add_argument("--mend-triggers", action="store_true", help="make triggers that are missing")
        parser.add_argument(
            "--sign", action="store_true", help="sign the log anew if it is whole: after SECRET_KEY was replaced"
        )

    def handle(
        self, *args: Any, noted: tuple[int, str] | None, json: bool, mend_triggers: bool, sign: bool, **options: Any
    ) -> None:
        show = _Progress(self.stderr)
        if mend_triggers:
            triggers.create(connection)
        try:
            if sign:
                retention.sign_anew(may_sign=lambda: verify(noted=noted, ignore_signatures=True))
            verdict = verify(noted=noted, progress=show)
        except Broken as broken:
            self._say(json, {"state": str(broken.fault), "entry": broken.seq, "text": str(broken)}, str(broken))
            sys.exit(BROKEN)
        except DatabaseError as error:
            self._say(json, {"state": "unreadable", "text": str(error)}, f"The log could not be read: {error}")
            sys.exit(UNREADABLE)
        if noted is not None and noted[0] < verdict.first - 1:
            self.stderr.write(f"Entry {noted[0]} was deleted as old since it was noted: it proves nothing any more.")
        self._tell(json, verdict)
        if verdict.missing_triggers:
            sys.exit(UNPROTECTED)

    def _tell(self, as_json: bool, verdict: Verdict) -> None:
        text = f"The audit log is whole: {verdict.count} entries, {verdict.first} to {verdict.last}.\n"
        text += f"Note for later (--noted): {verdict.last}:{verdict.hash}"
        if verdict.missing_triggers:
            text += f"\nMissing in the database: {', '.join(verdict.missing_triggers)}. --mend-triggers makes them."
        state = "unprotected" if verdict.missing_triggers else "whole"
        facts = {"state": state, "first": verdict.first, "last": verdict.last, "hash": verdict.hash}
        self._say(as_json, {**facts, "missing_triggers": verdict.missing_triggers}, text)

    def _say(self, as_json: bool, facts: dict[str, Any], text: str) -> None:
        self.stdout.write(json.dumps(facts) if as_json else text)


class _Progress:
    """A line a second, on the terminal's other stream."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.began = self.last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.last < _EVERY_SECONDS or not done:
            return
        self.last = now
        rate = done / (now - self.began)
        left = (total - done) / rate
        self.stream.write(f"{done} of {total} entries, {rate:.0f} a second, {left:.0f} s left")


def _noted(text: str) -> tuple[int, str]:
    number, _, hash_ = text.partition(":")
    if not number.isdigit() or len(hash_) < 8:
        raise ArgumentTypeError(f"{text!r} is not NUMBER:HASH, with eight characters of the hash at least")
    return int(number), hash_.lower()
