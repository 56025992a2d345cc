"""A queue whose clock the test turns, and kinds that exist for one test only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from jobs import queue
from jobs.worker import Worker


class Clock:
    """The time of the worker under test."""

    def __init__(self) -> None:
        self.now = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **units: float) -> None:
        self.now += timedelta(**units)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker(clock: Clock) -> Worker:
    """Not started: the test calls `work_once` and `keep_house` itself."""
    return Worker(now=clock)


@pytest.fixture(autouse=True)
def kinds_of_the_test() -> Iterator[None]:
    before = dict(queue.kinds)
    yield
    queue.kinds.clear()
    queue.kinds.update(before)
