"""What the commands share on the terminal: progress with rate and time left, reports, exit codes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from accounts.provisioning.differences import Change
from accounts.provisioning.importing import Watcher
from accounts.provisioning.problems import Problem
from accounts.provisioning.reports import ChangeReport, ProblemReport

# Documented in docs/administrators.md, "HR files".
DONE, ROWS_REFUSED, USAGE, UNREADABLE, SAFETY_STOP, BUSY, STRICT, NOT_UNDONE = 0, 1, 2, 3, 4, 5, 6, 7


class Console(Watcher):
    """A bar on a terminal; nothing on a pipe."""

    def __init__(self, stream: TextIO, *, problems: Path, changes: Path | None = None) -> None:
        self.stream = stream
        self.problems = ProblemReport(problems)
        self.changes = ChangeReport(changes) if changes else None
        self._bar: Any = None

    def problem(self, problem: Problem) -> None:
        self.problems.problem(problem)

    def change(self, change: Change) -> None:
        if self.changes is not None:
            self.changes.change(change)

    def step(self, name: str, total: int) -> None:
        self._end_bar()
        self._bar = tqdm(total=total, desc=name, unit=" rows", file=self.stream, disable=not self.stream.isatty())

    def progress(self, rows: int) -> None:
        self._bar.update(rows)

    def close(self) -> None:
        self._end_bar()
        self.problems.close()
        if self.changes is not None:
            self.changes.close()

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count) or "nothing to do"
