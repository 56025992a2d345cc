"""What a manager sees and on whom they may act. It is asked here and nowhere else, and what is not allowed here is not.

The right comes from a current membership as manager or administrator of an organisation that is not closed, and reaches
over it and all that is in it. It is looked up for each request: a role that was taken away is gone at once.

A link, a suspension or a sign-out concerns the whole account, with its rooms and its rights elsewhere. So these acts
ask more than a membership: the person must have their main place within the reach, and no higher rank than the manager.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import AuditEntry, Employment, HrDuty, Membership, Organisation, User
from accounts.models.employment import EmploymentStatus
from accounts.models.organisation import MembershipQuerySet, MembershipRole, still_open
from accounts.models.user import is_placeholder

_LEADERS = (MembershipRole.MANAGER, MembershipRole.ADMINISTRATOR)
# Who was suspended by whom is among the last entries about somebody; behind that many it counts as unknown.
_LOOKED_BACK = 500
# What else ends or gives back an account.
_OTHER_LAST_WORDS = frozenset({"person_suspended", "person_reactivated", "person_left"})


class Act(StrEnum):
    """What is done to somebody's account; also the last part of its page's address."""

    SUSPEND = "suspend"
    REACTIVATE = "reactivate"
    SIGN_OUT = "sign-out"
    LINK = "link"


class Barrier(StrEnum):
    """Why nothing may be done to an account, although its person belongs here."""

    ONESELF = "oneself"
    STAFF = "staff"
    ELSEWHERE = "elsewhere"
    RANK = "rank"


@dataclass(frozen=True, slots=True)
class Reach:
    """`roots`: what the manager leads, the highest first; `administered`: the keys of those they administer."""

    manager: User
    roots: tuple[Organisation, ...]
    administered: frozenset[int]

    def __bool__(self) -> bool:
        return bool(self.roots)

    def organisations(self) -> QuerySet[Organisation]:
        return Organisation.objects.filter(self._within(""), still_open())

    def memberships(self) -> MembershipQuerySet:
        """The current ones, in what the manager leads."""
        return Membership.objects.current().filter(self._within("organisation__"), still_open("organisation__"))

    def people(self) -> QuerySet[User]:
        return User.objects.filter(Exists(self.memberships().filter(user=OuterRef("pk"))))

    def root_of(self, organisation: Organisation) -> Organisation:
        """The highest of what the manager leads that contains one of `organisations()`."""
        return next(root for root in self.roots if _contains(root, organisation))

    def administers(self, organisation: Organisation) -> bool:
        return any(root.pk in self.administered and _contains(root, organisation) for root in self.roots)

    def barrier(self, person: User) -> Barrier | None:
        """Why the manager may do nothing to the account of somebody of `people()`."""
        if person.pk == self.manager.pk:
            return Barrier.ONESELF
        if person.is_staff or person.is_superuser:
            return Barrier.STAFF
        if not self._has_main_place_here(person):
            return Barrier.ELSEWHERE
        return None if self._is_no_higher(person) else Barrier.RANK

    def acts_on(self, person: User) -> list[Act]:
        """What the manager may do to an account. Nothing to one outside of the reach."""
        if not self.people().filter(pk=person.pk).exists() or self.barrier(person) is not None:
            return []
        if not person.is_active:
            return [Act.REACTIVATE] if self._may_reactivate(person) else []
        found = [Act.SIGN_OUT, Act.SUSPEND]
        return [Act.LINK, *found] if self._may_give_link(person) else found

    def roles_for(self, membership: Membership) -> list[MembershipRole]:
        """What the membership may become, or stay; empty where it is not the manager's to change."""
        person, organisation = membership.user, membership.organisation
        is_here = self.memberships().filter(pk=membership.pk).exists()
        if not is_here or not person.is_active or person.is_staff or person.is_superuser:
            return []
        if person.pk == self.manager.pk:
            return []
        if self.administers(organisation):
            return list(MembershipRole)
        is_higher = membership.role == MembershipRole.ADMINISTRATOR
        return [] if is_higher else [MembershipRole.MEMBER, MembershipRole.MANAGER]

    def _within(self, prefix: str) -> Q:
        found = Q(pk__in=[])
        for root in self.roots:
            below = Q(**{f"{prefix}lineage__startswith": root.lineage_below})
            found |= Q(**{f"{prefix}pk": root.pk}) | below
        return found

    def _has_main_place_here(self, person: User) -> bool:
        """Where HR employs them; of whom HR says nothing, where they have belonged longest."""
        jobs = Employment.objects.filter(user=person, organisation__isnull=False).exclude(status=EmploymentStatus.LEFT)
        keys = set(jobs.values_list("organisation_id", flat=True))
        if keys:
            return self._holds(keys)
        first = Membership.objects.current().filter(user=person).order_by("from_on", "pk").first()
        return first is not None and self._holds([first.organisation_id])

    def _is_no_higher(self, person: User) -> bool:
        """Also by a role that begins later, which whoever holds the account will have then, and by an HR duty."""
        if HrDuty.objects.filter(user=person).exists():
            return False
        led = _not_over(person).filter(role__in=_LEADERS).select_related("organisation")
        return all(
            self._holds([one.organisation_id])
            and (one.role == MembershipRole.MANAGER or self.administers(one.organisation))
            for one in led
        )

    def _may_give_link(self, person: User) -> bool:
        """Whoever has the link has the account: so nothing outside may hang on it, and no sign-in service."""
        if is_placeholder(person.email) or person.identities.exists():
            return False
        return self._holds(_not_over(person).values_list("organisation_id", flat=True))

    def _may_reactivate(self, person: User) -> bool:
        """Whom a manager suspended within this reach: not whom HR or the portal's administrators did."""
        entries = AuditEntry.objects.filter(object_id=str(person.public_id), object_type="person")
        for entry in entries.order_by("-seq")[:_LOOKED_BACK]:
            if entry.action == "person_suspended" and entry.scope:
                return self.organisations().filter(public_id=entry.scope).exists()
            if entry.action in _OTHER_LAST_WORDS or "is_active" in entry.values_after:
                return False
        return False

    def _holds(self, keys: Iterable[int]) -> bool:
        wanted = set(keys)
        return self.organisations().filter(pk__in=wanted).count() == len(wanted)


def reach_of(manager: User) -> Reach:
    """Empty, and thereby false, for whoever leads nothing. One query."""
    led = _led_by(manager).select_related("organisation").order_by("organisation__lineage", "organisation__name", "pk")
    roots: dict[int, Organisation] = {}
    administered = set()
    for membership in led:
        roots.setdefault(membership.organisation_id, membership.organisation)
        if membership.role == MembershipRole.ADMINISTRATOR:
            administered.add(membership.organisation_id)
    highest_first = sorted(roots.values(), key=lambda one: one.depth)
    return Reach(manager, tuple(highest_first), frozenset(administered))


def leads_anything(person: User) -> bool:
    """Whether somebody has pages of a manager. One query."""
    return _led_by(person).exists()


def _led_by(person: User) -> QuerySet[Membership]:
    current = Membership.objects.current().filter(user=person, user__is_active=True, role__in=_LEADERS)
    return current.filter(still_open("organisation__"))


def _not_over(person: User) -> QuerySet[Membership]:
    return Membership.objects.filter(user=person).filter(Q(until_on=None) | Q(until_on__gte=timezone.localdate()))


def _contains(above: Organisation, organisation: Organisation) -> bool:
    return above.pk == organisation.pk or above.pk in organisation.ancestor_ids
