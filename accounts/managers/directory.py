"""The people of an organisation and of those in it, a page at a time, by indexes: nobody counts or skips thousands."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, QuerySet

from accounts.managers.reach import Reach
from accounts.models import Membership, Organisation, User
from accounts.models.organisation import MembershipRole
from accounts.models.user import is_placeholder
from accounts.people_search import people_matching

PAGE = 50
# Up to so many are found by their memberships and sorted; where there are more, the index of addresses soon fills a
# page by itself. (Read by address, an office of ten among a quarter of a million would cost them all.)
_FEW = 5_000


@dataclass(frozen=True, slots=True)
class Listed:
    """`role`: the highest of theirs in it; `places`: where they belong in it."""

    person: User
    role: MembershipRole
    places: list[str]

    @property
    def address(self) -> str:
        return "" if is_placeholder(self.person.email) else self.person.email


@dataclass(frozen=True, slots=True)
class DirectoryPage:
    """`after`: what asks for the next page, empty on the last one."""

    rows: list[Listed]
    after: str

    def next_query(self, words: str) -> str:
        return urlencode({"q": words, "after": self.after} if words else {"after": self.after})


def people_of(reach: Reach, organisation: Organisation, *, words: str = "", after: str = "") -> DirectoryPage:
    """In the order of their addresses. Three queries."""
    memberships = reach.memberships().within(organisation)
    people = people_matching(words, _people(memberships)).order_by("email")
    found = list((people.filter(email__gt=after) if after else people)[: PAGE + 1])
    shown = found[:PAGE]
    by_person: dict[int, list[Membership]] = {}
    for one in memberships.filter(user__in=[person.pk for person in shown]).select_related("organisation"):
        by_person.setdefault(one.user_id, []).append(one)
    # Who left in the moment between is not shown.
    rows = [_listed(person, by_person[person.pk]) for person in shown if person.pk in by_person]
    return DirectoryPage(rows, shown[-1].email if len(found) > PAGE else "")


def _people(memberships: QuerySet[Membership]) -> QuerySet[User]:
    few = list(memberships.order_by().values_list("user_id", flat=True)[: _FEW + 1])
    if len(few) <= _FEW:
        return User.objects.filter(pk__in=few)
    return User.objects.filter(Exists(memberships.filter(user=OuterRef("pk"))))


def _listed(person: User, memberships: list[Membership]) -> Listed:
    order = list(MembershipRole)
    roles = [MembershipRole(one.role) for one in memberships]
    places = sorted({one.organisation.name for one in memberships})
    return Listed(person, max(roles, key=order.index), places)
