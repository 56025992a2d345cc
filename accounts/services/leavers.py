"""Whoever leaves is out at once: of the portal, of its API, of calls that go on; and their rooms find another owner.

`suspend` is for one person; what suspends many by its own statements calls `see_off`, or `see_off_soon` where that
would take too long. The apps above receive `suspended`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.contrib.sessions.models import Session
from django.db import transaction
from django.dispatch import Signal

from accounts.audit.parties import person as party
from accounts.audit.record import record
from accounts.browsers.sessions import end_sessions
from accounts.models import BrowserSession, Employment, Membership, User
from accounts.models.employment import EmploymentStatus
from accounts.models.organisation import MembershipRole, ids_of
from accounts.services.api_tokens import end_tokens_of
from jobs.queue import enqueue

# people: list[int], keys of people · heirs: dict[int, int], whom an owner named · acting_user: User | None
suspended = Signal()
JOB_KIND = "accounts.see_off"
# people: list[int] · acting_user: User | None. Out of calls that go on; they may come back.
called_out = Signal()
_CHUNK = 500


class NoHeir(Exception):
    """The named successor has no account that works, or is the person who leaves."""


def suspend(person: User, *, acting_user: User | None, heir: User | None = None, scope: str = "") -> None:
    """`scope`: the organisation in whose name a manager does it, who may re-activate then. Raises `NoHeir`."""
    if heir is not None and (not heir.is_active or heir.pk == person.pk):
        raise NoHeir
    with transaction.atomic():
        was_active = User.objects.filter(pk=person.pk, is_active=True).update(is_active=False)
        person.is_active = False
        see_off([person.pk], acting_user=acting_user, heirs={person.pk: heir.pk} if heir else {})
        if was_active:  # last: whoever writes to the audit log holds up whoever closes a room
            record("person_suspended", actor=party(acting_user), target=party(person), scope=scope)


def reactivate(person: User, *, acting_user: User, scope: str) -> None:
    """Their account is theirs again; what was passed on is not."""
    with transaction.atomic():
        if User.objects.filter(pk=person.pk, is_active=False).update(is_active=True):
            person.is_active = True
            record("person_reactivated", actor=party(acting_user), target=party(person), scope=scope)


def see_off(people: Iterable[int], *, acting_user: User | None, heirs: Mapping[int, int] | None = None) -> None:
    """Ends what people who are suspended already had open. Again does no harm."""
    everybody = list(people)
    for start in range(0, len(everybody), _CHUNK):
        chunk = everybody[start : start + _CHUNK]
        with transaction.atomic():
            rows = BrowserSession.objects.filter(user_id__in=chunk)
            Session.objects.filter(session_key__in=list(rows.values_list("session_key", flat=True))).delete()
            rows.delete()
            suspended.send(sender=User, people=chunk, heirs=dict(heirs or {}), acting_user=acting_user)
            end_tokens_of(chunk, acting_user=acting_user)


def see_off_soon(people: Sequence[int]) -> None:
    """Orders it as a job, in the transaction that suspends them: whoever dies after the commit leaves nobody in."""
    if people:
        enqueue(JOB_KIND, {"people": list(people)})


def sign_out(person: User, *, acting_user: User | None) -> None:
    """Of every browser and of calls that go on, with an account that stays as it is."""
    with transaction.atomic():
        called_out.send(sender=User, people=[person.pk], acting_user=acting_user)
        end_sessions(person, acting_user=acting_user)


def see_off_ordered(people: Iterable[int]) -> None:
    """What the job does. Whom somebody has let in again since keeps what they have opened."""
    see_off(User.objects.filter(pk__in=list(people), is_active=False).values_list("pk", flat=True), acting_user=None)


def heir_of(person_id: int) -> User | None:
    """Who takes over where nobody was named: the manager whom HR names, else one of the organisation, or above it."""
    return _hr_manager(person_id) or _organisations_manager(person_id)


def _hr_manager(person_id: int) -> User | None:
    for source, key in Employment.objects.filter(user_id=person_id).values_list("source", "manager_hr_id"):
        found = Employment.objects.filter(source=source, hr_id=key, user__is_active=True).select_related("user")
        there = found.exclude(user_id=person_id).exclude(status=EmploymentStatus.LEFT).first() if key else None
        if there is not None:
            return there.user
    return None


def _organisations_manager(person_id: int) -> User | None:
    """Of the nearest organisation that has one; of several, whoever manages it longest."""
    # Also where the membership ended yesterday: leavers' memberships end with them.
    memberships = Membership.objects.filter(user_id=person_id).select_related("organisation").order_by("-from_on", "pk")
    for membership in memberships:
        organisation = membership.organisation
        nearest_first = [organisation.pk, *reversed(ids_of(organisation.lineage))]
        for key in dict.fromkeys(nearest_first):
            managers = Membership.objects.current().filter(organisation_id=key, user__is_active=True)
            managers = managers.filter(role__in=[MembershipRole.MANAGER, MembershipRole.ADMINISTRATOR])
            found = managers.exclude(user_id=person_id).select_related("user").order_by("from_on", "pk").first()
            if found is not None:
                return found.user
    return None
