"""What a process says of itself: a small file in RUN_DIR, replaced every few seconds, that others read.

Each process has a file of its own, by name and pid: of several job workers none hides that another is silent. For
`manage.py status`, /readyz and the administration. A relay worker is asked over its own socket instead.
"""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

logger = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
# An older one is of a process that does not get to it any more.
FRESH_SECONDS = 30.0


def write(name: str, document: dict[str, Any]) -> None:
    """Replaces the report in one step. Where it cannot be written it becomes stale, which is what readers see."""
    pid = os.getpid()
    file = _file(name, pid)
    partial = file.with_suffix(".new")
    try:
        text = json.dumps({**document, "key": _key_mark(), "pid": pid, "began": _began(pid), "at": time.time()})
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
        _forget_the_dead(name)
    except OSError as error:
        logger.warning("the own report cannot be written", extra={"report": name, "error": str(error)})


def read(name: str) -> dict[str, Any] | None:
    """The newest report, with its age; None if there is none that is fresh. Its process may be about to be replaced:
    a reload is no alarm.
    """
    newest = min(_documents(name), key=lambda document: float(document["age_seconds"]), default=None)
    return newest if newest is not None and newest["age_seconds"] <= FRESH_SECONDS else None


def silent(name: str) -> int:
    """How many processes live that have said nothing for too long."""
    return sum(document["age_seconds"] > FRESH_SECONDS and _lives(document) for document in _documents(name))


def with_another_key() -> list[str]:
    """The names of processes that run, or did just now, with another SECRET_KEY than this one's."""
    return sorted(
        {
            file.name.partition(".")[0]
            for file in Path(settings.RUN_DIR).glob("*.report.json")
            if (document := _content(file)) is not None
            and (document["age_seconds"] <= FRESH_SECONDS or _lives(document))
            and document.get("key") != _key_mark()
        }
    )


def _key_mark() -> str:
    """Tells one SECRET_KEY from another, and nothing of it."""
    return salted_hmac("jobs.self_report", "", algorithm="sha256").hexdigest()[:12]


def _documents(name: str) -> list[dict[str, Any]]:
    """The last word of each process."""
    files = Path(settings.RUN_DIR).glob(f"{name}.*.report.json")
    return [document for file in files if (document := _content(file)) is not None]


def _forget_the_dead(name: str) -> None:
    for document in _documents(name):
        if document["age_seconds"] > FRESH_SECONDS and not _lives(document):
            _file(name, document["pid"]).unlink(missing_ok=True)


def _content(file: Path) -> dict[str, Any] | None:
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        age = abs(time.time() - document.pop("at"))  # a clock that was set back makes nobody silent for long
        return {**document, "pid": int(document["pid"]), "age_seconds": round(age, 1)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # it has been forgotten just now, or is no report


def _lives(document: dict[str, Any]) -> bool:
    """Whether the process that wrote it is there; another one may have got its number since."""
    try:
        os.kill(document["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return bool(_began(document["pid"]) == document.get("began"))


def _began(pid: int) -> str:
    """When the process began, in the kernel's own unit; "" where that cannot be told."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _file(name: str, pid: int) -> Path:
    return Path(settings.RUN_DIR) / f"{name}.{pid}.report.json"
