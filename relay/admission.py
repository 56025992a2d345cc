"""Joins in flight. A join costs milliseconds of handshakes; a hundred at once would silence those who already talk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relay import clock
from relay.allowance import Allowance
from relay.peer import Later

# Web holds an upgrade for a few seconds; whoever waits behind this many would be given up anyway.
MAX_WAITING = 512
# Of those who give way: anybody may be among them.
GIVING_WAY_LIMIT = 2
# A client that never completes its handshake must not keep the others waiting.
RELEASE_SECONDS = 3.0

# Of one identity: reloads and bad networks stay far below. A join costs 5 to 10 ms, and each ends the one before.
JOINS_PER_SECOND = 1.0
JOINS_BURST = 20.0
# A connection test joins once for each kind of path, and is over in three minutes.
TEST_JOINS_PER_SECOND = 0.1
TEST_JOINS_BURST = 6.0
MAX_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Join:
    """Somebody who wants in. `begin` returns the sid whose `settled` ends the join, or None if there is nothing to wait
    for; `refuse` is called instead when too many wait, or when a newer join of the same participant comes."""

    key: int  # of its websocket
    who: tuple[str, str]  # room and identity
    begin: Callable[[], str | None]
    refuse: Callable[[], None]


class Frequency:
    """How often each identity joins or resumes."""

    def __init__(self) -> None:
        self._allowances: dict[tuple[str, str], Allowance] = {}  # by room and identity, least recently used first

    def may_join(self, room: str, identity: str, *, gives_way: bool = False) -> bool:
        """Whether it has not come too often of late."""
        now = clock.now()
        rate = (TEST_JOINS_PER_SECOND, TEST_JOINS_BURST) if gives_way else (JOINS_PER_SECOND, JOINS_BURST)
        allowance = self._allowances.pop((room, identity), None) or Allowance(*rate, now)
        self._allowances[room, identity] = allowance
        if len(self._allowances) > MAX_REMEMBERED:
            del self._allowances[next(iter(self._allowances))]
        if allowance.is_spent(now):
            return False
        allowance.spend(1, now)
        return True


class JoinGate:
    """Two ways in, so that those who give way (connection tests, open to anybody) never stand before the others."""

    def __init__(self, limit: int, later: Later) -> None:
        self._ways = {False: _Way(limit, later), True: _Way(GIVING_WAY_LIMIT, later)}

    def submit(self, join: Join, *, gives_way: bool = False) -> None:
        """Begins or refuses it, in its turn."""
        self._ways[gives_way].submit(join)

    def withdraw(self, key: int) -> None:
        """The websocket went away before its turn."""
        for way in self._ways.values():
            way.withdraw(key)

    def settled(self, sid: str) -> None:
        """The participant is connected, or gone."""
        for way in self._ways.values():
            way.settled(sid)


class _Way:
    """Lets at most `limit` joins run at the same time, in order, one per turn of the event loop."""

    def __init__(self, limit: int, later: Later) -> None:
        self._limit = limit
        self._later = later
        self._waiting: dict[tuple[str, str], Join] = {}  # by room and identity, in order
        self._running: set[str] = set()
        self._is_scheduled = False

    def submit(self, join: Join) -> None:
        older = self._waiting.get(join.who)
        if older is not None:
            older.refuse()  # the newer takes its place
        elif len(self._waiting) >= MAX_WAITING:
            join.refuse()
            return
        self._waiting[join.who] = join
        self._schedule()

    def withdraw(self, key: int) -> None:
        self._waiting = {who: join for who, join in self._waiting.items() if join.key != key}

    def settled(self, sid: str) -> None:
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
            sid = self._waiting.pop(next(iter(self._waiting))).begin()
            if sid is not None:
                self._running.add(sid)
                self._later(RELEASE_SECONDS, lambda: self.settled(sid))
        self._schedule()
