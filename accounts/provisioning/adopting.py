"""Accounts that a sign-in by ProConnect made before HR's first row of the person: the row takes them over.

An address alone says nothing, for it is given to others: the sign-in service must have said the row's address and the
SIRET of where the row puts the person, and the account must be in no HR file yet, and no administrator's or of somebody
who brings such files. Whoever signed in before the person of the row arrived is somebody else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from accounts.models import HrDuty, SignInIdentity, User
from accounts.models.provisioning import ChangeKind
from accounts.provisioning.differences import Change
from accounts.provisioning.rows import PRESENT
from accounts.provisioning.state import NO_EMPLOYMENT, Current, Holder, Values, among
from accounts.services.organisations import sirets_at


class _SignedIn(NamedTuple):
    """What a sign-in service said of an account's person, and since which day it has known them."""

    email: str
    siret: str
    since: str


def with_adoptions(changes: Sequence[Change], holders: Mapping[str, Holder], *, locks: bool = False) -> list[Change]:
    """`changes`, but for new people whose account is there already: for them a change of that account. `holders` are
    those of the changes' addresses.
    """
    held = {
        holders[change.values.email].user_id
        for change in changes
        if change.current is None and change.values.email in holders
    }
    accounts = _accounts_without_record(held, locks=locks) if held else {}
    if not accounts:
        return list(changes)
    signed_in = _signed_in(accounts)
    sirets = sirets_at({change.values.organisation_id for change in changes if change.current is None})
    found = []
    for change in changes:
        holder = holders.get(change.values.email) if change.current is None else None
        account = accounts.get(holder.user_id) if holder is not None else None
        siret = sirets.get(change.values.organisation_id, "")
        if account is not None and siret and _is_one_person(change.values, siret, signed_in[account.user_id]):
            found.append(_adoption(change, account))
        else:
            found.append(change)
    return found


def _is_one_person(values: Values, siret: str, signed_in: Sequence[_SignedIn]) -> bool:
    # Without a first day nothing tells the person of the row from one who had the address before.
    return bool(values.arrives_on) and any(
        said.email == values.email and said.siret == siret and said.since >= values.arrives_on for said in signed_in
    )


def _adoption(change: Change, account: Current) -> Change:
    old, new = account.values, change.values
    values = new._replace(
        first_name=new.first_name or old.first_name,
        last_name=new.last_name or old.last_name,
        is_active=old.is_active and new.status == PRESENT,  # whom somebody locked by hand stays locked
    )
    return Change(ChangeKind.ADOPTED, change.line, change.hr_id, account, values)


def _accounts_without_record(user_ids: Collection[int], *, locks: bool) -> dict[int, Current]:
    nobodys = User.objects.filter(is_staff=False, is_superuser=False).exclude(pk__in=HrDuty.objects.values("user"))
    users = among(nobodys, "id", list(user_ids)).order_by("pk")
    if locks and connection.vendor == "postgresql":
        list(users.select_for_update(no_key=True).values_list("pk"))
    found = {}
    for pk, public_id, email, first, last, is_active in users.filter(employments=None).values_list(
        "pk", "public_id", "email", "first_name", "last_name", "is_active"
    ):
        values = Values(*NO_EMPLOYMENT, email, first, last, is_active)
        found[pk] = Current(0, pk, "", str(public_id), False, False, values)
    return found


def _signed_in(user_ids: Collection[int]) -> dict[int, list[_SignedIn]]:
    found: dict[int, list[_SignedIn]] = defaultdict(list)
    rows = SignInIdentity.objects.filter(user_id__in=user_ids)
    for user_id, email, siret, since in rows.values_list("user_id", "email", "siret", "created_at"):
        found[user_id].append(_SignedIn(email.lower(), siret, timezone.localdate(since).isoformat()))
    return found
