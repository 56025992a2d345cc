"""`manage.py ensure_admin`: the first administrator's link, as long as no administrator can sign in."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.services.invitations import ensure_admin


class Command(BaseCommand):
    help = "Prints a one-time link for the first administrator, or nothing if one has a password already."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", default="admin@localhost", help="default: %(default)s")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        url = ensure_admin(email)
        if url:
            self.stdout.write(url)
