"""Exchanges what is there for what was restored, whatever kills it in between.

First a journal says which path is to be what; then each is moved in an order that can be taken up again. While the
journal is there, the next `restore` and the next `serve` finish what it says before they do anything else.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from visio_portal.backup import databases
from visio_portal.backup.errors import BackupError

JOURNAL = "restore.journal.json"


class NotLoaded(BackupError):
    """The database did not take the dump; it is as it was."""


@dataclass(frozen=True, slots=True)
class Step:
    """`target` goes to `aside`, if it is there; `new` takes its place, if there is any."""

    target: Path
    aside: Path
    new: Path | None


def begin(data_dir: Path, steps: list[Step], leftovers: list[Path], dumped: Path | None) -> None:
    """From here on the restore goes forward only. `dumped` is loaded into PostgreSQL first."""
    document = {
        "steps": [[str(step.target), str(step.aside), str(step.new) if step.new else None] for step in steps],
        "leftovers": [str(path) for path in leftovers],
        "dumped": str(dumped) if dumped else None,
    }
    partial = data_dir / (JOURNAL + ".new")
    with partial.open("w") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(data_dir / JOURNAL)
    sync_folder(data_dir)


def cancel(data_dir: Path) -> None:
    (data_dir / JOURNAL).unlink()


def finish(data_dir: Path) -> bool:
    """Does what the journal says; False where there is none. May be killed and repeated at any point."""
    journal = data_dir / JOURNAL
    if not journal.exists():
        return False
    document = json.loads(journal.read_text())
    if document["dumped"]:
        try:
            databases.load_postgresql(Path(document["dumped"]))
        except BackupError as error:
            raise NotLoaded(f"The database did not take the backup. {error}") from error
    for target, aside, new in document["steps"]:
        _exchange(Step(Path(target), Path(aside), Path(new) if new else None))
    journal.unlink()
    sync_folder(data_dir)
    for path in document["leftovers"]:
        shutil.rmtree(path, ignore_errors=True)  # copies of what is in its place already
    return True


def _exchange(step: Step) -> None:
    if step.new is not None and not os.path.lexists(step.new):
        return  # it is in its place already
    try:
        if os.path.lexists(step.target):
            step.aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            step.target.rename(step.aside)
        if step.new is not None:
            step.target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            step.new.rename(step.target)
    except OSError as error:
        raise BackupError(
            f"{step.target} cannot be exchanged ({error.strerror}). Remedy this and run `restore` or `serve` again: "
            "it goes on where it stopped."
        ) from error
    sync_folder(step.target.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
