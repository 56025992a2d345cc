"""A run taken back: each value that it wrote and that still stands is what it was before; new accounts go.

Newest change first, in batches. What others changed since is left to them and told. Interrupted, it goes on by being
called again: what is as before already needs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.audit.parties import SERVER, Party
from accounts.audit.record import Entry, record, record_many
from accounts.models import Employment, Membership, ProvisioningChange, ProvisioningRun, User
from accounts.models.provisioning import ChangeKind, RunKind, RunState
from accounts.provisioning import deactivating, runs
from accounts.provisioning.applying import BATCH, pause
from accounts.provisioning.differences import freed_address
from accounts.provisioning.importing import Watcher, prepare_connection
from accounts.provisioning.rows import LEFT
from accounts.provisioning.state import (
    EMPLOYMENT_FIELDS,
    NO_EMPLOYMENT,
    Current,
    Period,
    Values,
    current_people,
    memberships_of,
    others_present,
)
from accounts.provisioning.writing import (
    Address,
    Batch,
    flush,
    give_addresses,
    rewrite_periods,
    update_employment,
    update_user,
)
from accounts.services.leavers import see_off_soon

PEOPLE_KINDS = (RunKind.FILE, RunKind.DATES)


class NotUndoable(Exception):
    """There is no such run, it is undone, or a later one of the same source must be undone first: the text says."""


@dataclass(slots=True)
class Undone:
    run: str
    counts: Counter[str] = field(default_factory=Counter)
    # HR ids of people of whom something stays as it is, and why.
    left: list[tuple[str, str]] = field(default_factory=list)


def undo(key: str, watcher: Watcher, *, actor: Party = SERVER) -> Undone:
    """Raises `NotUndoable` and `runs.Busy`."""
    with runs.only_one():
        prepare_connection()
        run = undoable(key, kinds=PEOPLE_KINDS)
        undone = Undone(key)
        watcher.step("undo", run.changes.count())
        before = None
        while changes := _next_changes(run, before):
            before = changes[-1].pk
            _Batch(run, undone, actor).take_back(changes)
            watcher.progress(len(changes))
            pause()
        with transaction.atomic():
            run.state, run.undone_at = RunState.UNDONE, timezone.now()
            run.save(update_fields=["state", "undone_at"])
            after = {**undone.counts, "left": len(undone.left)}
            record("provisioning_undone", actor=actor, target=runs.party_of_run(run), after=after)
    return undone


def undo_deactivation(key: str, *, actor: Party = SERVER) -> Undone:
    """Lets in again whom `deactivate_users` suspended. Raises as `undo` does."""
    with runs.only_one():
        run = undoable(key, kinds=(RunKind.DEACTIVATION,))
        counts, left = deactivating.undo(run, actor=actor)
    return Undone(key, counts, left)


def undoable(key: str, *, kinds: Collection[RunKind]) -> ProvisioningRun:
    """Raises `NotUndoable`."""
    run = ProvisioningRun.objects.filter(key=key).first()
    if run is None or run.kind not in kinds:
        raise NotUndoable(f"There is no run {key} of this command.")
    if run.state == RunState.UNDONE:
        raise NotUndoable(f"Run {key} is undone already.")
    later = ProvisioningRun.objects.filter(source=run.source, pk__gt=run.pk).exclude(state=RunState.UNDONE)
    later = later.exclude(kind__in=(RunKind.DEACTIVATION, RunKind.MERGE))  # of a few people each, in no order
    newest = later.filter(pk__in=ProvisioningChange.objects.filter(run__in=later).values("run")).first()
    if newest is not None:
        raise NotUndoable(f"Run {newest.key} of the same source came after it: undo that first.")
    return run


def _next_changes(run: ProvisioningRun, before: int | None) -> list[ProvisioningChange]:
    changes = ProvisioningChange.objects.filter(run=run).order_by("-pk")
    return list(changes.filter(pk__lt=before)[:BATCH] if before is not None else changes[:BATCH])


class _Batch:
    def __init__(self, run: ProvisioningRun, undone: Undone, actor: Party) -> None:
        self.run, self.undone, self.actor = run, undone, actor
        self.batch = Batch()
        self.told: list[Entry] = []
        self.counts: Counter[str] = Counter()
        self.left: list[tuple[str, str]] = []
        # By account: who it is, the sign-in address with which these belong together, and they.
        self.addresses: dict[int, tuple[str, str, list[Address]]] = {}

    def take_back(self, changes: Sequence[ProvisioningChange]) -> None:
        with transaction.atomic():
            hr_ids = {change.hr_id for change in changes if change.hr_id}
            self.people = current_people(self.run.source, hr_ids, lock=True)
            self.values = {hr_id: person.values for hr_id, person in self.people.items()}
            ids = [change.person_id for change in changes if "memberships" in change.before + change.after]
            self.memberships = memberships_of(ids)
            self.elsewhere = others_present(
                [person.user_id for person in self.people.values()],
                [person.employment_id for person in self.people.values()],
            )
            self._delete_created([change for change in changes if change.kind == ChangeKind.CREATED])
            for change in changes:
                if change.kind != ChangeKind.CREATED:
                    self._restore(change)
            self._write()
            record_many(self.told)
        self.undone.counts += self.counts
        self.undone.left += self.left

    def _delete_created(self, created: Sequence[ProvisioningChange]) -> None:
        there = {person.user_id: person for person in self.people.values()}
        people = [there[change.person_id] for change in created if change.person_id in there]
        kept = _in_use([person.user_id for person in people], self.run.source)
        kept |= {person.user_id for person in people if person.is_administrator}
        keys = [person.user_id for person in people if person.user_id not in kept]
        with connection.cursor() as cursor:
            for model, column in ((Membership, "user_id"), (Employment, "user_id"), (User, "id")):
                query = f'DELETE FROM "{model._meta.db_table}" WHERE {column} = %s'  # noqa: S608  our own tables
                cursor.executemany(query, [(key,) for key in keys])
        for person in people:
            if person.is_administrator:
                self.left.append((person.hr_id, "an administrator is not suspended: the account stays"))
            elif person.user_id in kept:
                # The next file finds them again by their HR id.
                self.values[person.hr_id] = person.values._replace(status=LEFT, is_active=False, digest="")
                self.left.append((person.hr_id, "the account is in use: it is suspended instead of deleted"))
            else:
                del self.values[person.hr_id]
            self._tell(person, ChangeKind.CREATED)

    def _restore(self, change: ProvisioningChange) -> None:
        before, after = change.values_before, change.values_after
        if addresses := before.pop("addresses", None):
            self.addresses[change.person_id] = (change.hr_id or str(change.person_id), before["email"], addresses)
        person = self.people.get(change.hr_id)
        if person is None or person.user_id != change.person_id:
            if change.kind == ChangeKind.ADOPTED:
                self._see_given_up(change, before)
            else:
                self._restore_address(change, before, after)
            return
        self._restore_periods(change, before.pop("memberships", None), after.pop("memberships", None))
        if change.kind == ChangeKind.ADOPTED:
            before = self._give_up(change, person, before, after)
        now = self.values[change.hr_id]
        back: dict[str, Any] = {}
        for name, value in before.items():
            if getattr(now, name) == after[name]:
                back[name] = value
            elif getattr(now, name) != value and name not in ("run", "digest"):
                self.left.append((change.hr_id, f"{name} was changed since"))
        if back.get("is_active") is False and (person.is_administrator or person.user_id in self.elsewhere):
            del back["is_active"]
            why = "an administrator is not suspended" if person.is_administrator else "another employer has them"
            self.left.append((change.hr_id, f"{why}: the account stays active"))
        self.values[change.hr_id] = now._replace(**back)
        self._tell(person, ChangeKind(change.kind))

    def _give_up(
        self, change: ProvisioningChange, person: Current, before: dict[str, Any], after: dict[str, Any]
    ) -> dict[str, Any]:
        """Takes the HR record from an account that had none; returns what else was before."""
        now = self.values[change.hr_id]
        written = {name: after.get(name, empty) for name, empty in zip(EMPLOYMENT_FIELDS, NO_EMPLOYMENT, strict=True)}
        if all(getattr(now, name) == value for name, value in written.items()):
            self.batch.employment_deletions.append(person.employment_id)
        else:
            self.left.append((change.hr_id, "the HR record was changed since"))
        return {name: value for name, value in before.items() if name not in EMPLOYMENT_FIELDS}

    def _see_given_up(self, change: ProvisioningChange, before: dict[str, Any]) -> None:
        """Of an undoing that was interrupted, or by hand."""
        account = {name: value for name, value in before.items() if name in Values._fields}
        account = {name: value for name, value in account.items() if name not in EMPLOYMENT_FIELDS}
        if not User.objects.filter(pk=change.person_id, **account).exists():
            self.left.append((change.hr_id, "the HR record is gone: the account stays as it is"))

    def _restore_address(self, change: ProvisioningChange, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Of an account without an HR record of this source: its address is all that a run ever takes."""
        user = User.objects.filter(pk=change.person_id, email=after.get("email", "")).first()
        if user is None or User.objects.filter(email=before["email"]).exists():
            self.left.append((change.hr_id or str(change.person_id), "the address could not be given back"))
            return
        # Nothing but the address: the rest may have changed since it was read.
        self.batch.given_back.append((before["email"], user.pk))
        self.batch.readdressed.append(user.pk)
        self.counts[change.kind] += 1

    def _restore_periods(
        self, change: ProvisioningChange, before: list[Period] | None, after: list[Period] | None
    ) -> None:
        if before is None or after is None:
            return
        keys = {period[0] for period in (*before, *after)}
        now = {period[0]: period for _source, period in self.memberships[change.person_id] if period[0] in keys}
        if now == {period[0]: period for period in after}:
            rewrite_periods(self.batch, change.person_id, self.run.source, after, before)
        elif now != {period[0]: period for period in before}:
            self.left.append((change.hr_id, "memberships were changed since"))

    def _write(self) -> None:
        changed = [
            (p, self.values[hr]) for hr, p in self.people.items() if hr in self.values and p.values != self.values[hr]
        ]
        changed = self._without_taken_addresses(changed)
        for person, values in changed:
            if values.email != person.values.email:
                # Out of the way first: two people may have exchanged theirs.
                self.batch.freed.append((freed_address(person.public_id), person.user_id))
                self.batch.readdressed.append(person.user_id)
            update_user(self.batch, person.values, values, person.user_id)
            update_employment(self.batch, person.values, values, person.employment_id)
        gone = [p.user_id for p, values in changed if p.values.is_active and not values.is_active]
        see_off_soon(gone)
        with connection.cursor() as cursor:
            flush(self.batch, cursor)
        self._give_addresses_back()

    def _give_addresses_back(self) -> None:
        now = dict(User.objects.filter(pk__in=self.addresses).values_list("pk", "email"))
        wanted = {}
        for user_id, (who, email, addresses) in self.addresses.items():
            if now.get(user_id) == email:
                wanted[user_id] = addresses
            else:
                self.left.append((who, "the account has another address: those beside it are not given back"))
        for user_id, address in give_addresses(wanted):
            who = self.addresses[user_id][0]
            self.left.append((who, f"somebody else confirmed {address} meanwhile: it is not given back"))

    def _without_taken_addresses(self, changed: list[tuple[Current, Values]]) -> list[tuple[Current, Values]]:
        moving = {person.user_id for person, values in changed if values.email != person.values.email}
        wanted = [values.email for person, values in changed if person.user_id in moving]
        taken = set(User.objects.filter(email__in=wanted).exclude(pk__in=moving).values_list("email", flat=True))
        kept = []
        for person, values in changed:
            if person.user_id in moving and values.email in taken:
                self.left.append((person.hr_id, "another account has the address now"))
                kept.append((person, values._replace(email=person.values.email)))
            else:
                kept.append((person, values))
        return kept

    def _tell(self, person: Current, kind: ChangeKind) -> None:
        self.counts[kind.value] += 1
        party = Party("person", person.public_id, person.label)
        after = {"run": self.run.key, "undone": kind.value}
        self.told.append(Entry("person_restored", self.actor, party, None, after))


def _in_use(user_ids: Collection[int], source: str) -> set[int]:
    """Accounts with which somebody signed in, or on which anything hangs that this import did not make."""
    used = set(User.objects.filter(pk__in=user_ids, last_login__isnull=False).values_list("pk", flat=True))
    for relation in User._meta.get_fields(include_hidden=True):
        if not (relation.auto_created and not relation.concrete and (relation.one_to_many or relation.one_to_one)):
            continue
        model: Any = relation.related_model
        name = relation.field.attname  # type: ignore[union-attr]  # a reverse relation
        rows = model._base_manager.filter(**{f"{name}__in": user_ids})
        if model in (Employment, Membership):
            rows = rows.exclude(source=source)
        used.update(rows.values_list(name, flat=True))
    return used
