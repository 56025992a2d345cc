"""The command as a process of its own: killed in the middle it goes on, and people sign in meanwhile."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.provisioning.applying import BATCH
from accounts.provisioning.tests.conftest import file_of

pytestmark = pytest.mark.long
ROWS = 3 * BATCH
# Enough that a sign-in, which writes several times and pays for a password, begins and ends within the import.
ROWS_MEANWHILE = 12 * BATCH
DEADLINE_SECONDS = 120
# Somebody signs in by the page, again and again until standard input is closed: the answer's status, and how many
# people there were before and after it.
SIGN_INS = """
import json, select, sys
from django.test import Client
from accounts.models import Employment, User
form = {"login": "visitor@m.example", "password": "a long password for tests"}
User.objects.create_user(form["login"], form["password"])
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    before = Employment.objects.count()
    status = Client(raise_request_exception=False).post("/accounts/login/", form, HTTP_HOST="localhost").status_code
    print(json.dumps([status, before, Employment.objects.count()]), flush=True)
"""


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
        self.write(ROWS)
        self.importing = ("provision_users", str(self.file), "--source", "sirh", "--apply", "--json")

    def write(self, rows: int) -> None:
        self.file.write_text(file_of(*(f"{n};p{n}@m.example;P;Nom{n}" for n in range(rows))))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        return subprocess.Popen(command, env=self.environment, stdin=pipe, stdout=pipe, stderr=null, text=True)

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


def test_people_sign_in_meanwhile(portal: Portal) -> None:
    """None is told that the database is locked, and it is not that they all wait for the import's end."""
    portal.write(ROWS_MEANWHILE)
    visitor = portal.start("shell", "--verbosity=0", "-c", SIGN_INS)
    try:
        assert visitor.stdout is not None
        assert visitor.stdout.readline() == "ready\n"
        assert portal.manage(*portal.importing)[0] == 0
        out, _ = visitor.communicate("\n", timeout=DEADLINE_SECONDS)
    finally:
        visitor.kill()
    assert portal.count("accounts_employment") == ROWS_MEANWHILE
    signed_in = [json.loads(line) for line in out.splitlines()]
    assert {status for status, _before, _after in signed_in} == {302}
    meanwhile = [one for one in signed_in if one[1] > 0 and one[2] < ROWS_MEANWHILE]
    assert meanwhile
