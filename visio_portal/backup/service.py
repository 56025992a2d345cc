"""Makes, verifies and restores backups. The commands of these names are the doors."""

from __future__ import annotations

import datetime
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from visio_portal import VERSION
from visio_portal.backup import archive, databases, swap
from visio_portal.backup.archive import DATA, SETTINGS, Manifest
from visio_portal.backup.errors import BackupError, DamagedArchive

FOLDER = "backups"
_ASIDE = "before-restore-"
_STAGE = ".restore-"
_SCRATCH = ".visio-backup-"
# Of DATA_DIR: what belongs to the running portal or to backups themselves.
_NEVER = frozenset({FOLDER, "run", "serve.lock", swap.JOURNAL, swap.JOURNAL + ".new"})
_SQLITE_TAILS = ("-wal", "-shm", "-journal")


@dataclass(slots=True)
class Made:
    path: Path
    manifest: Manifest
    skipped: list[str]  # of DATA_DIR: neither file nor folder, or gone while it was read
    has_settings: bool


@dataclass(slots=True)
class Restored:
    manifest: Manifest
    aside: list[Path]
    has_settings: bool


def make(to: Path | None, *, now: datetime.datetime | None = None) -> Made:
    """A new archive, there whole or not at all. Raises `BackupError`."""
    now = now or datetime.datetime.now(datetime.UTC)
    path = _path_of(to, now)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            raise BackupError(f"{path} is there already: name another file, or remove it.")
        with _scratch(path.parent) as scratch:
            return _make(path, scratch, now)
    except OSError as error:
        raise BackupError(f"The backup cannot be written to {path}: {error.strerror or error}.") from error


def _make(path: Path, scratch: Path, now: datetime.datetime) -> Made:
    kind = databases.kind()
    member = archive.DATABASES[kind]
    dumped = scratch / member
    databases.dump(dumped)  # before the files: what a row names is there then
    manifest = Manifest(VERSION, now.isoformat(timespec="seconds"), kind, _applied())
    skipped: list[str] = []
    partial = scratch / path.name
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    env_file = Path(settings.ENV_FILE) if settings.ENV_FILE else None
    has_settings = env_file is not None and env_file.is_file()
    with os.fdopen(descriptor, "wb") as file:
        with archive.writing(file, manifest) as writer:
            writer.add(member, dumped)
            if env_file is not None and has_settings:
                writer.add(SETTINGS, env_file)
            for name, found in _files(skipped):
                try:
                    writer.add(name, found)
                except FileNotFoundError:
                    skipped.append(name)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    swap.sync_folder(path.parent)
    return Made(path, manifest, skipped, has_settings)


def verify(path: Path) -> Manifest:
    """Reads the archive to its end, and the database in it. Raises `BackupError`."""
    manifest = archive.verify(path)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH) as name:
        folder = Path(name)
        wanted = archive.DATABASES[manifest.database]
        _need_space(folder, sum(member.size for member in manifest.members if member.name == wanted))
        archive.extract(path, manifest, lambda member: folder / member if member == wanted else None)
        databases.check(folder / wanted, manifest.database)
    return manifest


def restore(path: Path, *, force: bool = False, now: datetime.datetime | None = None) -> Restored:
    """Makes the portal what it was. The caller holds `serve.lock`. Raises `BackupError`; nothing has changed then."""
    data_dir = Path(settings.DATA_DIR)
    if swap.finish(data_dir):
        raise BackupError("A restore that had been interrupted was finished. To restore another one, start again.")
    manifest = archive.verify(path)
    _check_fits(manifest)
    if not force and (there := _occupied()):
        raise BackupError(
            f"There is a portal already: {', '.join(there)}. With --force it is replaced; what is there is kept aside."
        )
    stamp = (now or datetime.datetime.now(datetime.UTC)).strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2)
    stages = _Stages(stamp)
    for killed in data_dir.glob(_STAGE + "*"):
        shutil.rmtree(killed)
    try:
        has_settings = any(member.name == SETTINGS for member in manifest.members)
        _need_space(data_dir, sum(member.size for member in manifest.members))
        stages.make(data_dir)
        archive.extract(path, manifest, stages.place_of)
        dumped = stages.place_of(archive.DATABASES[manifest.database])
        databases.check(dumped, manifest.database)
        aside = stages.aside(data_dir)
        if manifest.database == "postgresql" and not databases.is_empty():
            aside.mkdir(mode=0o700, parents=True)
            databases.dump(aside / archive.DATABASES["postgresql"])
        steps = _steps(stages, manifest, has_settings=has_settings)
        os.sync()  # all that was unpacked, before the journal says that it is there
        swap.begin(data_dir, steps, stages.made, dumped if manifest.database == "postgresql" else None)
    except OSError as error:
        stages.remove()
        raise BackupError(f"The backup cannot be unpacked: {error.strerror or error} ({error.filename}).") from error
    except BackupError:
        stages.remove()
        raise
    try:
        swap.finish(data_dir)
    except swap.NotLoaded:  # the first of all steps, and rolled back: there is nothing to go on with
        swap.cancel(data_dir)
        stages.remove()
        raise
    places = {step.aside.parent for step in steps} | {aside}
    return Restored(manifest, sorted(place for place in places if place.is_dir()), has_settings)


class _Stages:
    """Folders beside the targets, on the same file systems, so that each file comes to its place by a rename."""

    def __init__(self, stamp: str) -> None:
        self._stamp = stamp
        self.made: list[Path] = []

    def make(self, parent: Path) -> Path:
        stage = parent / (_STAGE + self._stamp)
        if stage not in self.made:
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            stage.mkdir(mode=0o700)
            self.made.append(stage)
        return stage

    def aside(self, parent: Path) -> Path:
        return parent / (_ASIDE + self._stamp)

    def place_of(self, name: str) -> Path:
        if name == SETTINGS:
            beside = Path(settings.ENV_FILE).absolute().parent if settings.ENV_FILE else Path(settings.DATA_DIR)
            return self.make(beside) / SETTINGS
        if name == archive.DATABASES["sqlite"]:
            return self.make(databases.sqlite_file().absolute().parent) / name
        return self.make(Path(settings.DATA_DIR)) / name

    def remove(self) -> None:
        for stage in self.made:
            shutil.rmtree(stage, ignore_errors=True)


def _steps(stages: _Stages, manifest: Manifest, *, has_settings: bool) -> list[swap.Step]:
    data_dir = Path(settings.DATA_DIR)
    steps: list[swap.Step] = []

    def exchange(target: Path, new: Path | None) -> None:
        steps.append(swap.Step(target, stages.aside(target.parent) / target.name, new))

    if manifest.database == "sqlite":
        target = databases.sqlite_file().absolute()
        for tail in _SQLITE_TAILS:  # first: the old one's log must never meet the new database
            exchange(target.with_name(target.name + tail), None)
        exchange(target, stages.place_of(archive.DATABASES["sqlite"]))
    brought = {member.name.split("/")[1] for member in manifest.members if member.name.startswith(DATA + "/")}
    for name in sorted(brought | {entry.name for entry in _entries()}):
        exchange(data_dir / name, stages.place_of(f"{DATA}/{name}") if name in brought else None)
    if has_settings and settings.ENV_FILE:
        exchange(Path(settings.ENV_FILE).absolute(), stages.place_of(SETTINGS))
    return steps


def _check_fits(manifest: Manifest) -> None:
    if manifest.database != databases.kind():
        raise BackupError(
            f"The backup is of a portal on {manifest.database}, and DATABASE_URL here names {databases.kind()}: set it "
            "to a database of that kind first."
        )
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    foreign = [f"{app}.{name}" for app, names in manifest.migrations.items() for name in names]
    foreign = [name for name in foreign if tuple(name.split(".", 1)) not in known and not _is_replaced(name, known)]
    if foreign:
        raise BackupError(
            f"The backup is of portal {manifest.version}, which knows {', '.join(sorted(foreign)[:3])}; this one "
            f"({VERSION}) does not. Update the portal's program first."
        )
    for member in manifest.members:
        if member.name.startswith(DATA + "/") and not _is_kept(member.name.split("/")[1]):
            raise DamagedArchive(f"The archive holds {member.name!r}, which no backup of ours does. It is not used.")


def _is_replaced(name: str, known: Mapping[tuple[str, str], object]) -> bool:
    key = tuple(name.split(".", 1))
    return any(key in getattr(migration, "replaces", ()) for migration in known.values())


def _applied() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for app, name in sorted(MigrationLoader(connection).applied_migrations):
        found.setdefault(app, []).append(name)
    return found


def _occupied() -> list[str]:
    there = [] if databases.is_empty() else ["a database"]
    return there + sorted(entry.name for entry in _entries())


def _entries() -> list[Path]:
    """Of DATA_DIR, what a backup holds and a restore replaces."""
    return sorted(entry for entry in Path(settings.DATA_DIR).iterdir() if _is_kept(entry.name))


def _is_kept(name: str) -> bool:
    data_dir = Path(settings.DATA_DIR)
    if name in _NEVER or name.startswith((_ASIDE, _STAGE, _SCRATCH)):
        return False
    path = data_dir / name
    if path in (Path(settings.RUN_DIR), Path(settings.ENV_FILE or "/nowhere").absolute()):
        return False
    if databases.kind() != "sqlite":
        return True
    file = databases.sqlite_file().absolute()
    return path not in (file, *(file.with_name(file.name + tail) for tail in _SQLITE_TAILS))


def _files(skipped: list[str]) -> Iterator[tuple[str, Path]]:
    """Member name and path of each file of DATA_DIR that matters. Links further down lead elsewhere."""
    data_dir = Path(settings.DATA_DIR)
    waiting = _entries()
    while waiting:
        path = waiting.pop(0)
        name = f"{DATA}/{path.relative_to(data_dir).as_posix()}"
        # A link in DATA_DIR itself is an operator's: media on another disk.
        is_foreign = path.is_symlink() and path.parent != data_dir
        if is_foreign or not (path.is_dir() or path.is_file()):
            skipped.append(name)
        elif path.is_dir():
            waiting += sorted(path.iterdir())
        else:
            yield name, path


def _path_of(to: Path | None, now: datetime.datetime) -> Path:
    name = f"visio-{now:%Y%m%d-%H%M%S}.tar.gz"
    if to is None:
        return Path(settings.DATA_DIR) / FOLDER / name
    return (to / name if to.is_dir() else to).absolute()


def _need_space(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise BackupError(f"{folder} has {free >> 20} MB free; the backup needs {size >> 20} MB there, unpacked.")


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """A private folder that is removed at the end; those of backups that were killed are removed, too."""
    for old in parent.glob(_SCRATCH + "*"):
        with _held(old) as is_ours:
            if is_ours:
                shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=parent))
    try:
        with _held(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
