"""`manage.py verify_backup`: whether an archive is whole, to its last byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from visio_portal.backup import service
from visio_portal.backup.errors import BackupError


class Command(BaseCommand):
    help = "Reads an archive to its end: sums, names, and the database in it. Ends 1 where anything is wrong."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = service.verify(options["file"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"whole: made {manifest.made_at} by portal {manifest.version}, {manifest.database}, "
            f"{len(manifest.members)} files"
        )
