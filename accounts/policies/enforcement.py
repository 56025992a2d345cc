"""Where the portal asks whether a policy allows something, before it does it. Whoever may not, gets `Forbidden`."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from accounts.models.policy import RoomCreation, SignInLevel
from accounts.policies.resolution import (
    Answer,
    Lineage,
    Origin,
    OriginKind,
    Policies,
    Standing,
    policies_at,
    policies_of,
    standings_of,
)
from accounts.policies.table import KINDS


class Forbidden(Exception):
    """A policy says no. `kind` is its name in `table.KINDS`, `answer` what it says and who laid it down."""

    def __init__(self, kind: str, answer: Answer[Any]) -> None:
        super().__init__(kind)
        self.kind = kind
        self.answer = answer

    @property
    def value(self) -> Any:
        return self.answer.value

    @property
    def origin(self) -> str:
        return self.answer.origin


def require_room_creation(person: User) -> Policies:
    """What holds for the new room. Two queries. Raises `Forbidden`.

    The portal's superusers always may: else one policy could lock everybody out of everything.
    """
    standings = standings_of(person.pk)
    policies = policies_at([standing.lineage for standing in standings])
    if not person.is_superuser and not _may_create(policies.room_creation, standings):
        raise Forbidden("room_creation", policies.room_creation)
    return policies


def require_entry(owner_id: int, person: User | None) -> Policies:
    """What holds in a room of this owner, into which `person` (None: a guest) may come. Two queries.

    Raises `Forbidden`. The owner is always let into their own room.
    """
    policies = policies_of(owner_id)
    if person is None:
        if not policies.guests_allowed.value:
            raise Forbidden("guests_allowed", policies.guests_allowed)
    elif person.pk != owner_id and not _is_of_domain(person.email, policies.email_domains.value):
        raise Forbidden("email_domains", policies.email_domains)
    return policies


def require_level(policies: Policies, person: User | None, acr: str, *, asked: SignInLevel) -> None:
    """Whether a sign-in that reached `acr` is enough for a room whose host asks for `asked`. No query.

    `policies` are those of its owner. The host's word can only make it stricter. Guests have signed in nowhere: whether
    they may come is a policy of its own, and only a host who asks for a level keeps them out. Raises `Forbidden`.
    """
    required = level_of_room(policies, asked) if person is not None else _asked_by_host(asked)
    if not required.value.is_reached_by(acr):
        raise Forbidden("required_acr", required)


def level_of_room(policies: Policies, asked: SignInLevel) -> Answer[SignInLevel]:
    """The stricter of what is laid down and what the host asks for."""
    laid_down = policies.required_acr
    stricter = KINDS["required_acr"].stricter(laid_down.value, asked)
    return laid_down if stricter == laid_down.value else _asked_by_host(asked)


def _asked_by_host(asked: SignInLevel) -> Answer[SignInLevel]:
    return Answer(asked, (Origin(OriginKind.HOST),))


def require_sign_in(person: User, acr: str) -> None:
    """Whether a sign-in that reached `acr` ("": it says none) is enough for them. Two queries. Raises `Forbidden`."""
    required = policies_of(person).required_acr
    if not required.value.is_reached_by(acr):
        raise Forbidden("required_acr", required)


def _may_create(rule: Answer[RoomCreation], standings: list[Standing]) -> bool:
    if rule.value != RoomCreation.MANAGERS:
        return rule.value == RoomCreation.EVERYBODY
    managed = [standing.lineage for standing in standings if standing.may_manage]
    by = [_lineage_of(origin.organisation_id, standings) for origin in rule.origins if origin.organisation_id]
    # Of the organisation that says so, of a part of it, or of what it is a part of: not of any club elsewhere.
    return bool(managed) and all(any(_are_related(lineage, other) for other in managed) for lineage in by)


def _lineage_of(organisation_id: int, standings: list[Standing]) -> Lineage:
    """That of one of somebody's organisations, or of one above it."""
    lineage = next(standing.lineage for standing in standings if organisation_id in standing.lineage)
    return lineage[: lineage.index(organisation_id) + 1]


def _are_related(left: Lineage, right: Lineage) -> bool:
    shorter, longer = sorted((left, right), key=len)
    return longer[: len(shorter)] == shorter


def _is_of_domain(email: str, domains: frozenset[str] | None) -> bool:
    return domains is None or email.rpartition("@")[2].lower() in domains
