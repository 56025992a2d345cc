"""`manage.py restore`: the portal of a backup in place of this one, which must not run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from visio_portal.backup import service
from visio_portal.management.commands.serve import OnlyOne


class Command(BaseCommand):
    help = "Checks an archive, then puts its database, files and settings in place. What was there is kept aside."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="also where there is a portal already")

    def handle(self, *args: Any, **options: Any) -> None:
        with OnlyOne(Path(settings.DATA_DIR) / "serve.lock"):
            done = service.restore(options["file"], force=options["force"])
        for folder in done.aside:
            self.stdout.write(f"what was there: {folder}")
        if not done.has_settings:
            self.stderr.write("The backup holds no settings: SECRET_KEY must be the one of the portal that made it.")
        elif not settings.ENV_FILE:
            self.stderr.write("ENV_FILE is empty here: the settings of the backup were not put in place.")
        self.stdout.write(f"Restored: made {done.manifest.made_at} by portal {done.manifest.version}. Start `serve`.")
