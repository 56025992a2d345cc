"""`manage.py list_sessions [EMAIL] [--json]`: in which browsers people are signed in, by tabs or as JSON lines.

Public id, e-mail address, browser, network address, since when, last seen (UTC). Never a session's key: it opens the
account. Each listing is an entry of the audit log. Exit codes: 0 done · 1 nobody has this address.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.audit.parties import NOBODY, SERVER, person
from accounts.audit.record import record
from accounts.browsers.sessions import Shown, sessions_of
from accounts.models import User
from accounts.models.user import normalise_email


class Command(BaseCommand):
    help = "Lists the browsers in which people are signed in; with an address, those of this person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", nargs="?", default="")
        parser.add_argument("--json", action="store_true", help="a JSON object a line")

    def handle(self, *args: Any, email: str, json: bool, **options: Any) -> None:
        people = User.objects.filter(browser_sessions__isnull=False).distinct().order_by("email")
        target = NOBODY
        if email:
            owner = User.objects.filter(email=normalise_email(email)).first()
            if owner is None:
                raise CommandError(f"Nobody has an account with the address {email!r}.")
            people, target = people.filter(pk=owner.pk), person(owner)
        record("sessions_listed", actor=SERVER, target=target)
        count = 0
        for owner in people.iterator():
            for session in sessions_of(owner):
                self.stdout.write(_line(owner, session, as_json=json))
                count += 1
        self.stderr.write(f"{count} sessions.")


def _line(owner: User, session: Shown, *, as_json: bool) -> str:
    values = {
        "id": str(session.public_id),
        "email": owner.email,
        "browser": session.browser,
        "address": session.address,
        "started_at": _stamp(session.started_at),
        "last_seen_at": _stamp(session.last_seen_at),
    }
    return json.dumps(values, ensure_ascii=False) if as_json else "\t".join(values.values())


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
