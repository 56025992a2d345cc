"""The admission check for asynchronous code: in a small thread pool of its own, with its own database connections.

Django's shared thread may be busy for seconds with somebody's page; nobody at the door waits for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import DatabaseError, close_old_connections

from meetings.admission import admit
from meetings.engine_errors import Denied
from meetings.tokens import Claims

THREADS = 4
# A whole large meeting that reconnects at once; an answer takes about a millisecond.
WAITING = 500

T = TypeVar("T")


class Doorkeeper:
    def __init__(self, *, threads: int = THREADS, waiting: int = WAITING) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="rtc-door")
        self._free = waiting

    async def admit(self, claims: Claims) -> Claims:
        """The claims with the row's name and grants. Raises `Denied`: 403, or 503 when the database has no answer."""
        if self._free == 0:
            raise Denied(503, "too many people at once, try again")
        self._free -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, _with_connection, admit, claims)
        except DatabaseError as error:
            raise Denied(503, "the database does not answer") from error
        finally:
            self._free += 1


def _with_connection(check: Callable[[Claims], T], claims: Claims) -> T:
    close_old_connections()
    try:
        return check(claims)
    finally:
        close_old_connections()
