"""Token buckets and turns: what one participant may ask of the worker that it shares with others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Allowance:
    """So much per second, and `burst` at once after a rest."""

    __slots__ = ("_at", "_burst", "_left", "_per_second")

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self._per_second = per_second
        self._burst = self._left = burst
        self._at = now

    def spend(self, amount: float, now: float) -> float:
        """Takes `amount` out, into debt if need be. For how many seconds nothing more should be taken, mostly 0."""
        refilled = self._left + (now - self._at) * self._per_second
        self._left = min(self._burst, refilled) - amount
        self._at = now
        return max(0.0, -self._left / self._per_second)

    def wait(self, now: float) -> float:
        """For how many seconds it is in debt yet."""
        return self.spend(0, now)

    def is_spent(self, now: float) -> bool:
        """Whether it is in debt."""
        return self.wait(now) > 0


class Turns:
    """Few at the same time, in order. Whoever does not get done keeps going, but not the others waiting."""

    def __init__(self, count: int, seconds: float) -> None:
        self._free = asyncio.Semaphore(count)
        self._seconds = seconds

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Waits for a turn, which ends with the block, or after `seconds`."""
        await self._free.acquire()
        with contextlib.ExitStack() as turn:
            turn.callback(self._free.release)
            timer = asyncio.get_running_loop().call_later(self._seconds, turn.close)
            try:
                yield
            finally:
                timer.cancel()
