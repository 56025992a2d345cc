"""The background worker. `serve` starts it; more may run beside it on PostgreSQL."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from jobs import lifeline, self_report
from jobs.worker import Worker


class Command(BaseCommand):
    help = "Runs background jobs (normally started by `serve`)."
    requires_system_checks = ()  # `serve` has made them

    def handle(self, *args: Any, **options: Any) -> None:
        lifeline.watch()
        worker = Worker()
        lifeline.beat_in_thread(worker.is_turning)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        worker.run(on_ready=announce, on_round=lambda: report(worker))
        # Threads of jobs that did not come to an end would keep the process; their rows are given back.
        os._exit(0)


def announce() -> None:
    """Tells the supervisor that jobs are taken."""
    if marker := os.environ.get("VISIO_READY_FILE"):
        Path(marker).write_text(str(os.getpid()), encoding="ascii")


def report(worker: Worker) -> None:
    """Says that jobs are taken still."""
    self_report.write("worker", {"at_work": len(worker.current)})
