"""`manage.py reset_second_factor EMAIL`: for whom has lost telephone and recovery codes, the only administrator too."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.factors.reset import take_factors_away
from accounts.models import User
from accounts.models.user import normalise_email


class Command(BaseCommand):
    help = (
        "Takes a person's authenticator app, passkeys and recovery codes away. Make sure first that it is them who ask."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        person = User.objects.filter(email=normalise_email(email)).first()
        if person is None:
            raise CommandError(f"Nobody has an account with the address {email!r}.")
        self.stdout.write(
            f"{take_factors_away(person, acting_user=None)} taken away. The password alone opens the account now."
        )
