"""`manage.py backup`: everything that makes this portal, in one file, while it serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from visio_portal.backup import service


class Command(BaseCommand):
    help = "Writes database, files, settings and keys into one archive (mode 0600: it holds every secret)."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to", type=Path, help="a file, or a folder; default: DATA_DIR/backups/visio-<time>.tar.gz"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        made = service.make(options["to"])
        for name in made.skipped:
            self.stderr.write(f"left out: {name} (a link, no plain file, or gone meanwhile)")
        if not made.has_settings:
            self.stderr.write("The settings come from the environment: keep SECRET_KEY and the others yourself.")
        size = made.path.stat().st_size
        self.stdout.write(f"{made.path}  {len(made.manifest.members)} files, {size} bytes, {made.manifest.database}")
