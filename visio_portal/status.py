"""What runs, who is in a call, and what an operator should look at: for `manage.py status` and the administration."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.db.models import Count, Min

from jobs import self_report
from jobs.models import Job, State
from meetings import media, relay_probe
from meetings.engine_errors import EngineError, Unavailable
from visio_portal import VERSION, health

# Workers that hang are waited for side by side, not one after the other.
_ASKED_AT_ONCE = 16


def collect() -> dict[str, Any]:
    """Everything, as one document. Two queries."""
    checks = health.findings()
    jobs = {state: (count, oldest) for state, count, oldest in _jobs()}
    _, oldest_due = jobs.get(State.QUEUED, (0, None))
    return {
        "ready": all(answer == health.OK for answer in checks.values()),
        "portal": settings.PORTAL_URL,
        "checks": checks,
        "warnings": health.warnings(oldest_due),
        "engine": relays() if settings.EMBEDDED_RELAY else cluster(),
        "web": self_report.read("web") or {"error": "no report"},
        "worker": {**(self_report.read("worker") or {"error": "no report"}), "silent": self_report.silent("worker")},
        "jobs": {state: count for state, (count, _) in jobs.items()},
        "disk_free_mb": health.free_disk_mb(),
        "versions": versions(),
    }


def _jobs() -> Iterator[tuple[str, int, datetime]]:
    yield from Job.objects.values_list("state").annotate(count=Count("pk"), oldest=Min("run_after"))


def relays() -> list[dict[str, Any]]:
    """Each worker's own words, or why there are none."""
    with ThreadPoolExecutor(max_workers=_ASKED_AT_ONCE) as pool:
        return list(pool.map(_relay, range(settings.RELAY_WORKERS)))


def _relay(slot: int) -> dict[str, Any]:
    try:
        return {"slot": slot, **relay_probe.status(slot)}
    except (Unavailable, EngineError) as error:
        return {"slot": slot, "error": str(error)}


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
    return {"visio": VERSION, "python": platform.python_version(), **{name: version(name) for name in names}}
