"""Whose turn it is to post to an external address: of this process's threads one, and none while the address is silent.

An address that does not answer costs a thread its whole time-out. So all of its rooms wait together, longer and longer,
and one job alone tries it again; the others' threads are left for addresses that answer. An address that refuses what
one room has for it makes this room wait. Kept in memory: a fresh process tries once and knows.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.utils import timezone

from jobs.queue import Postponed

logger = logging.getLogger(__name__)

# Another room's job is at it: at first so long, then longer and longer, so that many who wait cost little.
BUSY_PAUSE = timedelta(seconds=2)
LONGEST_BUSY_PAUSE = timedelta(seconds=16)
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


@dataclass(slots=True)
class _Queue:
    """What one room has for one address."""

    passed_over: int = 0  # in a row
    due_at: datetime | None = None  # when it tries again, having been passed over
    refusals: int = 0  # in a row


_lock = threading.Lock()
_addresses: dict[str, _Address] = {}  # of those only that are busy or silent
_queues: dict[tuple[str, str], _Queue] = {}  # of those only that were passed over or refused


@contextmanager
def turn(url: str, room: str) -> Iterator[None]:
    """The right to post to `url` what `room` has for it. Raises `Postponed` where it is not given, and in the place of
    `AddressSilent`.
    """
    now = timezone.now()
    with _lock:
        address = _addresses.setdefault(url, _Address())
        if address.is_busy:
            raise Postponed(_pass_over(url, room, now), "Another job posts to this address.")
        if address.closed_until is not None and address.closed_until > now:
            raise Postponed(address.closed_until, address.reason)
        address.is_busy = True
        if (queue := _queues.get((url, room))) is not None:
            queue.passed_over, queue.due_at = 0, None
    silence: AddressSilent | None = None
    try:
        yield
    except AddressSilent as error:
        silence = error
    finally:
        until = _give_back(url, silence)
    if silence is not None:
        raise Postponed(until, str(silence)) from None


def refused(url: str, room: str) -> datetime:
    """The address answered that it does not take what comes first in `room`'s queue. Until when this one waits."""
    with _lock:
        queue = _queues.setdefault((url, room), _Queue())
        queue.refusals += 1
        return timezone.now() + _pause_after(queue.refusals)


def taken(url: str, room: str) -> None:
    """The address took what it was sent."""
    with _lock:
        _queues.pop((url, room), None)


def after_the_next(url: str) -> datetime:
    """When a queue that has had its turn, and has more, may come again: once somebody whom it kept waiting could."""
    now = timezone.now()
    with _lock:
        waiting = [queue.due_at for (other, _), queue in _queues.items() if other == url and queue.due_at]
    return min((due_at for due_at in waiting if due_at > now), default=now)


def _pass_over(url: str, room: str, now: datetime) -> datetime:
    queue = _queues.setdefault((url, room), _Queue())
    queue.passed_over += 1
    pause: timedelta = min(BUSY_PAUSE * 2 ** min(queue.passed_over - 1, 10), LONGEST_BUSY_PAUSE)
    # Those who were passed over together do not come back together.
    queue.due_at = now + pause * random.uniform(0.75, 1.25)  # noqa: S311  no secret
    return queue.due_at


def _pause_after(failures: int) -> timedelta:
    pause: timedelta = min(FIRST_PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE)
    return pause


def _give_back(url: str, silence: AddressSilent | None) -> datetime:
    now = timezone.now()
    with _lock:
        if silence is None:
            del _addresses[url]
            return now
        address = _addresses[url]
        address.is_busy = False
        address.failures += 1
        pause = _pause_after(address.failures)
        until = now + pause
        address.closed_until, address.reason = until, str(silence)
    extra = {"host": urlsplit(url).hostname, "error": str(silence), "pause_seconds": int(pause.total_seconds())}
    logger.warning("webhooks wait for a silent address", extra=extra)
    return until
