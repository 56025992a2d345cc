"""A file compared with what is there, before anything is written: who is new, changed, gone, and which rows are wrong.

Rows that need something go to a spool on disk, a batch at a time, so that memory does not grow with them. What is kept
of each row is its HR id and its address: two of them may not be the same, and who is not among them may have left.
"""

from __future__ import annotations

import marshal
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO

from accounts.models.provisioning import ChangeKind
from accounts.provisioning.adopting import with_adoptions
from accounts.provisioning.applying import BATCH, in_batches
from accounts.provisioning.differences import Change, change_of, leaving
from accounts.provisioning.problems import Problem
from accounts.provisioning.reading import Record
from accounts.provisioning.rows import Row, RowReader
from accounts.provisioning.state import Holder, current_people, holders_of, known_digests

_EVERY_ROWS = 500

Shown = Callable[[Change], None]


@dataclass(slots=True)
class Plan:
    """`counts` by kind of change, with `unchanged` and `refused`. `leavers` are HR ids, of `base` people."""

    spool: BinaryIO
    counts: Counter[str] = field(default_factory=Counter)
    leavers: list[str] = field(default_factory=list)
    base: int = 0
    # Lines that name nobody: whoever was meant there must not be taken for somebody who left.
    nameless: int = 0
    # How many people seem to have left, and stay because of those lines.
    withheld: int = 0
    # Of the accounts that rows take over, how many are suspended by that.
    adopted_out: int = 0
    _here: dict[str, int] = field(default_factory=dict)
    _refused_lines: set[int] = field(default_factory=set)
    _leaving: set[str] = field(default_factory=set)

    def batches(self) -> Iterator[list[Row]]:
        """Rows to apply, in the order of the file."""
        self.spool.seek(0)
        while True:
            try:
                rows = marshal.load(self.spool)  # noqa: S302  written by `_Planner`, to a file that has no name
            except EOFError:
                return
            yield [row for row in map(Row._make, rows) if row.line not in self._refused_lines]

    @property
    def to_write(self) -> int:
        """How many rows and leavers."""
        return sum(count for kind, count in self.counts.items() if kind not in ("unchanged", "refused"))

    def may_free(self, holder: Holder) -> bool:
        """Whether an address is given up by this file: its holder has another one there, or leaves by it."""
        if not holder.hr_id or not holder.has_address_of_hr:
            return False
        return self._here.get(holder.hr_id, 0) > 0 or holder.hr_id in self._leaving


def make_plan(
    records: Iterator[Record],
    reader: RowReader,
    *,
    source: str,
    today: date,
    is_full: bool,
    problems: Callable[[Problem], None],
    shown: Shown | None = None,
    progress: Callable[[int], None] = lambda rows: None,
) -> Plan:
    """Reads all `records`. `shown` gets each change (for a report); that costs a second look at new people."""
    planner = _Planner(reader, source, today, is_full, problems)
    try:
        planner.take(records, progress)
        planner.finish(shown)
    except BaseException:
        planner.plan.spool.close()
        raise
    return planner.plan


class _Planner:
    def __init__(
        self, reader: RowReader, source: str, today: date, is_full: bool, problems: Callable[[Problem], None]
    ) -> None:
        self.reader, self.source, self.today, self.problems = reader, source, today.isoformat(), problems
        self.known = known_digests(source)
        self.plan = Plan(tempfile.TemporaryFile(), base=sum(1 for digest in self.known.values() if digest))  # noqa: SIM115  the plan's
        self.is_full = is_full
        self.emails: dict[str, int] = {}
        # Addresses of lines without a legible key: their people are here.
        self.nameless_emails: list[str] = []
        self.pending: list[Row] = []
        # Rows whose address somebody else has now, and who: decided once the whole file is read.
        self.conflicts: list[tuple[Row, ChangeKind, Holder]] = []

    def take(self, records: Iterator[Record], progress: Callable[[int], None]) -> None:
        reader, known, here = self.reader, self.known, self.plan._here
        hr_id_at, email_at, unchanged, done = reader.hr_id_at, reader.email_at, 0, 0
        for line, cells, trouble in records:
            done += 1
            if done % _EVERY_ROWS == 0:
                progress(_EVERY_ROWS)
            trouble = trouble or reader.shape_trouble(cells)
            if trouble:
                self._refuse_nameless(Problem(line, "", str(cells[0] if cells else "")[:100], trouble), "")
                continue
            picked = reader.picked(cells)
            hr_id, email = picked[hr_id_at], picked[email_at].lower()
            digest = reader.digest_of(picked)
            if known.get(hr_id) != digest and (problem := reader.key_problem(line, picked)) is not None:
                self._refuse_nameless(problem, email)
                continue
            if (other := here.get(hr_id)) is not None:
                self._refuse(Problem(line, reader.columns.titles["hr_id"], hr_id, "hr_id_twice", abs(other)))
                continue
            here[hr_id] = -line  # until the row turns out good
            if (other := self.emails.setdefault(email, line) if email else line) != line:
                self._refuse(Problem(line, reader.columns.titles["email"], email, "email_twice", other))
                continue
            if known.get(hr_id) == digest:
                here[hr_id] = line
                unchanged += 1
                continue
            row = reader.read(line, picked, digest)
            if isinstance(row, Problem):
                self._refuse(row)
                continue
            here[hr_id] = line
            self.pending.append(row)
            if len(self.pending) == BATCH:
                self._compare()
        progress(done % _EVERY_ROWS)
        self.plan.counts["unchanged"] += unchanged
        self._compare()

    def finish(self, shown: Shown | None) -> None:
        self.emails.clear()
        self._find_leavers()
        self._settle_conflicts()
        self.plan.counts[ChangeKind.LEFT.value] += len(self.plan.leavers)
        if shown is not None:
            self._show(shown)

    def _settle_conflicts(self) -> None:
        """Refuses rows whose address stays another's. Who is refused keeps theirs, which refuses who waited for it."""
        waiting: dict[str, list[tuple[Row, ChangeKind, Holder]]] = defaultdict(list)
        for conflict in self.conflicts:
            waiting[conflict[2].hr_id].append(conflict)
        refused = [conflict for conflict in self.conflicts if not self.plan.may_free(conflict[2])]
        while refused:
            row, kind, _holder = refused.pop()
            if row.line in self.plan._refused_lines:
                continue
            self.plan._refused_lines.add(row.line)
            self.plan._here[row.hr_id] = -row.line
            self.plan.counts[kind.value] -= 1
            self._refuse(Problem(row.line, self.reader.columns.titles["email"], row.email, "email_taken"))
            refused += waiting.pop(row.hr_id, [])

    def _refuse(self, problem: Problem) -> None:
        self.plan.counts["refused"] += 1
        self.problems(problem)

    def _refuse_nameless(self, problem: Problem, email: str) -> None:
        if email:
            self.nameless_emails.append(email)
        else:
            self.plan.nameless += 1
        self._refuse(problem)

    def _compare(self) -> None:
        """Puts those of `pending` that change something on the spool."""
        rows, self.pending = self.pending, []
        if not rows:
            return
        current = current_people(self.source, [row.hr_id for row in rows if row.hr_id in self.known])
        changes = [change_of(row, current.get(row.hr_id), run="", today=self.today) for row in rows]
        kept = [(row, change) for row, change in zip(rows, changes, strict=True) if change is not None]
        self.plan.counts["unchanged"] += len(rows) - len(kept)
        holders = holders_of(
            self.source,
            [c.values.email for _row, c in kept if c.current is None or c.current.values.email != c.values.email],
        )
        adopted = with_adoptions([change for _row, change in kept], holders)
        for (row, _change), change in zip(kept, adopted, strict=True):
            self.plan.adopted_out += change.kind == ChangeKind.ADOPTED and change.deactivates
            holder = holders.get(change.values.email)
            is_own = holder is None or (change.current is not None and change.current.user_id == holder.user_id)
            if holder is not None and not is_own and not holder.may_be_freed:
                self.conflicts.append((row, change.kind, holder))
            self.plan.counts[change.kind.value] += 1
        if kept:
            marshal.dump([tuple(row) for row, _change in kept], self.plan.spool)

    def _find_leavers(self) -> None:
        if not self.is_full:
            return
        missing = [hr_id for hr_id, digest in self.known.items() if digest and hr_id not in self.plan._here]
        spared = {holder.hr_id for holder in holders_of(self.source, self.nameless_emails).values()}
        for part in in_batches(missing):
            people = current_people(self.source, part)
            self.plan.leavers += [
                hr_id
                for hr_id, person in people.items()
                if hr_id not in spared and leaving(person, run="", today=self.today) is not None
            ]
        if self.plan.nameless:
            self.plan.withheld, self.plan.leavers = len(self.plan.leavers), []
        self.plan._leaving = set(self.plan.leavers)

    def _show(self, shown: Shown) -> None:
        """All changes, as applying will find them."""
        for rows in self.plan.batches():
            named = [row.hr_id for row in rows if row.hr_id in self.known]
            current = current_people(self.source, named) if named else {}
            found = [change_of(row, current.get(row.hr_id), run="", today=self.today) for row in rows]
            changes = [change for change in found if change is not None]
            new = [change.values.email for change in changes if change.current is None]
            for told in with_adoptions(changes, holders_of(self.source, new)):
                shown(told)
        for part in in_batches(self.plan.leavers):
            for person in current_people(self.source, part).values():
                if (change := leaving(person, run="", today=self.today)) is not None:
                    shown(change)


def percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
