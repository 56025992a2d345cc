"""What the portal needs and whether it answers: for load balancers (/readyz) and for `manage.py status`.

A load balancer takes a portal that is not ready out of service. So what calls can do without for a while, background
jobs, is a warning there, and an error for operators.

/healthz is answered in asgi.py, without a thread: it says only that the web process turns.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.models import Min
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from redis.exceptions import RedisError

from jobs import self_report
from jobs.models import Job, State
from meetings import media, relay_probe
from meetings.engine_errors import EngineError, Unavailable

PROBE_SECONDS = 1.0
OK = "ok"
# A due job is taken within a second or two; only a slow kind may have to wait for a thread.
LATE_SECONDS = 300


@never_cache
@require_GET
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when everything that a call needs answers, else 503; either way what was found."""
    found = findings()
    is_ready = all(answer == OK for answer in found.values())
    document = {"ready": is_ready, "checks": found, "warnings": warnings(_oldest_due())}
    return JsonResponse(document, status=200 if is_ready else 503)


def findings() -> dict[str, str]:
    """ "ok" or a short reason for each dependency. Reasons name no address and no secret: anybody may read them."""
    checks: dict[str, Callable[[], str]] = {"database": _database, "cache": _cache, "disk": _disk}
    if settings.EMBEDDED_RELAY:
        for slot in range(settings.RELAY_WORKERS):
            checks[f"relay-{slot}"] = lambda slot=slot: _relay(slot)  # type: ignore[misc]  # binds the slot
    else:
        checks["livekit"] = _cluster
    return {name: check() for name, check in checks.items()}


def warnings(oldest_due: datetime | None) -> dict[str, str]:
    """What is wrong with background jobs: nothing, or a short reason. `oldest_due`: since when the next one is due."""
    found = {}
    if self_report.read("worker") is None or self_report.silent("worker"):
        found["worker"] = "no answer"
    if oldest_due is not None and (timezone.now() - oldest_due).total_seconds() > LATE_SECONDS:
        found["jobs"] = "late"
    return found


def _oldest_due() -> datetime | None:
    try:
        oldest: datetime | None = Job.objects.filter(state=State.QUEUED).aggregate(oldest=Min("run_after"))["oldest"]
    except DatabaseError:
        return None  # the checks say so
    return oldest


def free_disk_mb() -> int:
    """Space left for the database and recordings."""
    return shutil.disk_usage(Path(settings.DATA_DIR)).free >> 20


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "no answer"
    return OK


def _cache() -> str:
    probe = secrets.token_hex(8)
    try:
        cache.set(f"readyz-{probe}", probe, timeout=10)
        is_kept = cache.get(f"readyz-{probe}") == probe
    except (RedisError, OSError):
        return "no answer"
    return OK if is_kept else "forgets"


def _disk() -> str:
    return OK if free_disk_mb() >= settings.MIN_FREE_DISK_MB else "almost full"


def _relay(slot: int) -> str:
    try:
        relay_probe.hello(slot, seconds=PROBE_SECONDS)
    except (Unavailable, EngineError):
        return "no answer"
    return OK


def _cluster() -> str:
    try:
        media.list_rooms()
    except (Unavailable, EngineError):
        return "no answer"
    return OK
