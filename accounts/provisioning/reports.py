"""What a run leaves behind to be read in a spreadsheet: rows that are wrong, and all that changes."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.provisioning.differences import Change, differing
from accounts.provisioning.problems import Problem
from accounts.provisioning.rows import FORMULA

_NOT_SHOWN = ("digest", "run")


def safe_cell(value: object) -> str:
    """A spreadsheet would compute what begins like a formula."""
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


class CsvReport:
    """A CSV for spreadsheets of this continent: semicolons, UTF-8 with its mark, for the owner's eyes only.

    Made with its first line: no line, no file.
    """

    def __init__(self, path: Path, head: list[str]) -> None:
        self.path, self.head, self.count = path, head, 0
        self._file: Any = None

    def add(self, *cells: object) -> None:
        if self._file is None:
            self._open()
        self.count += 1
        self._writer.writerow([safe_cell(cell) for cell in cells])

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _open(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(handle, "w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file, delimiter=";")
        self._writer.writerow(self.head)


class ProblemReport(CsvReport):
    def __init__(self, path: Path) -> None:
        super().__init__(path, [_("line"), _("column"), _("value"), _("problem"), _("remedy")])

    def problem(self, problem: Problem) -> None:
        self.add(problem.line, problem.column, problem.value, problem.text, problem.remedy)


class ChangeReport(CsvReport):
    """A line for each value that changes."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, [_("line"), _("HR id"), _("change"), _("value"), _("before"), _("after")])

    def change(self, change: Change) -> None:
        begin = (change.line or "", change.hr_id, change.kind.label)
        if change.current is None:
            self.add(*begin, "email", "", change.values.email)
            return
        before, after = differing(change.current.values, change.values)
        for name, value in before.items():
            if name not in _NOT_SHOWN:
                self.add(*begin, name, value, after[name])


def default_path(name: str) -> Path:
    folder: Path = settings.DATA_DIR / "provisioning"
    return folder / name
