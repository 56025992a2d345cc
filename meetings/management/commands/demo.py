"""`manage.py demo [--remove] [--yes]`: people, rooms and past calls to look at, and how to sign in as one of them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services.invitations import LIFETIME
from meetings.services import demo


class Command(BaseCommand):
    help = "Fills the portal with invented people, rooms and past calls. Running it again adds only what is missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--remove", action="store_true", help="delete all of it again")
        parser.add_argument("--yes", action="store_true", help="also on a portal that others use already")

    def handle(self, *args: Any, remove: bool, yes: bool, **options: Any) -> None:
        if remove:
            self.stdout.write(f"Removed: {demo.remove()} people, with their rooms and calls.")
            return
        if demo.has_real_data() and not yes:
            raise CommandError(
                "This portal is in use: real people signed in or held calls. Say --yes to add invented ones "
                "beside them; --remove takes only those away again."
            )
        made = demo.fill()
        self.stdout.write(f"Added: {made.people} people, {made.rooms} rooms, {made.calls} past calls.")
        self.stdout.write(f"\nSign in as one of the hosts (each link works once, for {LIFETIME.days} days):")
        for name, link in made.links.items():
            self.stdout.write(f"  {name}: {link}")
        self.stdout.write("\nmanage.py demo --remove takes all of it away again.")
