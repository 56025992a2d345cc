"""Where an uploaded file and its reports lie: a folder of its own under DATA_DIR, for the portal's eyes only."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from uuid import UUID

from django.conf import settings

# 250,000 people are 30 MB. `visio_portal.web_server` lets as much through, to this page alone.
MAX_BYTES = 48 << 20
# Reports, by the name under which they are fetched.
CHANGES, ERRORS, REFUSED_ROWS, LEFT = "changes.csv", "errors.csv", "refused.csv", "left.csv"
REPORTS = (CHANGES, ERRORS, REFUSED_ROWS, LEFT)
_FILE = "people"


class TooLarge(Exception):
    """More than MAX_BYTES: nothing of it is kept."""


def keep(key: UUID, pieces: Iterable[bytes]) -> tuple[int, str]:
    """Writes the file; how many bytes, and their SHA-256. Raises `TooLarge`."""
    size, digest = 0, hashlib.sha256()
    try:
        handle = os.open(_made(key) / _FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                size += len(piece)
                if size > MAX_BYTES:
                    raise TooLarge
                digest.update(piece)
                file.write(piece)
    except BaseException:
        remove(key)
        raise
    return size, digest.hexdigest()


def path_of(key: UUID) -> Path:
    return _folder(key) / _FILE


def report_of(key: UUID, name: str) -> Path:
    return _made(key) / name


def has_report(key: UUID, name: str) -> bool:
    return (_folder(key) / name).is_file()


def first_rows(key: UUID, name: str, count: int) -> list[list[str]]:
    """Of a report, its head first; none where there is no such report."""
    try:
        with (_folder(key) / name).open(encoding="utf-8-sig", newline="") as file:
            return list(islice(csv.reader(file, delimiter=";"), count))
    except FileNotFoundError:
        return []


def remove_file(key: UUID) -> None:
    """The people; the reports stay."""
    path_of(key).unlink(missing_ok=True)


def remove(key: UUID) -> None:
    folder = _folder(key)
    if folder.exists():
        shutil.rmtree(folder)


def strays(known: Collection[str], before: datetime) -> Iterator[UUID]:
    """Folders of which no row tells: the process ended between the file and its row."""
    if not _root().exists():
        return
    for folder in _root().iterdir():
        if folder.name not in known and folder.stat().st_mtime < before.timestamp():
            yield UUID(folder.name)


def _root() -> Path:
    root: Path = settings.DATA_DIR / "provisioning" / "uploads"
    return root


def _folder(key: UUID) -> Path:
    return _root() / str(key)


def _made(key: UUID) -> Path:
    folder = _folder(key)
    for one in (_root().parent, _root(), folder):
        one.mkdir(mode=0o700, exist_ok=True)
    return folder
