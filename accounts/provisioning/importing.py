"""An HR file from its bytes to the last entry of the audit log: what `provision_users` and the page call."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit.parties import SERVER, Party
from accounts.models import ProvisioningRun
from accounts.models.provisioning import ChangeKind, RunKind
from accounts.provisioning import runs
from accounts.provisioning.applying import Applier, in_batches, pause
from accounts.provisioning.columns import find_columns
from accounts.provisioning.differences import Change, leaving
from accounts.provisioning.plan import Plan, make_plan, percent
from accounts.provisioning.problems import FileRefused, Problem
from accounts.provisioning.reading import Table, open_table
from accounts.provisioning.rows import Organisations, RowReader
from accounts.provisioning.state import organisations_for

SOURCE_PATTERN = r"[\w.-]{1,40}"
DEFAULT_MAX_LEAVERS = 2.0


# So many rows may say of people that they left or are suspended before they count for the safety stop.
FEW = 20


class TooManyLeavers(Exception):
    """More people than allowed are missing from a full file, or gone by its own word: nothing was changed."""

    def __init__(self, leavers: int, base: int) -> None:
        super().__init__(f"{leavers} of {base}")
        self.leavers, self.base = leavers, base

    @property
    def percent(self) -> float:
        return percent(self.leavers, self.base)


class RowsRefused(Exception):
    """--strict, and rows are wrong: nothing was changed."""


@dataclass(frozen=True, slots=True)
class Options:
    source: str
    is_full: bool = False
    max_leavers: float = DEFAULT_MAX_LEAVERS
    is_strict: bool = False
    own_names: Mapping[str, str] = field(default_factory=dict)
    # What the run calls the file, if not by the name on disk.
    file_name: str = ""
    # SHA-256 of the bytes that somebody saw before: no others are read.
    digest: str = ""


class Watcher:
    """Who looks on. All do nothing here; a command overrides what it shows."""

    def problem(self, problem: Problem) -> None: ...

    def began(self, run: ProvisioningRun) -> None: ...

    def change(self, change: Change) -> None: ...

    def step(self, name: str, total: int) -> None: ...

    def progress(self, rows: int) -> None: ...


@dataclass(slots=True)
class Outcome:
    """`counts` by kind of change, with `unchanged` and `refused`; for a run that went on, of all its parts."""

    run: str = ""
    is_resumed: bool = False
    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    ignored_columns: list[str] = field(default_factory=list)
    leavers: int = 0
    # People that a full file misses, left alone because these lines name nobody.
    leavers_withheld: int = 0
    nameless: int = 0

    @property
    def refused(self) -> int:
        return self.counts["refused"]


def look(path: str, stdin: BinaryIO, options: Options, watcher: Watcher, *, wants_changes: bool = True) -> Outcome:
    """What applying the file would do. Changes nothing. Raises `FileRefused`, `TooManyLeavers`, `RowsRefused`."""
    with open_table(path, stdin) as table:
        organisations, _public_ids = organisations_for(options.source)
        shown = watcher.change if wants_changes else None
        plan, outcome = _plan(table, organisations, options, watcher, timezone.localdate(), shown)
        plan.spool.close()
    outcome.counts.update(plan.counts)
    _check(plan, options, done=0)
    return outcome


def apply(path: str, stdin: BinaryIO, options: Options, watcher: Watcher, *, actor: Party = SERVER) -> Outcome:
    """Applies the file. Raises what `look` raises, before anything is changed, and `runs.Busy`."""
    today = timezone.localdate()
    with runs.only_one(), open_table(path, stdin) as table:
        prepare_connection()
        organisations, public_ids = organisations_for(options.source)
        plan, outcome = _plan(table, organisations, options, watcher, today, None)
        with plan.spool:
            fingerprint = _fingerprint(table, options)
            interrupted = runs.interrupted(options.source, fingerprint)
            _check(plan, options, done=interrupted.counted.get("left", 0) if interrupted else 0)
            run, outcome.is_resumed = runs.begin(
                RunKind.FILE,
                options.source,
                file_name=options.file_name or table.name,
                fingerprint=fingerprint,
                actor=actor,
            )
            outcome.run = run.key
            watcher.began(run)
            # What the part before the interruption did is found as it should be now.
            outcome.counts["unchanged"] -= sum(n for kind, n in run.counted.items() if kind != "left")
            applier = Applier(
                run,
                actor=actor,
                today=today,
                organisations=public_ids,
                problems=_counting(outcome, watcher),
                may_free=plan.may_free,
            )
            _write(plan, applier, outcome, watcher, run.key, today)
            runs.end(run, actor=actor)
            outcome.counts.update(run.counted)
    return outcome


def _plan(
    table: Table,
    organisations: Organisations,
    options: Options,
    watcher: Watcher,
    today: date,
    shown: Callable[[Change], None] | None,
) -> tuple[Plan, Outcome]:
    if options.digest and table.digest != options.digest:
        raise FileRefused(_("The file is no longer the one that was looked at."))
    columns = find_columns(table.header, options.own_names)
    watcher.step("read", table.lines)
    outcome = Outcome(ignored_columns=list(columns.ignored))

    def progress(rows: int) -> None:
        outcome.rows += rows
        watcher.progress(rows)

    plan = make_plan(
        table.records,
        RowReader(columns, organisations),
        source=options.source,
        today=today,
        is_full=options.is_full,
        problems=watcher.problem,
        shown=shown,
        progress=progress,
    )
    outcome.nameless = plan.nameless
    outcome.leavers, outcome.leavers_withheld = len(plan.leavers), plan.withheld
    return plan, outcome


def _check(plan: Plan, options: Options, *, done: int) -> None:
    if options.is_strict and plan.counts["refused"]:
        raise RowsRefused
    leavers, base = len(plan.leavers) + done, plan.base + done
    told = plan.counts[ChangeKind.LEFT.value] + plan.counts[ChangeKind.SUSPENDED.value] - len(plan.leavers)
    told += plan.adopted_out
    if told > FEW:  # a column that slipped says of everybody that they are gone
        leavers += told
    if leavers and percent(leavers, base) > options.max_leavers:
        raise TooManyLeavers(leavers, base)


def _write(plan: Plan, applier: Applier, outcome: Outcome, watcher: Watcher, run: str, today: date) -> None:
    outcome.counts["unchanged"] += plan.counts["unchanged"]
    outcome.counts["refused"] += plan.counts["refused"]
    watcher.step("write", plan.to_write)
    for rows in plan.batches():
        applier.apply_rows(rows)
        watcher.progress(len(rows))
        pause()
    for part in in_batches(plan.leavers):
        applier.apply_to(part, lambda person: leaving(person, run=run, today=today.isoformat()))
        watcher.progress(len(part))
        pause()


def _counting(outcome: Outcome, watcher: Watcher) -> Callable[[Problem], None]:
    def problem(found: Problem) -> None:
        outcome.counts["refused"] += 1
        watcher.problem(found)

    return problem


def _fingerprint(table: Table, options: Options) -> str:
    """The same file with the same options, on whatever day: the safety stop may be raised to go on."""
    names = ",".join(f"{name}={title}" for name, title in sorted(options.own_names.items()))
    return hashlib.sha256(f"{table.digest}:{options.is_full}:{names}".encode()).hexdigest()


def prepare_connection() -> None:
    """SQLite by default keeps 2 MB of pages and writes its log back each 4 MB: little for indexes in random order, of
    which a batch touches nearly each page. With these an import takes a tenth less than with half and a quarter.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA cache_size = -128000")
            cursor.execute("PRAGMA wal_autocheckpoint = 64000")


__all__ = ["FileRefused", "Options", "Outcome", "RowsRefused", "TooManyLeavers", "Watcher", "apply", "look"]
