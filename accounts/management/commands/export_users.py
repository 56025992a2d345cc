"""`manage.py export_users [FILE] [--source S]`: everybody as CSV. The same people give the same bytes."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.audit.parties import SERVER
from accounts.audit.record import record
from accounts.provisioning.exporting import export


class Command(BaseCommand):
    help = "Writes everybody with an account to a CSV file, or to standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", nargs="?", default="-", help="made for its owner's eyes only; default: standard output"
        )
        parser.add_argument("--source", default="", help="only people of this HR system")

    def handle(self, *args: Any, file: str, source: str, **options: Any) -> None:
        # Recorded first: an export that is broken off has been one, too.
        record("people_exported", actor=SERVER, after={"source": source or "all"})
        count = export(self.stdout, source=source) if file == "-" else _to_file(Path(file), source)
        self.stderr.write(f"{count} people.")


def _to_file(path: Path, source: str) -> int:
    """Whole or not at all: beside its name first."""
    beside = path.with_name(f"{path.name}.part")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            count = export(out, source=source)
        beside.replace(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
    return count
