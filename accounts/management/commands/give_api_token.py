"""`manage.py give_api_token NAME --owner EMAIL --scope S [--scope S …] [--days N] [--per-minute N]`: prints a token."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.api import scopes
from accounts.models import User
from accounts.models.api_token import DEFAULT_PER_MINUTE, MAX_PER_MINUTE, NAME_MAX_LENGTH
from accounts.models.user import normalise_email
from accounts.services.api_tokens import MAX_LIFETIME, NoOwner, give_token


class Command(BaseCommand):
    help = "Gives an application a token for the API and prints it; it is not shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the application; the audit log says so")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="whose rights bound it")
        parser.add_argument("--scope", action="append", required=True, choices=sorted(scopes.scopes))
        parser.add_argument("--days", type=int, default=90, help=f"at most {MAX_LIFETIME.days}; default: 90")
        parser.add_argument("--per-minute", type=int, default=DEFAULT_PER_MINUTE, help="requests; default: 600")

    def handle(
        self, *args: Any, name: str, owner: str, scope: list[str], days: int, per_minute: int, **options: Any
    ) -> None:
        if not 1 <= len(name) <= NAME_MAX_LENGTH:
            raise CommandError(f"The application's name has 1 to {NAME_MAX_LENGTH} characters.")
        if not 1 <= days <= MAX_LIFETIME.days:
            raise CommandError(f"--days is {days}; it may be 1 to {MAX_LIFETIME.days}.")
        if not 1 <= per_minute <= MAX_PER_MINUTE:
            raise CommandError(f"--per-minute is {per_minute}; it may be 1 to {MAX_PER_MINUTE}.")
        person = User.objects.filter(email=normalise_email(owner)).first()
        if person is None:
            raise CommandError(f"{owner!r} is the address of no account. Give the one with which its owner signs in.")
        expires_at = timezone.now() + timedelta(days=days)
        try:
            given = give_token(
                name=name,
                owner=person,
                scopes=scope,
                expires_at=expires_at,
                requests_per_minute=per_minute,
                acting_user=None,
            )
        except NoOwner as suspended:
            raise CommandError(f"The account {owner} is suspended: the token would open nothing.") from suspended
        self.stdout.write(given.secret)
        self.stderr.write(f"Works until {expires_at:%Y-%m-%d}. Copy it now, it is not shown again.")
