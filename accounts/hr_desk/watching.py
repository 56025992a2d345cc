"""What an import tells while it goes on, as progress of a job and as reports."""

from __future__ import annotations

import time
from pathlib import Path

from django.utils.translation import gettext as _

from accounts.provisioning.differences import Change
from accounts.provisioning.importing import Watcher
from accounts.provisioning.problems import FileRefused, Problem
from accounts.provisioning.reports import ChangeReport, ProblemReport
from jobs.worker import Work

# A file with so many wrong rows holds no people; its report would only fill the disk.
MAX_WRONG_ROWS = 100_000
# So often the job's row is written.
_EVERY_SECONDS = 0.5


class JobWatcher(Watcher):
    """`problems` and `changes` say where reports go, anew with each attempt."""

    def __init__(self, work: Work, *, problems: Path, changes: Path | None = None) -> None:
        for path in filter(None, (problems, changes)):
            path.unlink(missing_ok=True)
        self.work = work
        self.problems = ProblemReport(problems)
        self.changes = ChangeReport(changes) if changes else None
        self._step, self._total, self._rows, self._said_at = "", 0, 0, 0.0

    def problem(self, problem: Problem) -> None:
        # Once writing has begun it goes on to its end.
        if self._step == "read" and self.problems.count == MAX_WRONG_ROWS:
            text = _("More than %(count)d rows are wrong: this is no list of people.")
            raise FileRefused(text % {"count": MAX_WRONG_ROWS})
        self.problems.problem(problem)

    def change(self, change: Change) -> None:
        if self.changes is not None:
            self.changes.change(change)

    def step(self, name: str, total: int) -> None:
        self._step, self._total, self._rows, self._said_at = name, total, 0, 0.0
        self._say()

    def progress(self, rows: int) -> None:
        self._rows += rows
        self._say()

    def close(self) -> None:
        self.problems.close()
        if self.changes is not None:
            self.changes.close()

    def _say(self) -> None:
        """Raises what `Work.report` raises: the job goes on from there at another time."""
        now = time.monotonic()
        if now - self._said_at >= _EVERY_SECONDS or self._rows >= self._total:
            self._said_at = now
            self.work.report(min(99, 100 * self._rows // max(1, self._total)), self._step)
