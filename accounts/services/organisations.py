"""Organisations moved in their tree, and what is laid down for them changed: each with its entry in the audit log."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Substr

from accounts.audit import places
from accounts.audit.parties import Party, party_of, person
from accounts.audit.record import record
from accounts.models import Organisation, Policy, User
from accounts.models.organisation import MAX_DEPTH
from accounts.policies.table import KINDS, is_open


class Misplaced(Exception):
    """It cannot stand there: within itself, or deeper than the tree goes."""


def check_place(organisation: Organisation, parent: Organisation | None) -> None:
    """Raises `Misplaced` where `organisation` (perhaps not saved yet) cannot stand below `parent`. Two queries."""
    if parent is None:
        return
    if organisation.pk is not None and organisation.pk in (parent.pk, *parent.ancestor_ids):
        raise Misplaced
    if parent.depth + 1 + _height(organisation) >= MAX_DEPTH:
        raise Misplaced


def sirets_at(keys: Collection[int]) -> dict[int, str]:
    """The SIRET of each of these organisations, by its key: of an office without one, that of what it is the nearest
    part of. Two queries.
    """
    organisations = list(Organisation.objects.filter(pk__in=keys))
    above = Organisation.objects.in_bulk({key for one in organisations for key in one.ancestor_ids})
    found = {}
    for one in organisations:
        lineage = [one, *(above[key] for key in reversed(one.ancestor_ids) if key in above)]
        if siret := next((each.siret for each in lineage if each.siret), ""):
            found[one.pk] = siret
    return found


def move(organisation: Organisation, parent: Organisation | None, *, acting_user: User | None) -> None:
    """Puts it, with all that is below it, below another one (None: makes it a root). Raises `Misplaced`.

    One UPDATE for all that is below, whatever their number.
    """
    with transaction.atomic():
        _take_turns()
        here = Organisation.objects.get(pk=organisation.pk)
        there = Organisation.objects.get(pk=parent.pk) if parent is not None else None
        if here.parent_id == (there.pk if there else None):
            return
        check_place(here, there)
        before, below = here.parent_id, here.lineage_below
        here.parent, here.lineage = there, there.lineage_below if there else ""
        here.save(update_fields=["parent", "lineage", "updated_at"])
        Organisation.objects.filter(lineage__startswith=below).update(
            lineage=Concat(Value(here.lineage_below), Substr(F("lineage"), len(below) + 1))
        )
        record(
            "organisation_moved",
            actor=person(acting_user),
            target=party_of(here),
            before={"parent": before},
            after={"parent": here.parent_id},
            scope=str(here.public_id),
        )
    organisation.parent, organisation.lineage = here.parent, here.lineage


def record_policy_change(policy: Policy, before: dict[str, Any], *, acting_user: User | None) -> None:
    """Writes what became of a policy to the audit log; `before` is what `laid_down` gave."""
    after = laid_down(policy)
    changed = {name: [before.get(name), after.get(name)] for name in KINDS if before.get(name) != after.get(name)}
    if changed:
        whose = party_of(policy.organisation) if policy.organisation else Party("organisation", places.PORTAL)
        record(
            "policy_changed",
            actor=person(acting_user),
            target=whose,
            before={name: pair[0] for name, pair in changed.items()},
            after={name: pair[1] for name, pair in changed.items()},
            scope=whose.id,
            changed=changed,
        )


def laid_down(policy: Policy | None) -> dict[str, Any]:
    """What it says, by the names of the rules; what it leaves open is not among them."""
    columns = {name: getattr(policy, name, None) for name in KINDS}
    return {name: column for name, column in columns.items() if not is_open(column)}


def _take_turns() -> None:
    """Two moves at once could each put one into the other. On SQLite the transaction has taken the only pen already."""
    list(Organisation.objects.select_for_update().filter(parent=None).order_by("pk").values_list("pk"))


def _height(organisation: Organisation) -> int:
    """How many levels are below it."""
    if organisation.pk is None:
        return 0
    lineages = Organisation.objects.below(organisation).values_list("lineage", flat=True)
    return max((lineage.count("/") - organisation.depth for lineage in lineages.iterator()), default=0)
