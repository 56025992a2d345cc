"""`manage.py revoke_api_token PREFIX`: a token of the API no longer works, from the next request on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import ApiToken
from accounts.models.api_token import PREFIX_LENGTH
from accounts.services.api_tokens import revoke_token


class Command(BaseCommand):
    help = "Revokes a token of the API for good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="how it begins, with or without visio_; the whole token is found, too")

    def handle(self, *args: Any, prefix: str, **options: Any) -> None:
        key = prefix.removeprefix("visio_")[:PREFIX_LENGTH]
        token = ApiToken.objects.filter(prefix=key).first()
        if token is None:
            raise CommandError(f"No token begins with {key!r}. The administration lists all of them.")
        said = "no longer works." if revoke_token(token, acting_user=None) else "had been revoked before."
        self.stdout.write(f"{token.name} ({token.prefix}) {said}")
