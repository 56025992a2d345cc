"""One batch of changes, written: accounts, HR records, memberships, the changes themselves, and the audit log last.

All of it is one transaction of the caller's, short enough that sign-ins and joins pass between two of them on SQLite.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.backends.utils import CursorWrapper

from accounts.audit.parties import Party
from accounts.audit.record import Entry
from accounts.models import Employment, Membership, ProvisioningChange, ProvisioningRun, User
from accounts.models.provisioning import ChangeKind
from accounts.provisioning.bulk import Table, stored_now
from accounts.provisioning.differences import (
    Change,
    differing,
    freed_address,
    periods_after,
    told,
)
from accounts.provisioning.state import Holder, Period, Values, as_json, memberships_of

_USERS = Table(User, "id", "public_id", "email", "first_name", "last_name", "is_active", "password", "date_joined")
_EMPLOYMENT_COLUMNS = (
    "status",
    "email",
    "organisation_id",
    "manager_hr_id",
    "arrives_on",
    "leaves_on",
    "digest",
    "run",
)
_ACCOUNT_COLUMNS = ("email", "first_name", "last_name", "is_active")
_EMPLOYMENTS = Table(Employment, "id", "user_id", "source", "hr_id", "created_at", "updated_at", *_EMPLOYMENT_COLUMNS)
_MEMBERSHIPS = Table(Membership, "id", "user_id", "organisation_id", "role", "from_on", "until_on", "source")
_CHANGES = Table(ProvisioningChange, "run_id", "line", "kind", "hr_id", "person_id", "employment_id", "before", "after")
_ACTIONS = {kind: f"person_{kind.value}" for kind in ChangeKind}


@dataclass(slots=True)
class Batch:
    """What is to be written, gathered first: the order of statements is `write`'s."""

    users: list[tuple[Any, ...]] = field(default_factory=list)
    employments: list[tuple[Any, ...]] = field(default_factory=list)
    # By the columns that change: SQLite writes each index of a column that is set, whatever it is set to.
    user_updates: dict[tuple[str, ...], list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    employment_updates: dict[tuple[str, ...], list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    employment_deletions: list[int] = field(default_factory=list)
    freed: list[tuple[Any, ...]] = field(default_factory=list)
    given_back: list[tuple[Any, ...]] = field(default_factory=list)
    memberships: list[tuple[Any, ...]] = field(default_factory=list)
    membership_updates: list[tuple[Any, ...]] = field(default_factory=list)
    membership_deletions: list[int] = field(default_factory=list)
    changes: list[tuple[Any, ...]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    # Accounts whose sign-in address changed, whose allauth rows must not keep the old one.
    readdressed: list[int] = field(default_factory=list)
    # Accounts that are out now.
    deactivated: list[int] = field(default_factory=list)


# Confirmed and unconfirmed addresses of an account besides its own, as in JSON: [address, is verified, is primary].
Address = list[Any]


class BatchWriter:
    """Of one run on one day."""

    def __init__(self, run: ProvisioningRun, *, actor: Party, today: date, organisations: Mapping[int, str]) -> None:
        self.run, self.actor, self.organisations = run, actor, organisations
        self.addresses: Mapping[int, list[Address]] = {}
        self.today, self.yesterday = today.isoformat(), (today - timedelta(days=1)).isoformat()

    def write(self, changes: Sequence[Change], freed: Sequence[Holder]) -> Batch:
        """In the caller's transaction. The entries for the audit log are in the result, to be recorded last."""
        batch = Batch()
        created = [change for change in changes if change.current is None]
        changed = [change for change in changes if change.current is not None]
        readdressed = [holder.user_id for holder in freed]
        readdressed += [c.current.user_id for c in changed if c.current and c.current.values.email != c.values.email]
        self.addresses = addresses_of(readdressed) if readdressed else {}
        with connection.cursor() as cursor:
            for holder in freed:
                self._free(batch, holder)
            # More than needed leaves gaps, which harm nobody.
            membership_ids = iter(_MEMBERSHIPS.new_keys(cursor, len(changes)))
            without_record = len(created) + sum(1 for c in changed if c.kind == ChangeKind.ADOPTED)
            employment_ids = iter(_EMPLOYMENTS.new_keys(cursor, without_record))
            self._gather_created(batch, cursor, created, employment_ids, membership_ids)
            self._gather_changed(batch, changed, employment_ids, membership_ids)
            flush(batch, cursor)
        return batch

    def _free(self, batch: Batch, holder: Holder) -> None:
        address = freed_address(holder.public_id)
        batch.freed.append((address, holder.user_id))
        batch.readdressed.append(holder.user_id)
        self._note(
            batch,
            0,
            ChangeKind.ADDRESS_FREED,
            holder.hr_id,
            holder.user_id,
            0,
            {"email": holder.email, **self._lost_addresses(holder.user_id)},
            {"email": address},
        )
        party = Party("person", holder.public_id, holder.label)
        batch.entries.append(
            Entry("person_address_freed", self.actor, party, {"email": holder.email}, {"email": address})
        )

    def _gather_created(
        self,
        batch: Batch,
        cursor: CursorWrapper,
        created: Sequence[Change],
        employment_ids: Iterator[int],
        membership_ids: Iterator[int],
    ) -> None:
        user_ids = _USERS.new_keys(cursor, len(created))
        now, source, actor, action = stored_now(), self.run.source, self.actor, _ACTIONS[ChangeKind.CREATED]
        # Nobody's password: hashing one for each would take hours.
        password = make_password(None)
        is_sqlite = connection.vendor == "sqlite"  # asking costs as much as a name
        for change, user_id in zip(created, user_ids, strict=True):
            values, public_id, employment_id = change.values, uuid.uuid4(), next(employment_ids)
            batch.users.append(
                (
                    user_id,
                    public_id.hex if is_sqlite else public_id,
                    values.email,
                    values.first_name,
                    values.last_name,
                    values.is_active,
                    password,
                    now,
                )
            )
            batch.employments.append((employment_id, user_id, source, change.hr_id, now, now, *_employment(values)))
            for period in periods_after([], values, is_new=True, today=self.today, yesterday=self.yesterday):
                batch.memberships.append(_membership(user_id, [next(membership_ids), *period[1:]], source))
            batch.changes.append((self.run.pk, change.line, "created", change.hr_id, user_id, employment_id, "", ""))
            name = f"{values.first_name} {values.last_name}".strip() or values.email.partition("@")[0]
            after = {"email": values.email, "status": values.status, "hr_id": change.hr_id, "source": source}
            scope = self.organisations.get(values.organisation_id, "")
            batch.entries.append(Entry(action, actor, Party("person", str(public_id), name), None, after, scope))

    def _gather_changed(
        self,
        batch: Batch,
        changed: Sequence[Change],
        employment_ids: Iterator[int],
        membership_ids: Iterator[int],
    ) -> None:
        people = [change.current for change in changed if change.current is not None]
        memberships = memberships_of([person.user_id for person in people])
        for change, person in zip(changed, people, strict=True):
            before, after = differing(person.values, change.values)
            entry_before, entry_after = told(before), told(after)
            if "organisation_id" in before:
                entry_before["organisation"] = self.organisations.get(before["organisation_id"], "")
                entry_after["organisation"] = self.organisations.get(after["organisation_id"], "")
            update_user(batch, person.values, change.values, person.user_id)
            employment_id = person.employment_id
            if change.kind == ChangeKind.ADOPTED:
                employment_id, now = next(employment_ids), stored_now()
                key = (employment_id, person.user_id, self.run.source, change.hr_id, now, now)
                batch.employments.append((*key, *_employment(change.values)))
                entry_after |= {"hr_id": change.hr_id, "source": self.run.source}
            else:
                update_employment(batch, person.values, change.values, employment_id)
            if "email" in before:
                batch.readdressed.append(person.user_id)
                before |= self._lost_addresses(person.user_id)
            if change.deactivates:
                batch.deactivated.append(person.user_id)
            own, wanted = self._periods(change, memberships.get(person.user_id, []), membership_ids)
            if own != wanted:
                rewrite_periods(batch, person.user_id, self.run.source, own, wanted)
                before["memberships"], after["memberships"] = own, wanted
            self._note(batch, change.line, change.kind, change.hr_id, person.user_id, employment_id, before, after)
            scope = self.organisations.get(change.values.organisation_id, "")
            party = Party("person", person.public_id, person.label)
            batch.entries.append(Entry(_ACTIONS[change.kind], self.actor, party, entry_before, entry_after, scope))

    def _periods(
        self, change: Change, memberships: Sequence[tuple[str, Period]], membership_ids: Iterator[int]
    ) -> tuple[list[Period], list[Period]]:
        """The memberships of this source that are not over, as they are and as they shall be."""
        source = self.run.source
        own = [period for of, period in memberships if of == source and (not period[4] or period[4] >= self.today)]
        is_new = change.kind == ChangeKind.ADOPTED
        wanted = periods_after(own, change.values, is_new=is_new, today=self.today, yesterday=self.yesterday)
        # Where somebody made the same membership by hand, that one does.
        taken = {(period[1], period[3]) for _of, period in memberships if period not in own}
        wanted = [period for period in wanted if period[0] or (period[1], period[3]) not in taken]
        return own, [[period[0] or next(membership_ids), *period[1:]] for period in wanted]

    def _lost_addresses(self, user_id: int) -> dict[str, list[Address]]:
        found = self.addresses.get(user_id)
        return {"addresses": found} if found else {}

    def _note(
        self,
        batch: Batch,
        line: int,
        kind: ChangeKind,
        hr_id: str,
        user_id: int,
        employment_id: int,
        before: dict[str, Any],
        after: dict[str, Any],
    ) -> None:
        batch.changes.append(
            (self.run.pk, line, kind.value, hr_id, user_id, employment_id, as_json(before), as_json(after))
        )


def addresses_of(user_ids: Collection[int]) -> dict[int, list[Address]]:
    found: dict[int, list[Address]] = defaultdict(list)
    rows = EmailAddress.objects.filter(user_id__in=user_ids).order_by("pk")
    for user_id, *address in rows.values_list("user_id", "email", "verified", "primary"):
        found[user_id].append(address)
    return found


def give_addresses(wanted: Mapping[int, Sequence[Address]]) -> list[tuple[int, str]]:
    """Writes these again, by account; those that somebody else has confirmed stay theirs and are returned."""
    emails = [email for addresses in wanted.values() for email, _verified, _primary in addresses]
    confirmed = dict(EmailAddress.objects.filter(email__in=emails, verified=True).values_list("email", "user_id"))
    there = addresses_of(wanted)
    rows, taken = [], []
    for user_id, addresses in wanted.items():
        own = {email for email, _verified, _primary in there.get(user_id, [])}
        has_primary = any(is_primary for _email, _verified, is_primary in there.get(user_id, []))
        for email, is_verified, is_primary in addresses:
            if confirmed.get(email, user_id) != user_id:
                taken.append((user_id, email))
            elif email not in own:
                primary = is_primary and not has_primary
                rows.append(EmailAddress(user_id=user_id, email=email, verified=is_verified, primary=primary))
    EmailAddress.objects.bulk_create(rows)
    return taken


def rewrite_periods(batch: Batch, user_id: int, source: str, own: Sequence[Period], wanted: Sequence[Period]) -> None:
    """Makes the memberships `own` those that are `wanted`, by their keys."""
    old = {period[0]: period for period in own}
    kept = {period[0] for period in wanted}
    batch.membership_deletions += [key for key in old if key not in kept]
    for period in wanted:
        if period[0] not in old:
            batch.memberships.append(_membership(user_id, period, source))
        elif period != old[period[0]]:
            _pk, organisation_id, role, from_on, until_on = period
            batch.membership_updates.append((organisation_id, role, from_on, until_on or None, period[0]))


def update_user(batch: Batch, old: Values, new: Values, user_id: int) -> None:
    changed = tuple(name for name in _ACCOUNT_COLUMNS if getattr(old, name) != getattr(new, name))
    if changed:
        batch.user_updates[changed].append((*(getattr(new, name) for name in changed), user_id))


def update_employment(batch: Batch, old: Values, new: Values, employment_id: int) -> None:
    columns = zip(_EMPLOYMENT_COLUMNS, _employment(old), _employment(new), strict=True)
    changed = {name: value for name, before, value in columns if value != before}
    if changed:
        batch.employment_updates[*changed, "updated_at"].append((*changed.values(), stored_now(), employment_id))


def flush(batch: Batch, cursor: CursorWrapper) -> None:
    """All statements but those of the audit log, in the one order in which no address stands twice."""
    _USERS.update(cursor, ["email"], batch.freed)
    for columns, rows in batch.user_updates.items():
        _USERS.update(cursor, columns, rows)
    _USERS.update(cursor, ["email"], batch.given_back)
    _USERS.insert(cursor, batch.users)
    for columns, rows in batch.employment_updates.items():
        _EMPLOYMENTS.update(cursor, columns, rows)
    _EMPLOYMENTS.insert(cursor, batch.employments)
    _EMPLOYMENTS.delete(cursor, batch.employment_deletions)
    _MEMBERSHIPS.delete(cursor, batch.membership_deletions)
    _MEMBERSHIPS.update(cursor, ["organisation_id", "role", "from_on", "until_on"], batch.membership_updates)
    _MEMBERSHIPS.insert(cursor, batch.memberships)
    if batch.readdressed:
        # They would still be found by their former address, which may be somebody else's now.
        EmailAddress.objects.filter(user_id__in=batch.readdressed).delete()
    _CHANGES.insert(cursor, batch.changes)


def _employment(values: Values) -> tuple[Any, ...]:
    return (
        values.status,
        values.hr_email,
        values.organisation_id or None,
        values.manager_hr_id,
        values.arrives_on or None,
        values.leaves_on or None,
        values.digest,
        values.run,
    )


def _membership(user_id: int, period: Period, source: str) -> tuple[Any, ...]:
    pk, organisation_id, role, from_on, until_on = period
    return (pk, user_id, organisation_id, role, from_on, until_on or None, source)
