"""How often somebody may be wrong with a password or a code, without a stranger locking the owner out.

A browser in which this person signed in before has a count of its own. Everybody else counts for the account and their
network together, for their network, and for the account: the last is far away, and when a distributed guesser reaches
it, the owner's known browsers, passkeys and one-time links still open.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from accounts.browsers.known import mark_of
from accounts.models import User
from accounts.models.user import normalise_email
from accounts.rate_limits import give_back, is_allowed, source_of


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    per_minute: int
    minutes: int


KNOWN_BROWSER = Limit("try-known-browser", 1, 5)
ACCOUNT_FROM_NETWORK = Limit("try-account-network", 1, 5)
NETWORK = Limit("try-network", 12, 5)
ACCOUNT = Limit("try-account", 1, 60)


@dataclass(frozen=True, slots=True)
class Try:
    """`over` where there were too many. One that succeeds is given back."""

    counted: tuple[tuple[Limit, tuple[str, ...]], ...]
    over: bool

    def give_back(self) -> None:
        for limit, subjects in self.counted:
            give_back(limit.name, *subjects, minutes=limit.minutes)


def begin_try(request: HttpRequest, what: str, email: str) -> Try:
    """Counts before anything is compared, so that many tries at once are counted, too."""
    account, source = normalise_email(email), source_of(request)
    person = User.objects.filter(email=account).first() if account else None
    # Unknown addresses cost the same query, and get the same answers.
    mark = mark_of(request, person) if person else ""
    if mark:
        counted: tuple[tuple[Limit, tuple[str, ...]], ...] = ((KNOWN_BROWSER, (what, account, mark)),)
    else:
        counted = (
            (NETWORK, (what, source)),
            (ACCOUNT_FROM_NETWORK, (what, account, source)),
            (ACCOUNT, (what, account)),
        )
    spent: list[tuple[Limit, tuple[str, ...]]] = []
    for limit, subjects in counted:
        spent.append((limit, subjects))
        if not is_allowed(limit.name, *subjects, per_minute=limit.per_minute, minutes=limit.minutes):
            # Whoever is over a nearer limit does not use up the account's.
            return Try(tuple(spent), over=True)
    return Try(counted, over=False)
