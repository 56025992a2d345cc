"""What people may take of the worker's time by data channels, by RTCP and by signalling, and how often they publish.

Each has a part of their own, which outlives the connection: else every rejoin would bring a new one. It is small for
who may send no data, and what they take beyond it they all share. Connection tests share nothing with people.
"""

from __future__ import annotations

from typing import NamedTuple

from relay import clock
from relay.allowance import Allowance

# Part of the worker's time, and seconds at once. Sending 2 MiB/s of data takes 0.2.
SENDER = (0.3, 1.0)
# To acknowledge a busy chat takes 0.005, and so do a busy subscriber's reports.
QUIET = (0.02, 0.2)
ALL_BEYOND = (0.3, 1.0)
# To answer our offer with the tracks of a hundred people takes 0.01 s.
SIGNALS = (0.05, 0.3)
SIGNALS_BEYOND = (0.2, 0.3)
# Tracks a second, and at once. Each is told to everybody, and each end too, and both are rows of the portal's.
PUBLISHING = (2.0, 40.0)
# Of each end of a connection test, which is open to anybody. It is what an honest one needs for all its paths together,
# so that hostile ones make it find nothing bad; one address has 42 such ends at once.
TEST = (0.003, 0.15)
TESTS_BEYOND = (0.1, 1.0)
MAX_REMEMBERED = 4096


class Share:
    """An allowance of one's own, and one that is shared by all, for what goes beyond."""

    def __init__(self, own: Allowance, beyond: Allowance | None = None) -> None:
        self._own = own
        self._beyond = beyond

    def spend(self, seconds: float, now: float) -> None:
        """Takes it from one's own as long as that is not in debt."""
        if self._beyond is not None and self._own.is_spent(now):
            self._beyond.spend(seconds, now)
        else:
            self._own.spend(seconds, now)

    def is_spent(self, now: float) -> bool:
        """Whether nothing more may be done now."""
        return self.wait(now) > 0

    def wait(self, now: float) -> float:
        """For how many seconds nothing more may be done."""
        own = self._own.wait(now)
        return own if self._beyond is None or not own else min(own, self._beyond.wait(now))


class PersonShares(NamedTuple):
    """Of one person, whatever connections they have."""

    sctp: Share
    rtcp: Share
    signals: Share
    publishing: Allowance


class TimeShares:
    """Of everybody on this worker."""

    def __init__(self) -> None:
        now = clock.now()
        self._sctp_beyond, self._rtcp_beyond = Allowance(*ALL_BEYOND, now), Allowance(*ALL_BEYOND, now)
        self._signals_beyond = Allowance(*SIGNALS_BEYOND, now)
        self._tests_beyond = tuple(Allowance(*TESTS_BEYOND, now) for _ in range(3))
        # Least recently joined first. Tests are remembered apart: however many there are, they make nobody forgotten.
        self._people: dict[tuple[str, str, bool], PersonShares] = {}
        self._tests: dict[tuple[str, str, bool], PersonShares] = {}

    def of(self, room: str, identity: str, *, sends_data: bool, gives_way: bool) -> PersonShares:
        """The same as at their last join."""
        known = self._tests if gives_way else self._people
        key = (room, identity, sends_data)
        shares = known.pop(key, None) or (self._new_test() if gives_way else self._new(sends_data))
        known[key] = shares
        if len(known) > MAX_REMEMBERED:
            del known[next(iter(known))]
        return shares

    def _new_test(self) -> PersonShares:
        now = clock.now()
        sctp, rtcp, signals = (Share(Allowance(*TEST, now), beyond) for beyond in self._tests_beyond)
        return PersonShares(sctp, rtcp, signals, Allowance(*PUBLISHING, now))

    def _new(self, sends_data: bool) -> PersonShares:
        now = clock.now()
        return PersonShares(
            Share(Allowance(*SENDER, now)) if sends_data else Share(Allowance(*QUIET, now), self._sctp_beyond),
            Share(Allowance(*QUIET, now), self._rtcp_beyond),
            Share(Allowance(*SIGNALS, now), self._signals_beyond),
            Allowance(*PUBLISHING, now),
        )
