"""A worker as a process of its own, with a kind that never ends at its first attempt. For test_killed_worker.py."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "visio_portal.settings_for_tests"
django.setup()

from django.core.management import call_command  # noqa: E402  needs the apps

from jobs import leases  # noqa: E402  needs the apps
from jobs.queue import enqueue, job  # noqa: E402  needs the apps
from jobs.worker import Work, Worker  # noqa: E402  needs the apps

FOLDER = Path(sys.argv[1])


@job("tests.survivor", max_attempts=3)
def survivor(work: Work) -> None:
    (FOLDER / f"attempt-{work.attempt}").touch()
    if work.attempt == 1:
        threading.Event().wait()  # until kill -9
    (FOLDER / "done").touch()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        call_command("migrate", "jobs", verbosity=0)
        enqueue("tests.survivor")
    leases.BACK_OFF_BASE_SECONDS = 0.1
    Worker(lease_seconds=1.0, poll_seconds=0.05, housekeeping_seconds=0.2).run()
