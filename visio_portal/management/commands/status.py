"""`manage.py status`: what runs, who is in a call, and what an operator should look at."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobs.models import State
from visio_portal import health
from visio_portal.status import collect


class Command(BaseCommand):
    help = (
        "Shows workers, rooms, participants, loop lag, what web counts, jobs, disk and versions. "
        "Ends 1 if something is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        document = collect()
        if options["json"]:
            self.stdout.write(json.dumps(document, indent=2, default=str))
        else:
            self.show(document)
        if not document["ready"] or document["warnings"]:
            sys.exit(1)

    def show(self, document: dict[str, Any]) -> None:
        """The document as lines, what is wrong first."""
        wrong = [f"{name}: {answer}" for name, answer in document["checks"].items() if answer != health.OK]
        self.stdout.write(f"{document['portal']}  " + ("ready" if document["ready"] else "NOT READY"))
        wrong += [f"{name}: {answer}" for name, answer in document["warnings"].items()]
        if dead := document["jobs"].get(State.DEAD):
            wrong.append(f"jobs: {dead} given up; see the administration")
        for line in wrong:
            self.stdout.write(self.style.ERROR(f"  {line}"))
        for part in document["engine"]:
            self.stdout.write("  " + "  ".join(f"{name} {value}" for name, value in _shown(part)))
        web = {**document["web"], **document["web"].get("counters", {})}
        self.stdout.write("  web  " + "  ".join(f"{name} {value}" for name, value in _shown(web) if value))
        for link in document["web"].get("links", ()):
            counted = "  ".join(f"{name} {value}" for name, value in link["counters"].items() if value)
            self.stdout.write(f"  link {link['slot']}  {link['state']}  {counted}".rstrip())
        jobs = document["jobs"]
        self.stdout.write("  jobs  " + (", ".join(f"{count} {state}" for state, count in jobs.items()) or "none"))
        self.stdout.write(f"  disk  {document['disk_free_mb']} MB free")
        self.stdout.write("  " + "  ".join(f"{name} {number}" for name, number in document["versions"].items()))


def _shown(part: dict[str, Any]) -> list[tuple[str, Any]]:
    """What fits a line: numbers and words, of the loop lag its p99; no tables of counters (--json has them)."""
    lag = part.get("loop_lag_ms")
    line = {**part, **({"loop_lag_ms": lag.get("p99")} if isinstance(lag, dict) else {})}
    return [(name, value) for name, value in line.items() if not isinstance(value, dict | list)]
