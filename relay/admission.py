"""Joins in flight. A join costs milliseconds of handshakes; a hundred at once would silence those who already talk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from relay import clock
from relay.allowance import Allowance
from relay.peer import Later

# Web holds an upgrade for a few seconds; whoever waits behind this many would be given up anyway.
MAX_WAITING = 512
# A client that never completes its handshake must not keep the others waiting.
RELEASE_SECONDS = 3.0

# Of one identity: reloads and bad networks stay far below. A join costs 5 to 10 ms, and each ends the one before.
JOINS_PER_SECOND = 1.0
JOINS_BURST = 20.0
MAX_REMEMBERED = 4096


class Frequency:
    """How often each identity joins or resumes."""

    def __init__(self) -> None:
        self._allowances: dict[tuple[str, str], Allowance] = {}  # by room and identity, least recently used first

    def may_join(self, room: str, identity: str) -> bool:
        """Whether it has not come too often of late."""
        now = clock.now()
        allowance = self._allowances.pop((room, identity), None) or Allowance(JOINS_PER_SECOND, JOINS_BURST, now)
        self._allowances[room, identity] = allowance
        if len(self._allowances) > MAX_REMEMBERED:
            del self._allowances[next(iter(self._allowances))]
        if allowance.is_spent(now):
            return False
        allowance.spend(1, now)
        return True


class JoinGate:
    """Lets at most `limit` joins run at the same time, in order, one per turn of the event loop."""

    def __init__(self, limit: int, later: Later) -> None:
        self._limit = limit
        self._later = later
        self._waiting: deque[tuple[int, Callable[[], str | None]]] = deque()
        self._running: set[str] = set()
        self._is_scheduled = False

    def submit(self, key: int, begin: Callable[[], str | None]) -> bool:
        """Runs `begin` in its turn; it returns the sid whose `settled` ends the join, or None if there is nothing to
        wait for. False when too many wait already."""
        if len(self._waiting) >= MAX_WAITING:
            return False
        self._waiting.append((key, begin))
        self._schedule()
        return True

    def withdraw(self, key: int) -> None:
        """The websocket went away before its turn."""
        self._waiting = deque(entry for entry in self._waiting if entry[0] != key)

    def settled(self, sid: str) -> None:
        """The participant is connected, or gone."""
        if sid in self._running:
            self._running.discard(sid)
            self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled and self._waiting and len(self._running) < self._limit:
            self._is_scheduled = True
            self._later(0, self._run_one)

    def _run_one(self) -> None:
        self._is_scheduled = False
        if self._waiting:
            _, begin = self._waiting.popleft()
            sid = begin()
            if sid is not None:
                self._running.add(sid)
                self._later(RELEASE_SECONDS, lambda: self.settled(sid))
        self._schedule()
