"""A merge taken back: what moved and is still where it was put goes back; what changed since is left, and told.

Whoever is signed in to the account that was kept is signed out, and out of calls: perhaps it was the wrong person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit.parties import person
from accounts.audit.record import record
from accounts.merging.merging import lock
from accounts.merging.movable import movables
from accounts.merging.refusals import MayNotMerge
from accounts.models import MergeProposal, ProvisioningChange, ProvisioningRun, User
from accounts.models.identity import MergeState
from accounts.models.provisioning import ChangeKind, RunKind, RunState
from accounts.provisioning import runs
from accounts.provisioning.undoing import NotUndoable, Undone
from accounts.services.leavers import sign_out

_UNDONE = gettext_lazy("Run %(run)s is undone already.")


def undo(key: str, *, acting_user: User | None) -> Undone:
    """The newest change first, each in a transaction of its own; interrupted, it goes on by being called again.

    `Undone.left` names people by their addresses. Raises `NotUndoable`.
    """
    run, undone = _undoable(key), Undone(key)
    changes = list(run.changes.filter(kind=ChangeKind.MERGED).order_by("-pk"))
    todo: list[ProvisioningChange | None] = [*changes] or [None]
    for change in todo:
        with transaction.atomic():
            # Two administrators at once: the second one waits here, and finds it done.
            if not ProvisioningRun.objects.select_for_update().filter(pk=run.pk, state=run.state).exists():
                raise NotUndoable(_UNDONE % {"run": key})
            if change is not None:
                _take_back(run, change, undone, acting_user)
            if change is todo[-1]:
                _finish(run, undone, acting_user)
    return undone


def _finish(run: ProvisioningRun, undone: Undone, acting_user: User | None) -> None:
    run.state, run.undone_at = RunState.UNDONE, timezone.now()
    run.save(update_fields=["state", "undone_at"])
    after = {**undone.counts, "left": len(undone.left)}
    record("provisioning_undone", actor=person(acting_user), target=runs.party_of_run(run), after=after)


def _undoable(key: str) -> ProvisioningRun:
    run = ProvisioningRun.objects.filter(key=key, kind=RunKind.MERGE).first()
    if run is None:
        raise NotUndoable(_("There is no merge %(run)s.") % {"run": key})
    if run.state == RunState.UNDONE:
        raise NotUndoable(_UNDONE % {"run": key})
    changes = list(run.changes.filter(kind=ChangeKind.MERGED))
    if run.counted.get(ChangeKind.MERGED) and not changes:
        raise NotUndoable(_("What run %(run)s changed is not on record any more.") % {"run": key})
    kept = [change.values_after["into"] for change in changes]
    later = ProvisioningChange.objects.filter(kind=ChangeKind.MERGED, person_id__in=kept, run__pk__gt=run.pk)
    newest = later.exclude(run__state=RunState.UNDONE).select_related("run").order_by("-pk").first()
    if newest is not None:
        text = _("An account that was kept was merged itself by run %(later)s: undo that first.")
        raise NotUndoable(text % {"later": newest.run.key})
    return run


def _take_back(run: ProvisioningRun, change: ProvisioningChange, undone: Undone, acting_user: User | None) -> None:
    before, after = change.values_before, change.values_after
    try:
        ended, kept = lock(change.person_id, after["into"])
    except MayNotMerge:
        undone.left.append((before["email"], _("one of the two accounts is gone")))
        return
    left: list[str] = []
    moved = _give_back(before["moved"], ended, kept, left)
    _revive(ended, kept, before, after["email"], left)
    proposals = MergeProposal.objects.filter(pk__in=after["proposals"], run=run.key)
    proposals.update(state=MergeState.OPEN, decided_at=None, run="")
    sign_out(kept, acting_user=acting_user)
    undone.counts[ChangeKind.MERGED] += 1
    undone.left += [(kept.email, reason) for reason in left]
    told = {"run": run.key, "moved": dict(moved), "left": len(left)}
    back, gave = {"from": str(kept.public_id), **told}, {"to": str(ended.public_id), **told}
    record("account_unmerged", actor=person(acting_user), target=person(ended), after=back)
    record("account_gave_back", actor=person(acting_user), target=person(kept), after=gave)


def _give_back(moved: dict[str, Sequence[Any]], ended: User, kept: User, left: list[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in movables():
        keys = moved.get(one.name, ())
        there = one.going(kept.pk, ended.pk).filter(pk__in=keys).select_for_update()
        if found := list(there.values_list("pk", flat=True)):
            counts[one.name] = one.move(found, from_id=kept.pk, to_id=ended.pk)
        # Interrupted before, some are back already.
        if missing := len(keys) - one.of(ended.pk).filter(pk__in=keys).count():
            text = _("%(kind)s: %(count)d are gone, or somebody else’s by now")
            left.append(text % {"kind": one.label, "count": missing})
    return counts


def _revive(ended: User, kept: User, before: dict[str, Any], placeholder: str, left: list[str]) -> None:
    if ended.email == placeholder:
        if User.objects.filter(email=before["email"]).exists():
            left.append(_("another account has the address now"))
        else:
            ended.email = before["email"]
            rows = [EmailAddress(user=ended, email=a, verified=b, primary=c) for a, b, c in before["addresses"]]
            EmailAddress.objects.bulk_create(rows, ignore_conflicts=True)
    elif ended.email != before["email"]:
        left.append(_("the address was changed since"))
    if not kept.is_active:
        # Whoever was put out meanwhile must not come back in by an undoing.
        left.append(_("the account that was kept is suspended: the other one stays suspended"))
    ended.is_active = kept.is_active
    ended.save(update_fields=["is_active", "email"])
