"""What a process says of itself: a small file in RUN_DIR, replaced every few seconds, that others read.

For `manage.py status`, /readyz and the administration. A relay worker is asked over its own socket instead.
"""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
# Older ones are of a process that is gone, or does not get to it any more.
FRESH_SECONDS = 30.0


def write(name: str, document: dict[str, Any]) -> None:
    """Replaces the report in one step. Where it cannot be written it becomes stale, which is what readers see."""
    file = _file(name)
    partial = file.with_suffix(".new")
    try:
        partial.write_text(json.dumps({**document, "pid": os.getpid(), "at": time.time()}), encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        logger.warning("the own report cannot be written", extra={"report": name, "error": str(error)})


def read(name: str) -> dict[str, Any] | None:
    """The report, with its age; None if there is none that is fresh."""
    try:
        document: dict[str, Any] = json.loads(_file(name).read_text(encoding="utf-8"))
        age = time.time() - document.pop("at")
    except (OSError, ValueError, KeyError):
        return None
    return {**document, "age_seconds": round(age, 1)} if abs(age) <= FRESH_SECONDS else None


def _file(name: str) -> Path:
    return Path(settings.RUN_DIR) / f"{name}.report.json"
