"""A portal is backed up while it serves, lost, and restored on another machine: people and rooms are there again."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.people import ALICE, Person
from tests.portal import ROOT, Portal

pytestmark = pytest.mark.calls
KEYS = ("SECRET_KEY", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


def machine(folder: Path) -> Portal:
    """A portal whose keys are in a file, as `make set-up` makes it; not started."""
    data_dir = folder / "data"
    data_dir.mkdir(parents=True)
    env_file = folder / "settings"
    portal = Portal(data_dir, workers=1, environment={"ENV_FILE": str(env_file)})
    portal.log_path = folder / "serve.log"
    env_file.write_text("".join(f"{name}={portal.environment.pop(name)}\n" for name in KEYS))
    return portal


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Portal]:
    portal = machine(tmp_path / "old")
    portal.start()
    yield portal
    portal.stop()


def settings_of(portal: Portal) -> str:
    return Path(portal.environment["ENV_FILE"]).read_text()


def refused(portal: Portal, *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=portal.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


async def test_a_portal_that_is_lost_is_restored_with_its_people_and_rooms(old: Portal, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    async with Person(old, "Alice Martin") as alice:
        await alice.accept(await asyncio.to_thread(old.manage, "invite", ALICE))
        slug = await alice.create_room("Conseil")
        assert await alice.enter(slug) == "admitted"
        media = old.data_dir / "media" / "minutes"
        media.mkdir(parents=True)
        (media / "a.txt").write_text("kept")
        backup = asyncio.create_task(asyncio.to_thread(old.manage, "backup", "--to", str(file)))
        while not backup.done():  # people go on meanwhile
            await alice.create_room(secrets.token_hex(3))
        await backup
    assert file.stat().st_mode & 0o777 == 0o600
    assert "whole" in await asyncio.to_thread(old.manage, "verify_backup", str(file))
    assert "already" in refused(old, "backup", "--to", str(file))
    assert "runs on DATA_DIR" in refused(old, "restore", str(file), "--force")
    keys = settings_of(old)
    old.stop()
    shutil.rmtree(tmp_path / "old")

    new = machine(tmp_path / "new")
    shutil.copytree(ROOT / "docs" / "screenshots", new.data_dir / "media")  # somebody's, to be kept aside
    assert "--force" in refused(new, "restore", str(file))
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(file.read_bytes()[:-2000])
    assert "cut off" in refused(new, "restore", str(cut), "--force")
    assert sorted(path.name for path in new.data_dir.iterdir()) == ["media", "serve.lock"]
    said = new.manage("restore", str(file), "--force")
    assert "what was there" in said
    assert settings_of(new) == keys
    assert (new.data_dir / "media" / "minutes" / "a.txt").read_text() == "kept"
    assert list(new.data_dir.glob("before-restore-*/media/call.png"))
    assert not any(
        path.name.startswith(".restore-") for path in (*new.data_dir.iterdir(), *new.data_dir.parent.iterdir())
    )
    try:
        new.start()
        async with Person(new, "Alice Martin") as alice:
            await alice.sign_in(ALICE)
            assert await alice.enter(slug) == "admitted"
            assert "Conseil" in (await alice.http.get(f"/r/{slug}")).text
        assert "Traceback" not in new.log(1000)
    finally:
        new.stop()
    assert new.manage("verify_audit")
