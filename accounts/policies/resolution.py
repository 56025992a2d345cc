"""What holds for a person or an organisation, and who laid it down. Two queries for a person, however deep the tree.

The nearest word counts: one's own organisation's, else that of the one above, up to the root, then the portal's, then
the default of `table.py`. Of a person's organisations, those that contain another of theirs say nothing of their own
(who administers the ministry and works in its office is bound as the office is); of the rest the strictest counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import reduce
from typing import Any, Generic, TypeVar

from django.db.models import Q
from django.utils.translation import gettext

from accounts.models import Membership, Organisation, Policy, User
from accounts.models.organisation import MembershipRole, ids_of
from accounts.models.policy import RoomCreation, SignInLevel
from accounts.policies.table import KINDS, Kind, is_open

T = TypeVar("T")

# Keys of organisations from the root to the one at hand, that one included.
Lineage = tuple[int, ...]


class OriginKind(StrEnum):
    ORGANISATION = "organisation"
    PORTAL = "portal"
    DEFAULT = "default"
    HOST = "host"  # of one room, for it alone


@dataclass(frozen=True, slots=True)
class Origin:
    """Who laid a rule down. `organisation_id` and `organisation` are of the first kind only."""

    kind: OriginKind
    organisation_id: int | None = None
    organisation: str = ""

    def __str__(self) -> str:
        if self.kind == OriginKind.ORGANISATION:
            return self.organisation
        words = {OriginKind.PORTAL: gettext("The portal"), OriginKind.HOST: gettext("The host")}
        return words.get(self.kind) or gettext("Default")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """`origins`: one, or several where organisations of one person are all as strict, or strict only together."""

    value: T
    origins: tuple[Origin, ...]

    @property
    def origin(self) -> str:
        return ", ".join(dict.fromkeys(str(origin) for origin in self.origins))


@dataclass(frozen=True, slots=True)
class Policies:
    """All rules as they hold for somebody; names as in `table.KINDS`."""

    room_creation: Answer[RoomCreation]
    guests_allowed: Answer[bool]
    lobby_default: Answer[bool]
    recording_allowed: Answer[bool]
    transcription_allowed: Answer[bool]
    retention_days: Answer[int]
    required_acr: Answer[SignInLevel]
    email_domains: Answer[frozenset[str] | None]  # None: any
    max_participants: Answer[int | None]  # None: no limit

    def rows(self) -> list[tuple[Kind[Any], Answer[Any]]]:
        return [(KINDS[field.name], getattr(self, field.name)) for field in fields(self)]


@dataclass(frozen=True, slots=True)
class Standing:
    """A current membership, as far as policies ask for it."""

    lineage: Lineage
    may_manage: bool


def standings_of(user_id: int) -> list[Standing]:
    """Where a person belongs today. One query."""
    rows = Membership.objects.current().filter(user_id=user_id).order_by("pk")
    return [
        Standing((*ids_of(lineage), key), MembershipRole(role).may_manage)
        for key, lineage, role in rows.values_list("organisation_id", "organisation__lineage", "role")
    ]


def policies_of(person: User | int) -> Policies:
    """What holds for a person and for their rooms. Two queries."""
    user_id = person if isinstance(person, int) else person.pk
    return policies_at([standing.lineage for standing in standings_of(user_id)])


def policies_of_organisation(organisation: Organisation) -> Policies:
    """What holds for whoever belongs to nothing smaller. One query."""
    return policies_at([(*organisation.ancestor_ids, organisation.pk)])


def policies_above(organisation: Organisation | None) -> Policies:
    """What holds in it as long as it lays down nothing itself; None: in the portal as a whole. One query at most."""
    return resolve([], {}) if organisation is None else policies_at([tuple(organisation.ancestor_ids)])


def policies_at(lineages: Sequence[Lineage]) -> Policies:
    """What holds for who belongs to all of these. One query."""
    keys = {key for lineage in lineages for key in lineage}
    rows = Policy.objects.filter(Q(organisation__in=keys) | Q(organisation=None)).select_related("organisation")
    return resolve(lineages, {row.organisation_id: row for row in rows})


def resolve(lineages: Iterable[Lineage], rows: Mapping[int | None, Policy]) -> Policies:
    """The same without a database. `rows`: by organisation, the portal's under None."""
    branches = smallest(lineages) or [()]
    return Policies(**{name: _answer(kind, branches, rows) for name, kind in KINDS.items()})


def smallest(lineages: Iterable[Lineage]) -> list[Lineage]:
    """Without those that contain another one, each once."""
    unique = list(dict.fromkeys(lineages))
    return [one for one in unique if not any(other != one and other[: len(one)] == one for other in unique)]


def _answer(kind: Kind[T], branches: list[Lineage], rows: Mapping[int | None, Policy]) -> Answer[T]:
    each = [_nearest(kind, branch, rows) for branch in branches]
    return reduce(lambda left, right: _stricter(kind, left, right), each)


def _nearest(kind: Kind[T], lineage: Lineage, rows: Mapping[int | None, Policy]) -> Answer[T]:
    for key in (*reversed(lineage), None):
        row = rows.get(key)
        column = getattr(row, kind.name) if row is not None else None
        if row is not None and not is_open(column):
            return Answer(kind.read(column), (_origin(row),))
    return Answer(kind.default, (Origin(OriginKind.DEFAULT),))


def _origin(row: Policy) -> Origin:
    if row.organisation is None:
        return Origin(OriginKind.PORTAL)
    return Origin(OriginKind.ORGANISATION, row.organisation_id, row.organisation.name)


def _stricter(kind: Kind[T], left: Answer[T], right: Answer[T]) -> Answer[T]:
    value = kind.stricter(left.value, right.value)
    together = tuple(dict.fromkeys((*left.origins, *right.origins)))
    if left.value == right.value or value not in (left.value, right.value):
        return Answer(value, together)
    return left if value == left.value else right
