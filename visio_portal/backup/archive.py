"""The file: a compressed tar with a manifest as its last member, which names every other with size and SHA-256.

The manifest comes last, so that each file is read once and the sum is of what was written, also where a file changes
meanwhile. Reading takes nothing on trust: names, kinds, sizes and sums, before anything of it is used.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from visio_portal.backup.errors import BackupError, DamagedArchive

FORMAT = 1
MANIFEST = "manifest.json"
SETTINGS = "settings.env"
DATABASES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
DATA = "data"
_CHUNK = 1 << 20
# A manifest has about 150 bytes for each file.
_MANIFEST_BYTES_MAX = 256 << 20
_PART = re.compile(r"[^\x00-\x1f\x7f/\\]{1,255}")
_UNREADABLE = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, UnicodeError)


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    size: int
    sha256: str


@dataclass(slots=True)
class Manifest:
    version: str  # of the portal
    made_at: str
    database: str  # a key of DATABASES
    migrations: dict[str, list[str]]  # applied, by app
    members: list[Member] = field(default_factory=list)
    format: int = FORMAT


class Writer:
    """Adds files, then the manifest. What is added is in the manifest with the sum of the bytes that were written."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar = tar
        self.manifest = manifest

    def add(self, name: str, path: Path) -> None:
        """Raises `FileNotFoundError` where the file is gone, `BackupError` where it shrinks while it is read."""
        with path.open("rb") as file:
            info = tarfile.TarInfo(name)
            stat = path.stat()
            info.size, info.mtime, info.mode = stat.st_size, int(stat.st_mtime), 0o600
            reader = _Summing(file)
            try:
                self._tar.addfile(info, reader)
            except OSError as error:
                if reader.size < info.size and "unexpected end" in str(error):
                    raise BackupError(f"{path} became shorter while it was read: make the backup again.") from error
                raise
        self.manifest.members.append(Member(name, info.size, reader.digest.hexdigest()))

    def finish(self) -> None:
        text = json.dumps(asdict(self.manifest), indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = len(text), 0o600
        self._tar.addfile(info, io.BytesIO(text))


class _Summing:
    """A file of which the sum of what was read is known."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        self.size += len(data)
        return data


@contextmanager
def writing(file: IO[bytes], manifest: Manifest) -> Iterator[Writer]:
    """The manifest is written at the end, unless there was an error."""
    # No file name in its head, which no sum protects.
    with (
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        writer = Writer(tar, manifest)
        yield writer
        writer.finish()


def verify(path: Path) -> Manifest:
    """The manifest of a file that was read to its end and found whole. Raises `DamagedArchive`."""
    with _readable(path):
        return _verified(path)


def _verified(path: Path) -> Manifest:
    found: list[Member] = []
    manifest: Manifest | None = None
    for info, content in _members(path):
        if manifest is not None:
            raise DamagedArchive(f"{path} holds {info.name!r} behind its manifest. It is not used.")
        if info.name == MANIFEST:
            manifest = _parsed(path, info.size, content)
            continue
        check_name(info.name)
        digest = hashlib.sha256()
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
        found.append(Member(info.name, info.size, digest.hexdigest()))
    if manifest is None:
        raise DamagedArchive(f"{path} has no manifest: it is cut off, or no backup of a portal. It is not used.")
    _compare(path, found, manifest)
    return manifest


def extract(path: Path, manifest: Manifest, place_of: Callable[[str], Path | None]) -> None:
    """Writes each member of a verified file to where `place_of` says; None: nowhere. The sums are compared again: the
    file may have been exchanged since. Raises `DamagedArchive`.
    """
    with _readable(path):
        _extract(path, manifest, place_of)


def _extract(path: Path, manifest: Manifest, place_of: Callable[[str], Path | None]) -> None:
    wanted = {member.name: member for member in manifest.members}
    for info, content in _members(path):
        if info.name == MANIFEST:
            continue
        check_name(info.name)
        member = wanted.pop(info.name, None)
        place = place_of(info.name)
        if place is None:
            continue
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with place.open("xb") as file:
            place.chmod(0o600)
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
        if member is None or member.sha256 != digest.hexdigest():
            raise DamagedArchive(f"{path} changed while it was read. Nothing was restored.")
    if wanted:
        raise DamagedArchive(f"{path} changed while it was read. Nothing was restored.")


def check_name(name: str) -> None:
    """Raises `DamagedArchive` unless this is a name that a backup of ours may hold."""
    parts = name.split("/")
    is_plain = all(_PART.fullmatch(part) and part not in (".", "..") for part in parts)
    is_known = name in (SETTINGS, *DATABASES.values()) or (parts[0] == DATA and len(parts) > 1)
    if not is_plain or not is_known or str(PurePosixPath(name)) != name:
        raise DamagedArchive(f"The archive holds {name!r}, which no backup of ours does. It is not used.")


def _members(path: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    seen: set[str] = set()
    with gzip.open(path, "rb") as stream:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for info in tar:
                if not info.isreg():
                    raise DamagedArchive(f"{path} holds {info.name!r}, which is no plain file. It is not used.")
                if info.name in seen:
                    raise DamagedArchive(f"{path} holds {info.name!r} twice. It is not used.")
                seen.add(info.name)
                content = tar.extractfile(info)
                assert content is not None, "a plain file has a content"
                yield info, content
        while stream.read(_CHUNK):  # to the end, where the sum of the whole is compared
            pass


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What makes a file unreadable, said to people."""
    try:
        yield
    except _UNREADABLE as error:
        raise DamagedArchive(f"{path} cannot be read to its end ({error}): it is damaged or cut off.") from error
    except OSError as error:
        raise BackupError(f"{error.filename or path}: {error.strerror or error}.") from error


def _parsed(path: Path, size: int, content: IO[bytes]) -> Manifest:
    if size > _MANIFEST_BYTES_MAX:
        raise DamagedArchive(f"{path} has a manifest of {size} bytes. It is not used.")
    try:
        document: dict[str, Any] = json.loads(content.read())
        if document["format"] != FORMAT:
            raise BackupError(
                f"{path} has format {document['format']!r}, this portal reads {FORMAT}: use the portal that made it "
                f"(version {document.get('version')!r}), or a newer one."
            )
        members = [Member(str(row["name"]), int(row["size"]), str(row["sha256"])) for row in document["members"]]
        migrations = {str(app): [str(name) for name in names] for app, names in document["migrations"].items()}
        manifest = Manifest(
            str(document["version"]), str(document["made_at"]), str(document["database"]), migrations, members
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedArchive(f"{path} has a manifest that cannot be read. It is not used.") from error
    if manifest.database not in DATABASES:
        raise DamagedArchive(f"{path} names an unknown database {manifest.database!r}. It is not used.")
    return manifest


def _compare(path: Path, found: list[Member], manifest: Manifest) -> None:
    named = {member.name: member for member in manifest.members}
    there = {member.name: member for member in found}
    if DATABASES[manifest.database] not in there:
        raise DamagedArchive(f"{path} holds no database. It is not used.")
    for name in sorted(named.keys() | there.keys()):
        if named.get(name) != there.get(name):
            raise DamagedArchive(f"{name!r} in {path} is not what the manifest says: the file was changed or damaged.")
