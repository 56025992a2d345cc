"""Changes written in batches, each looked at again in its own transaction: the plan may be minutes old by then."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from django.db import connection, transaction

from accounts.audit.parties import Party
from accounts.audit.record import record_many
from accounts.models import ProvisioningRun, User
from accounts.models.provisioning import ChangeKind
from accounts.provisioning.adopting import with_adoptions
from accounts.provisioning.differences import Change, change_of
from accounts.provisioning.problems import Problem
from accounts.provisioning.rows import Row
from accounts.provisioning.runs import add_counts
from accounts.provisioning.state import Current, Holder, current_people, holders_of, others_present
from accounts.provisioning.writing import BatchWriter
from accounts.services.leavers import see_off_soon

# A transaction of this many people takes about a third of a second on SQLite, and nobody else writes meanwhile.
BATCH = 2000
# SQLite has no queue: who waits looks again each tenth of a second at the latest, and must not find the door shut each
# time. With a fifth of that a sign-in, which writes some five times, took as long as six batches.
PAUSE_SECONDS = 0.1

Decide = Callable[[Current], Change | None]


class Applier:
    """Of one run. `problems` gets what turned out only now; `may_free` says whose address a row may take."""

    def __init__(
        self,
        run: ProvisioningRun,
        *,
        actor: Party,
        today: date,
        organisations: Mapping[int, str],
        problems: Callable[[Problem], None],
        may_free: Callable[[Holder], bool] = lambda holder: False,
    ) -> None:
        self.run, self.today, self.problems, self.may_free = run, today.isoformat(), problems, may_free
        self.writer = BatchWriter(run, actor=actor, today=today, organisations=organisations)

    def apply_rows(self, rows: Sequence[Row]) -> Counter[str]:
        """Creates and changes whom the rows name; how many of each kind."""
        with transaction.atomic():
            current = current_people(self.run.source, [row.hr_id for row in rows], lock=True)
            changes = [
                change
                for row in rows
                if (change := change_of(row, current.get(row.hr_id), run=self.run.key, today=self.today)) is not None
            ]
            changes, freed = self._with_addresses(changes)
            return self._write(changes, freed)

    def apply_to(self, hr_ids: Sequence[str], decide: Decide) -> Counter[str]:
        """What `decide` says of people who are there already."""
        with transaction.atomic():
            people = current_people(self.run.source, hr_ids, lock=True).values()
            changes = [change for person in people if (change := decide(person)) is not None]
            return self._write(changes, [])

    def _with_addresses(self, changes: list[Change]) -> tuple[list[Change], list[Holder]]:
        """Without those whose address somebody else has, and whose addresses are freed for the others."""
        wanted = {
            change.values.email
            for change in changes
            if change.current is None or change.current.values.email != change.values.email
        }
        holders = holders_of(self.run.source, wanted) if wanted else {}
        kept, freed = [], []
        for change in with_adoptions(changes, holders, locks=True):
            holder = holders.get(change.values.email)
            if holder is None or (change.current is not None and holder.user_id == change.current.user_id):
                kept.append(change)
            elif holder.may_be_freed or self.may_free(holder):
                kept.append(change)
                freed.append(holder)
            else:
                self.problems(Problem(change.line, "email", change.values.email, "email_taken"))
        return kept, freed

    def _write(self, changes: list[Change], freed: list[Holder]) -> Counter[str]:
        changes = self._without_last_administrator(self._without_leaving_administrators(self._staying(changes)))
        if not changes:
            return Counter()
        batch = self.writer.write(changes, freed)
        counts = Counter(change.kind.value for change in changes)
        add_counts(self.run, counts)
        see_off_soon(batch.deactivated)
        record_many(batch.entries)
        return counts

    def _staying(self, changes: list[Change]) -> list[Change]:
        """Who has another employer stays active, whatever this one says."""
        going = [change.current for change in changes if change.deactivates and change.current is not None]
        staying = others_present([p.user_id for p in going], [p.employment_id for p in going]) if going else set()
        return [
            change._replace(values=change.values._replace(is_active=True))
            if change.current is not None and change.current.user_id in staying and change.deactivates
            else change
            for change in changes
        ]

    def _without_leaving_administrators(self, changes: list[Change]) -> list[Change]:
        """A file may suspend an administrator, but none leaves by it."""
        kept = []
        for change in changes:
            if change.current is not None and change.current.is_administrator and change.kind == ChangeKind.LEFT:
                self.problems(Problem(change.line, "hr_id", change.hr_id, "administrator"))
            else:
                kept.append(change)
        return kept

    def _without_last_administrator(self, changes: list[Change]) -> list[Change]:
        going = [
            c.current.user_id for c in changes if c.deactivates and c.current is not None and c.current.is_superuser
        ]
        if not going:
            return changes
        # Locked: two runs by two doors must not each leave the other's one.
        staying = User.objects.select_for_update(no_key=True).filter(is_superuser=True, is_active=True)
        if [pk for pk in staying.order_by("pk").values_list("pk", flat=True) if pk not in going]:
            return changes
        for change in changes:
            if change.current is not None and change.current.user_id in going:
                self.problems(Problem(change.line, "hr_id", change.hr_id, "last_administrator"))
        return [c for c in changes if c.current is None or c.current.user_id not in going]


def pause() -> None:
    """Between two batches: others write. On PostgreSQL they do all the time."""
    if connection.vendor == "sqlite":
        time.sleep(PAUSE_SECONDS)


def in_batches(items: Sequence[str]) -> Iterable[Sequence[str]]:
    return (items[at : at + BATCH] for at in range(0, len(items), BATCH))
