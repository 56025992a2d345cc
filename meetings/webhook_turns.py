"""Whose turn it is to post to an external address: of this process's threads one, and none while the address is silent.

An address that does not answer costs a thread its whole time-out. So all of its rooms wait together, longer and longer,
and one job alone tries it again; the others' threads are left for addresses that answer. Kept in memory: a fresh
process tries once and knows.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.utils import timezone

from jobs.queue import Postponed

logger = logging.getLogger(__name__)

# Another job is at it: a post takes well under a second where somebody answers.
BUSY_PAUSE = timedelta(seconds=2)
FIRST_PAUSE = timedelta(seconds=5)
# One that comes back waits no longer than that for what it missed.
LONGEST_PAUSE = timedelta(minutes=10)


class AddressSilent(Exception):
    """No answer at all. The text is for operators."""


@dataclass(slots=True)
class _Address:
    is_busy: bool = False
    failures: int = 0  # in a row
    closed_until: datetime | None = None
    reason: str = ""


_lock = threading.Lock()
_addresses: dict[str, _Address] = {}  # of those only that are busy or silent


@contextmanager
def turn(url: str) -> Iterator[None]:
    """The right to post to `url`. Raises `Postponed` where it is not given, and in the place of `AddressSilent`."""
    now = timezone.now()
    with _lock:
        address = _addresses.setdefault(url, _Address())
        if address.is_busy:
            raise Postponed(now + BUSY_PAUSE, "Another job posts to this address.")
        if address.closed_until is not None and address.closed_until > now:
            raise Postponed(address.closed_until, address.reason)
        address.is_busy = True
    silence: AddressSilent | None = None
    try:
        yield
    except AddressSilent as error:
        silence = error
    finally:
        until = _give_back(url, silence)
    if silence is not None:
        raise Postponed(until, str(silence)) from None


def _give_back(url: str, silence: AddressSilent | None) -> datetime:
    now = timezone.now()
    with _lock:
        if silence is None:
            del _addresses[url]
            return now
        address = _addresses[url]
        address.is_busy = False
        address.failures += 1
        pause: timedelta = min(FIRST_PAUSE * 2 ** min(address.failures - 1, 10), LONGEST_PAUSE)
        until = now + pause
        address.closed_until, address.reason = until, str(silence)
    extra = {"host": urlsplit(url).hostname, "error": str(silence), "pause_seconds": int(pause.total_seconds())}
    logger.warning("webhooks wait for a silent address", extra=extra)
    return until
