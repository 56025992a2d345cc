"""Accounts suspended at once, by whatever name the person is known: for whoever cannot wait for the next HR file.

No file of HR unlocks them again (`differences`: who was locked by hand stays locked). It does not wait for an import
that is going on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.audit.parties import SERVER, Party, person
from accounts.audit.record import Entry, record_many
from accounts.models import Employment, ProvisioningChange, ProvisioningRun, User
from accounts.models.employment import EmploymentStatus
from accounts.models.provisioning import ChangeKind, RunKind, RunState
from accounts.provisioning import runs
from accounts.provisioning.importing import Outcome
from accounts.provisioning.naming import person_named
from accounts.provisioning.problems import Problem
from accounts.provisioning.state import among, as_json
from accounts.services.leavers import see_off_soon

_TRIES = 3
Tell = Callable[[Problem], None]


def find(names: Sequence[str], tell: Tell) -> list[User]:
    """Each once: by e-mail address, by public id, or by `source:hr_id`. Who is not found is told, by its line."""
    found: dict[int, User] = {}
    for line, name in enumerate(names, 1):
        user = person_named(name)
        if user is None:
            tell(Problem(line, "", name.strip()[:200], "person_unknown"))
        else:
            found.setdefault(user.pk, user)
    return list(found.values())


def deactivate(users: Collection[User], tell: Tell, *, apply: bool, actor: Party = SERVER) -> Outcome:
    """Suspends those who are active, the last administrator excepted. One transaction."""
    for left in reversed(range(_TRIES)):
        try:
            return _deactivate(users, tell, apply=apply, actor=actor)
        except IntegrityError:  # two at once took the same name for their run
            if not left:
                raise
    raise AssertionError("unreachable")


def undo(run: ProvisioningRun, *, actor: Party = SERVER) -> tuple[Counter[str], list[tuple[str, str]]]:
    """Lets in again whom the run suspended; those whom somebody let in meanwhile are told. For `undoing`."""
    changes = ProvisioningChange.objects.filter(run=run)
    keys = [change.person_id for change in changes if change.before != change.after]
    with transaction.atomic():
        users = list(among(User.objects.all(), "id", keys).select_for_update(no_key=True).order_by("pk"))
        absent = set(among(User.objects.filter(pk__in=_absent()), "id", keys).values_list("pk", flat=True))
        locked = [user for user in users if not user.is_active and user.pk not in absent]
        among(User.objects.all(), "id", [user.pk for user in locked]).update(is_active=True)
        run.state, run.undone_at = RunState.UNDONE, timezone.now()
        run.save(update_fields=["state", "undone_at"])
        after = {"run": run.key, "undone": ChangeKind.SUSPENDED.value}
        record_many(Entry("person_restored", actor, person(user), None, after) for user in locked)
    left = [(user.email, "was let in meanwhile") for user in users if user.is_active]
    left += [(user.email, "HR says that they are not there") for user in users if user.pk in absent]
    left += [("", "the account is gone")] * (len(keys) - len(users))
    return Counter({ChangeKind.SUSPENDED.value: len(locked)}), left


def _absent() -> QuerySet[Employment, int]:
    """Keys of people whom HR knows, and none of whose HR systems says that they are there."""
    there = Employment.objects.filter(user=OuterRef("user"), status=EmploymentStatus.PRESENT)
    return Employment.objects.filter(~Exists(there)).values_list("user", flat=True)


def _deactivate(users: Collection[User], tell: Tell, *, apply: bool, actor: Party) -> Outcome:
    outcome = Outcome(rows=len(users))
    with transaction.atomic():
        # Locked: two commands must not each leave the other's administrator. Always in the same order.
        administrators = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
        staying = set(administrators.select_for_update(no_key=True).values_list("pk", flat=True))
        asked = among(User.objects.all(), "id", [user.pk for user in users]).order_by("pk")
        everybody = list(asked.select_for_update(no_key=True))
        active = [user for user in everybody if user.is_active]
        # Whom HR, or somebody of less weight, has locked already is locked by this act, too.
        locked = [user for user in everybody if not user.is_active]
        outcome.counts["unchanged"] = len(users) - len(active)
        going = {user.pk for user in active}
        if staying and staying <= going:
            for user in active:
                if user.pk in staying:
                    tell(Problem(0, "", user.email, "last_administrator"))
                    outcome.counts["refused"] += 1
            active = [user for user in active if user.pk not in staying]
        outcome.counts[ChangeKind.SUSPENDED.value] = len(active)
        if not apply or not (active or locked):
            return outcome
        run = runs.create(RunKind.DEACTIVATION, "", actor=actor)
        outcome.run = run.key
        keys = [user.pk for user in active]
        among(User.objects.all(), "id", keys).update(is_active=False)
        before, after = as_json({"is_active": True}), as_json({"is_active": False})
        ProvisioningChange.objects.bulk_create(
            ProvisioningChange(run=run, kind=ChangeKind.SUSPENDED, person_id=key, before=before, after=after)
            for key in keys
        )
        ProvisioningChange.objects.bulk_create(
            ProvisioningChange(run=run, kind=ChangeKind.SUSPENDED, person_id=user.pk, before=after, after=after)
            for user in locked
        )
        run.state, run.finished_at = RunState.DONE, timezone.now()
        runs.add_counts(run, Counter({ChangeKind.SUSPENDED.value: len(keys)}))
        run.save(update_fields=["state", "finished_at"])
        see_off_soon(keys)
        record_many(
            Entry("person_suspended", actor, person(user), {"is_active": user in active}, {"is_active": False})
            for user in (*active, *locked)
        )
    return outcome
