"""What belongs to a person and goes over to the account that is kept. Apps above `register` theirs.

Whatever is not named here stays with the account that ended, and opens nothing there: passwords, second factors,
one-time links, API tokens. A test fails for a relation that is named neither way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Employment, Group, Membership, SignInIdentity


class Movable:
    """Rows of `model` whose `field` names their person. `name` is what runs, reports and programs call them; `title`
    is what an administrator reads of one row."""

    def __init__(
        self,
        name: str,
        label: str | Promise,
        model: type[Model],
        field: str = "user",
        *,
        title: Callable[[Any], str] | None = None,
    ) -> None:
        self.name, self.label, self.model, self.field, self.title = name, label, model, field, title

    def of(self, person_id: int) -> QuerySet[Any]:
        return self.model._base_manager.filter(**{f"{self.field}_id": person_id}).order_by("pk")

    def clashing(self, person_id: int, other_id: int) -> Q | None:
        """Which rows of the person stay, since the other account has the like."""
        return None

    def going(self, person_id: int, other_id: int) -> QuerySet[Any]:
        rows, clash = self.of(person_id), self.clashing(person_id, other_id)
        return rows if clash is None else rows.exclude(clash)

    def move(self, keys: Sequence[Any], *, from_id: int, to_id: int) -> int:
        """Those of the keys that are still with the first; how many."""
        return self.of(from_id).filter(pk__in=keys).update(**{f"{self.field}_id": to_id})


class _Memberships(Movable):
    def clashing(self, person_id: int, other_id: int) -> Q | None:
        # One for each organisation and day: the constraint.
        there = Membership.objects.filter(user_id=other_id).values_list("organisation_id", "from_on")
        return _any(Q(organisation_id=organisation_id, from_on=day) for organisation_id, day in there)


class _Groups(Movable):
    def clashing(self, person_id: int, other_id: int) -> Q | None:
        there = Group.members.through._base_manager.filter(user_id=other_id).values_list("group_id", flat=True)
        return Q(group_id__in=list(there))


def _any(conditions: Iterable[Q]) -> Q | None:
    found = None
    for one in conditions:
        found = one if found is None else found | one
    return found


_movables: dict[str, Movable] = {}


def register(movable: Movable) -> None:
    _movables[movable.name] = movable


def movables() -> Iterable[Movable]:
    return _movables.values()


def _title_of_membership(row: Membership) -> str:
    return f"{row.organisation.name} · {row.get_role_display()}"


register(Movable("identities", _("Sign-in identities"), SignInIdentity, title=lambda row: f"{row} · {row.idp_id}"))
register(Movable("hr_records", _("HR records"), Employment, title=str))
register(_Memberships("memberships", _("Memberships"), Membership, title=_title_of_membership))
register(_Groups("groups", _("Groups of people"), Group.members.through, title=lambda row: row.group.name))
