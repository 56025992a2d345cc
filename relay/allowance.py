"""Token buckets: what one participant may ask of the worker that it shares with others."""

from __future__ import annotations


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

    def is_spent(self, now: float) -> bool:
        """Whether it is in debt."""
        return self.spend(0, now) > 0
