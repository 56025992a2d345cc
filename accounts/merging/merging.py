"""One account of two: what would go over, and that done.

The account that ends keeps its row and whatever is its own (see `movable`); it is suspended like a leaver's, so that
its browser sessions, API tokens and stays in calls that go on end with it. What moved is on record key by key, for
`undoing`.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.functional import Promise

from accounts.audit.parties import person
from accounts.audit.record import record
from accounts.merging.movable import Movable, movables
from accounts.merging.refusals import MayNotMerge, Refusal, refusal_of
from accounts.models import MergeProposal, ProvisioningChange, ProvisioningRun, SignInIdentity, User
from accounts.models.identity import MergeState
from accounts.models.provisioning import ChangeKind, RunKind
from accounts.models.user import placeholder_email
from accounts.provisioning import runs
from accounts.provisioning.state import as_json
from accounts.services.identities import close_other_ways
from accounts.services.leavers import see_off

_TRIES = 3
# More names than that are read in the lists of the administration.
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Moving:
    """Of one kind: how many go over, how many stay because the other account has the like, and some of their names."""

    name: str
    label: str | Promise
    going: int
    staying: int
    examples: Sequence[str]


@dataclass(frozen=True, slots=True)
class Preview:
    ended: User
    kept: User
    refusal: Refusal | None
    moving: Sequence[Moving]

    @property
    def counts(self) -> Counter[str]:
        return Counter({one.name: one.going for one in self.moving})


def preview(ended: User, kept: User) -> Preview:
    """Changes nothing."""
    refusal = refusal_of(ended, kept)
    moving = [] if ended.pk == kept.pk else [_moving(one, ended.pk, kept.pk) for one in movables()]
    return Preview(ended, kept, refusal, moving)


def merge(ended: User, kept: User, *, acting_user: User | None) -> tuple[ProvisioningRun, Counter[str]]:
    """A run of its own, for `undoing`, and what went over. Raises `MayNotMerge`.

    It does not wait for an import that is going on: both lock the accounts.
    """
    for left in reversed(range(_TRIES)):
        try:
            with transaction.atomic():
                run = runs.create(RunKind.MERGE, "", actor=person(acting_user))
                counts = merge_in(run, ended.pk, kept.pk, acting_user=acting_user)
                # Not before: whoever records keeps the end of the audit log until the commit, and must not wait for
                # somebody who waits for it.
                runs.record_beginning(run, actor=person(acting_user))
                runs.end(run, actor=person(acting_user))
                return run, counts
        except IntegrityError:  # two at once took the same name for their run
            if not left:
                raise
    raise AssertionError("unreachable")


def merge_in(
    run: ProvisioningRun, ended_id: int, kept_id: int, *, acting_user: User | None, line: int = 0
) -> Counter[str]:
    """As a part of a run. Raises `MayNotMerge`, and nothing is changed."""
    with transaction.atomic():
        ended, kept = lock(ended_id, kept_id)
        # Again, now that nobody can change it: another administrator may have been quicker.
        if (refusal := refusal_of(ended, kept)) is not None:
            raise MayNotMerge(refusal.code)
        parties = person(ended), person(kept)
        before = {"email": ended.email, "addresses": _addresses(ended)}
        moved = _locked_keys(ended, kept)
        was_waiting = bool(moved["identities"]) and not kept.identities.exists()
        _end(ended)
        proposals = _close_proposals(ended, kept, run)
        see_off([ended.pk], acting_user=acting_user, heirs={ended.pk: kept.pk})
        for one in movables():
            one.move(moved[one.name], from_id=ended.pk, to_id=kept.pk)
        counts = Counter({name: len(keys) for name, keys in moved.items() if keys})
        ProvisioningChange.objects.create(
            run=run,
            line=line,
            kind=ChangeKind.MERGED,
            person_id=ended.pk,
            before=as_json({**before, "moved": moved}),
            after=as_json({"into": kept.pk, "email": ended.email, "proposals": proposals}),
        )
        runs.add_counts(run, Counter({ChangeKind.MERGED.value: 1}))
        if was_waiting:
            close_other_ways(kept)  # as where a first sign-in attaches
        told = {"run": run.key, "moved": dict(counts)}
        into, of = {"into": str(kept.public_id), **told}, {"from": str(ended.public_id), **told}
        had = {"email": before["email"]}
        record("account_merged", actor=person(acting_user), target=parties[0], before=had, after=into)
        record("account_took_over", actor=person(acting_user), target=parties[1], after=of)
    return counts


def lock(ended_id: int, kept_id: int) -> tuple[User, User]:
    """Both accounts and what is proposed of them, against others who merge and who sign in. Raises `MayNotMerge`."""
    pair = [ended_id, kept_id]
    if ended_id == kept_id:
        raise MayNotMerge("itself")
    # In the order in which a sign-in locks them.
    list(SignInIdentity.objects.select_for_update().filter(user_id__in=pair).order_by("pk"))
    people = User.objects.select_for_update(no_key=True).filter(pk__in=pair).order_by("pk")
    found = {one.pk: one for one in people}
    list(MergeProposal.objects.select_for_update().filter(fresh__in=pair, known__in=pair).order_by("pk"))
    if len(found) != 2:
        raise MayNotMerge("unknown")
    return found[ended_id], found[kept_id]


def _moving(movable: Movable, ended_id: int, kept_id: int) -> Moving:
    going = movable.going(ended_id, kept_id)
    count = going.count()
    return Moving(
        name=movable.name,
        label=movable.label,
        going=count,
        staying=movable.of(ended_id).count() - count,
        examples=[movable.title(row) for row in going[:_EXAMPLES]] if movable.title else [],
    )


def _locked_keys(ended: User, kept: User) -> dict[str, list[Any]]:
    """Of what goes over."""
    found = {}
    for one in movables():
        keys = one.going(ended.pk, kept.pk).select_for_update().values_list("pk", flat=True)
        found[one.name] = [key if isinstance(key, int) else str(key) for key in keys]
    return found


def _addresses(user: User) -> list[list[Any]]:
    rows = EmailAddress.objects.filter(user=user).order_by("pk")
    return [list(row) for row in rows.values_list("email", "verified", "primary")]


def _end(ended: User) -> None:
    """Its address is nobody's from now on: HR may give it to the account that is kept, or to somebody else."""
    EmailAddress.objects.filter(user=ended).delete()
    ended.is_active, ended.email = False, placeholder_email(uuid.uuid4())
    ended.save(update_fields=["is_active", "email"])


def _close_proposals(ended: User, kept: User, run: ProvisioningRun) -> list[int]:
    pair = [ended.pk, kept.pk]
    rows = MergeProposal.objects.filter(fresh__in=pair, known__in=pair, state=MergeState.OPEN)
    keys = list(rows.values_list("pk", flat=True))
    rows.update(state=MergeState.DONE, decided_at=timezone.now(), run=run.key)
    return keys
