"""`manage.py status`: what runs, who is in a call, and what an operator should look at."""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Count

from jobs.models import Job
from meetings import media, relay_probe
from meetings.engine_errors import EngineError, Unavailable
from visio_portal import health


class Command(BaseCommand):
    help = "Shows workers, rooms, participants, loop lag, jobs, disk and versions. Ends 1 if something is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        document = collect()
        if options["json"]:
            self.stdout.write(json.dumps(document, indent=2, default=str))
        else:
            self.show(document)
        if not document["ready"]:
            sys.exit(1)

    def show(self, document: dict[str, Any]) -> None:
        """The document as lines, what is wrong first."""
        wrong = [f"{name}: {answer}" for name, answer in document["checks"].items() if answer != health.OK]
        self.stdout.write(f"{document['portal']}  " + ("ready" if document["ready"] else "NOT READY"))
        for line in wrong:
            self.stdout.write(self.style.ERROR(f"  {line}"))
        for part in document["engine"]:
            self.stdout.write("  " + "  ".join(f"{name} {value}" for name, value in _shown(part)))
        jobs = document["jobs"]
        self.stdout.write("  jobs  " + (", ".join(f"{count} {state}" for state, count in jobs.items()) or "none"))
        self.stdout.write(f"  disk  {document['disk_free_mb']} MB free")
        self.stdout.write("  " + "  ".join(f"{name} {number}" for name, number in document["versions"].items()))


def _shown(part: dict[str, Any]) -> list[tuple[str, Any]]:
    """What fits a line: numbers and words, no tables of counters (--json has them)."""
    return [(name, value) for name, value in part.items() if not isinstance(value, dict | list)]


def collect() -> dict[str, Any]:
    """Everything, as one document."""
    checks = health.findings()
    return {
        "ready": all(answer == health.OK for answer in checks.values()),
        "portal": settings.PORTAL_URL,
        "checks": checks,
        "engine": relays() if settings.EMBEDDED_RELAY else cluster(),
        "jobs": dict(Job.objects.values_list("state").annotate(count=Count("pk"))),
        "disk_free_mb": health.free_disk_mb(),
        "versions": versions(),
    }


def relays() -> list[dict[str, Any]]:
    """Each worker's own words, or why there are none."""
    found = []
    for slot in range(settings.RELAY_WORKERS):
        try:
            found.append({"slot": slot, **relay_probe.status(slot)})
        except (Unavailable, EngineError) as error:
            found.append({"slot": slot, "error": str(error)})
    return found


def cluster() -> list[dict[str, Any]]:
    """Rooms and participants of the LiveKit cluster."""
    try:
        rooms = media.list_rooms()
    except (Unavailable, EngineError) as error:
        return [{"url": settings.LIVEKIT_URL, "error": str(error)}]
    people = sum(room.num_participants for room in rooms)
    return [{"url": settings.LIVEKIT_URL, "rooms": len(rooms), "participants": people}]


def versions() -> dict[str, str]:
    """Of what an operator is asked for in a bug report."""
    names = ("Django", "channels", "daphne", "aiortc", "livekit-api", "livekit-protocol")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
