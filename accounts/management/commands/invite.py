"""`manage.py invite EMAIL [--admin]`: prints a one-time link with which that person sets a password."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.services.invitations import LIFETIME, create_invitation


class Command(BaseCommand):
    help = "Prints a one-time link by which the person sets a password. Makes the account if there is none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--admin", action="store_true", help="the person administrates the portal")

    def handle(self, *args: Any, email: str, admin: bool, **options: Any) -> None:
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email!r} is not an e-mail address.") from error
        self.stdout.write(create_invitation(email, is_admin=admin))
        self.stderr.write(f"Valid once, for {LIFETIME.days} days. Earlier links of this person no longer work.")
