"""Backups as files: what is not whole, or not ours, is refused; an exchange that is killed is finished."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import sys
import tarfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest

from visio_portal.backup import archive, swap
from visio_portal.backup.archive import Manifest
from visio_portal.backup.errors import BackupError, DamagedArchive

DATABASE = "database.sqlite3"


def manifest() -> Manifest:
    return Manifest("0.1.0", "2026-11-25T10:00:00+00:00", "sqlite", {"accounts": ["0001_initial"]})


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    database, key = tmp_path / "db", tmp_path / "key"
    database.write_bytes(os.urandom(4000))
    key.write_text("secret")
    target = tmp_path / "backup.tar.gz"
    with target.open("wb") as file, archive.writing(file, manifest()) as writer:
        writer.add(DATABASE, database)
        writer.add("data/tls/authority.key", key)
    return target


def forged(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], *, listed: bool = True) -> Path:
    """An archive as an attacker writes it: every sum fits."""
    document = manifest()
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
            if listed:
                digest = hashlib.sha256(content).hexdigest()
                document.members.append(archive.Member(info.name, info.size, digest))
        text = json.dumps(asdict(document)).encode()
        info = tarfile.TarInfo(archive.MANIFEST)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    return path


def test_what_was_written_is_read_again(whole: Path, tmp_path: Path) -> None:
    found = archive.verify(whole)
    assert [member.name for member in found.members] == [DATABASE, "data/tls/authority.key"]
    archive.extract(whole, found, lambda name: tmp_path / "out" / name)
    assert (tmp_path / "out/data/tls/authority.key").read_text() == "secret"
    assert (tmp_path / "out" / DATABASE).read_bytes() == (tmp_path / "db").read_bytes()
    assert (tmp_path / "out" / DATABASE).stat().st_mode & 0o777 == 0o600


def test_an_archive_that_is_cut_off_anywhere_is_refused(whole: Path) -> None:
    content = whole.read_bytes()
    for length in [*range(0, len(content), 97), len(content) - 1, len(content) - 8]:
        whole.write_bytes(content[:length])
        with pytest.raises(DamagedArchive):
            archive.verify(whole)


def test_an_archive_with_a_damaged_byte_is_refused(whole: Path) -> None:
    content = whole.read_bytes()
    for place in range(10, len(content), 61):  # the first ten are gzip's head: time and system, which say nothing
        whole.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        with pytest.raises(DamagedArchive):
            archive.verify(whole)


@pytest.mark.parametrize(
    "name",
    [
        "../evil", "data/../../evil", "/etc/passwd", "data/a/../b", "data//b", "data/./b", "data", "data/",
        "other/file",        "data/a\\b", "data/a\nb", "database.sqlite3/x",
    ],
)  # fmt: skip
def test_a_hostile_name_is_refused(name: str, tmp_path: Path) -> None:
    path = forged(tmp_path / "a", [(tarfile.TarInfo(DATABASE), b"db"), (tarfile.TarInfo(name), b"evil")])
    with pytest.raises(DamagedArchive, match=r"which no backup of ours does|no plain file"):
        archive.verify(path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_only_plain_files_are_taken(kind: bytes, tmp_path: Path) -> None:
    info = tarfile.TarInfo("data/media")
    info.type, info.linkname = kind, "/etc"
    with pytest.raises(DamagedArchive, match="no plain file"):
        archive.verify(forged(tmp_path / "a", [(tarfile.TarInfo(DATABASE), b"db"), (info, b"")]))


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    members = [(tarfile.TarInfo(DATABASE), b"db"), (tarfile.TarInfo(DATABASE), b"db")]
    with pytest.raises(DamagedArchive, match="twice"):
        archive.verify(forged(tmp_path / "a", members))


def test_what_the_manifest_does_not_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedArchive, match="not what the manifest says"):
        archive.verify(forged(tmp_path / "a", [(tarfile.TarInfo(DATABASE), b"db")], listed=False))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="No such file"):
        archive.verify(tmp_path / "nothing")


class Exchange:
    """A folder in which two files are to be replaced, one is to go, and one is to come."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        aside, stage = folder / "before", folder / "stage"
        stage.mkdir(parents=True)
        for name in ("database", "tls"):
            (folder / name).write_text(f"old {name}")
            (stage / name).write_text(f"new {name}")
        (folder / "wal").write_text("old wal")
        (stage / "media").write_text("new media")
        steps = [swap.Step(folder / "wal", aside / "wal", None)]
        steps += [swap.Step(folder / name, aside / name, stage / name) for name in ("database", "tls", "media")]
        swap.begin(folder, steps, [stage], None)

    def contents(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.folder)): path.read_text() for path in self.folder.rglob("*") if path.is_file()
        }


def killed_at(number: int, act: Callable[[], object]) -> bool:
    """Runs `act` in a process of its own, which is killed before its `number`-th change of a file's place."""
    pid = os.fork()
    if pid == 0:
        left = [number]

        def hook(event: str, arguments: object) -> None:
            if event in ("os.rename", "os.remove", "os.mkdir", "shutil.rmtree"):
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        act()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


def test_an_exchange_that_is_killed_at_any_step_is_finished_by_the_next(tmp_path: Path) -> None:
    wanted = {
        "database": "new database", "tls": "new tls", "media": "new media",
        "before/database": "old database", "before/tls": "old tls", "before/wal": "old wal",
    }  # fmt: skip
    number = 0
    while True:
        exchange = Exchange(tmp_path / str(number))
        was_killed = killed_at(number, partial(swap.finish, exchange.folder))
        swap.finish(exchange.folder)
        found = {name: text for name, text in exchange.contents().items() if not name.startswith("stage/")}
        assert found == wanted, f"killed at {number}"
        if not was_killed:
            break
        number += 1
    assert number > 6
