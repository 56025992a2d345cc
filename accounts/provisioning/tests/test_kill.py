"""The command as a process of its own: killed in the middle it goes on, and others write meanwhile."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.provisioning.applying import BATCH
from accounts.provisioning.tests.conftest import file_of

pytestmark = pytest.mark.long
ROWS = 3 * BATCH
DEADLINE_SECONDS = 120


class Portal:
    """A database of its own, SQLite in a folder, and the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "portal.sqlite3"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
            "ENV_FILE": "",
            "DATA_DIR": str(folder / "data"),
            "DATABASE_URL": f"sqlite:///{self.database}",
            "SECRET_KEY": "Zr5Xc8vYn1wLp4fHd6jUe3aSi7oKq0TzRbNxMb7G0s9kQm2t",
            "LIVEKIT_API_KEY": "test-key",
            "LIVEKIT_API_SECRET": "Qm2Zt5rXc8vYn1wLp4fHd6jUe3aSi7oKq0TzRbNx",
        }
        self.file = folder / "hr.csv"
        assert self.manage("migrate", "--verbosity=0")[0] == 0
        self.file.write_text(file_of(*(f"{n};p{n}@m.example;P;Nom{n}" for n in range(ROWS))))
        self.importing = ("provision_users", str(self.file), "--source", "sirh", "--apply", "--json")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def manage(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        out, _ = process.communicate(timeout=DEADLINE_SECONDS)
        return process.returncode, out

    def imported(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.manage(*self.importing)[1])
        return found

    def count(self, table: str) -> int:
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=20)
        try:
            count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  ours
        finally:
            connection.close()
        return count


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    return Portal(tmp_path)


def test_killed_in_the_middle_it_goes_on_and_can_be_undone_as_one(portal: Portal) -> None:
    empty = portal.manage("export_users")[1]
    process = portal.start(*portal.importing)
    until = time.monotonic() + DEADLINE_SECONDS
    while not portal.count("accounts_user"):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = portal.count("accounts_user")
    assert 0 < done < ROWS
    # What is there is whole: each account with record, change and entry (two more are of the export and the beginning).
    assert {portal.count(f"accounts_{table}") for table in ("employment", "provisioningchange")} == {done}
    assert portal.count("accounts_auditentry") == done + 2

    facts = portal.imported()
    assert (facts["resumed"], facts["counts"]) == (True, {"created": ROWS})
    assert portal.count("accounts_provisioningrun") == 1
    assert portal.manage("verify_audit")[0] == 0
    assert portal.manage("provision_users", "--undo", facts["run"])[0] == 0
    assert portal.manage("export_users")[1] == empty


def test_sign_ins_are_written_meanwhile(portal: Portal) -> None:
    """Each with a connection of its own and the product's time-out, as web has them."""
    process = portal.start(*portal.importing)
    waits: list[float] = []
    while process.poll() is None:
        began = time.monotonic()
        connection = sqlite3.connect(portal.database, timeout=20, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO django_session VALUES (?, 'x', '2030-01-01')", [f"visitor{len(waits)}"])
        connection.execute("COMMIT")
        connection.close()
        waits.append(time.monotonic() - began)
        threading.Event().wait(0.02)
    process.communicate()
    assert process.returncode == 0
    assert portal.count("accounts_user") == ROWS
    assert len(waits) > 10
    assert max(waits) < 10
