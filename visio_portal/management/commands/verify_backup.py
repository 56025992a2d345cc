"""`manage.py verify_backup`: whether an archive is whole, to its last byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from visio_portal.backup import service


class Command(BaseCommand):
    help = "Reads an archive to its end: sums, names, and the database in it. Ends 1 where anything is wrong."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        manifest = service.verify(options["file"])
        self.stdout.write(
            f"whole: made {manifest.made_at} by portal {manifest.version}, {manifest.database}, "
            f"{len(manifest.members)} files"
        )
