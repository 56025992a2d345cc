"""The worker's clockwork: what happens every 20 ms, 400 ms, 1 s and 5 s, and how late the loop is for it."""

from __future__ import annotations

import asyncio
import gc
import logging
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relay import clock

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.02
# Twenty seconds of ticks: enough for a percentile, small enough to sort on request.
LAG_SAMPLES = 1000


@dataclass(slots=True)
class Beat:
    """Something to do every `seconds`."""

    seconds: float
    action: Callable[[float], None]
    due_at: float = 0.0


class Pulse:
    """Runs the beats in one task. A failing beat is logged and goes on."""

    def __init__(self, beats: Sequence[Beat]) -> None:
        self._beats = beats
        self._lags = array("d", bytes(8 * LAG_SAMPLES))
        self._count = 0
        self._worst = 0.0

    async def run(self) -> None:
        due = clock.now() + TICK_SECONDS
        while True:
            await asyncio.sleep(max(0.0, due - clock.now()))
            now = clock.now()
            self._note(now - due)
            for beat in self._beats:
                if now >= beat.due_at:
                    beat.due_at = now + beat.seconds - TICK_SECONDS / 2
                    self._strike(beat, now)
            due = max(due + TICK_SECONDS, clock.now())

    def lag_ms(self) -> dict[str, float]:
        """Median, 99th percentile and worst lateness of the event loop since the last `reset`."""
        known = sorted(self._lags[: min(self._count, LAG_SAMPLES)]) or [0.0]
        found = {"p50": known[len(known) // 2], "p99": known[int(len(known) * 0.99)], "max": self._worst}
        return {name: round(value * 1000, 2) for name, value in found.items()}

    def reset(self) -> None:
        self._count = 0
        self._worst = 0.0

    def _note(self, lag: float) -> None:
        self._lags[self._count % LAG_SAMPLES] = lag
        self._count += 1
        self._worst = max(self._worst, lag)

    @staticmethod
    def _strike(beat: Beat, now: float) -> None:
        try:
            beat.action(now)
        except Exception:  # the edge of the tick: one bad room must not stop time for the others
            logger.exception("tick failed")


class GarbageKeeper:
    """Keeps full collections away from calls.

    Measured: a full collection paused 52 ms after 200 joins. What lives as long as a meeting is frozen once joins
    have calmed down; cycles frozen by mistake are collected when nobody is in a call.
    """

    CALM_SECONDS = 2.0

    def __init__(self) -> None:
        self._population = 0
        self._changed_at = 0.0
        self._is_settled = True

    def tick(self, now: float, population: int) -> None:
        """Once a second, with the number of participants."""
        if population != self._population:
            self._population, self._changed_at, self._is_settled = population, now, False
        elif not self._is_settled and now - self._changed_at >= self.CALM_SECONDS:
            self._is_settled = True
            if population == 0:
                gc.unfreeze()
                gc.collect()
            gc.freeze()
