"""kill -9 of a worker in the middle of a job, on SQLite: the next worker finishes it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
CEILING_SECONDS = 60


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts workers on one database file; ends them all."""
    started: list[subprocess.Popen[bytes]] = []

    def start_one(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs.tests.worker_process", str(tmp_path), *arguments],
            cwd=REPOSITORY,
            env={**os.environ, "TEST_DATABASE_URL": f"sqlite:///{tmp_path}/jobs.sqlite3"},
        )
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.wait()


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + CEILING_SECONDS
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.02)


def row(tmp_path: Path) -> tuple[str, int]:
    with closing(sqlite3.connect(tmp_path / "jobs.sqlite3")) as database:
        state, attempt = database.execute(
            "SELECT state, attempt FROM jobs_job WHERE kind = 'tests.survivor'"
        ).fetchone()
        return str(state), int(attempt)


def test_the_next_worker_finishes_what_a_killed_one_began(
    tmp_path: Path, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    first = start("with-order")
    wait_for(tmp_path / "attempt-1")
    assert row(tmp_path) == ("running", 1)
    first.send_signal(signal.SIGKILL)
    first.wait()
    start()
    wait_for(tmp_path / "done")
    assert (tmp_path / "attempt-2").exists()
    deadline = time.monotonic() + CEILING_SECONDS
    while row(tmp_path) != ("succeeded", 2):
        assert time.monotonic() < deadline, row(tmp_path)
        time.sleep(0.02)
