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

    Measured: a full collection paused 52 ms after 200 joins. What lives as long as a meeting is frozen once joins and
    departures have calmed down. Those who left are then among the frozen: a full collection frees them when nobody is
    in a call, or at a calm moment after many departures.
    """

    CALM_SECONDS = 2.0
    # About 0.5 MB each with its two DTLS connections.
    MAX_FROZEN_DEPARTURES = 100

    def __init__(self) -> None:
        self._population = 0
        self._departures = 0
        self._changed_at = 0.0
        self._is_settled = True

    def tick(self, now: float, population: int) -> bool:
        """Once a second, with the number of participants. Whether a full collection was done."""
        if population != self._population:
            self._departures += max(0, self._population - population)
            self._population, self._changed_at, self._is_settled = population, now, False
            return False
        if self._is_settled or now - self._changed_at < self.CALM_SECONDS:
            return False
        self._is_settled = True
        is_due = population == 0 or self._departures >= self.MAX_FROZEN_DEPARTURES
        if is_due:
            self._departures = 0
            gc.unfreeze()
            gc.collect()
        gc.freeze()
        return is_due
