"""Whether a child still turns: it writes a byte each second into a pipe of its own, at which the supervisor looks.

The child's word is about itself alone: no database, disk or other process takes part, so that a dependency which is
away ends nobody. (Its side: `jobs/lifeline.py` and, for relay workers, `relay/worker.py`.)
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping

VARIABLES = ("VISIO_PULSE_FD", "RELAY_PULSE_FD")
# A process that is busy for ten seconds lives; one that has been silent for fifteen to twenty is no use to anybody:
# clients give up their connection after fifteen.
LOOK_SECONDS = 5.0
MISSES = 3
# What a process gets to import and begin: a minute.
START_MISSES = 13


class Pulse:
    """The supervisor's end of one process's pipe. Raises OSError where no more descriptors are left."""

    def __init__(self, clock: Callable[[], float], look_seconds: float = LOOK_SECONDS) -> None:
        self._clock = clock
        self._look_seconds = look_seconds
        self._look_at = 0.0
        self._misses = 0
        self._is_felt = False
        self._was_ever_felt = False
        self._read_end, self.write_end = os.pipe()
        for descriptor in (self._read_end, self.write_end):
            os.set_blocking(descriptor, False)  # neither waits for the other

    @property
    def environment(self) -> Mapping[str, str]:
        return {name: str(self.write_end) for name in VARIABLES}

    def hand_over(self) -> None:
        """The process has its end."""
        os.close(self.write_end)

    def has_stopped(self) -> bool:
        """Whether nothing was felt at `MISSES` looks in a row; at `START_MISSES`, of one that has not begun yet.

        Looks are counted, not seconds: after a pause of the whole machine the supervisor does not judge at once.
        """
        self._is_felt = self._drain() or self._is_felt
        if self._clock() < self._look_at:
            return False
        self._look_at = self._clock() + self._look_seconds
        self._was_ever_felt |= self._is_felt
        self._misses = 0 if self._is_felt else self._misses + 1
        self._is_felt = False
        return self._misses >= self._patience

    @property
    def silence_seconds(self) -> float:
        """How long one that has stopped was silent at least. (The first look is at its start.)"""
        return self._look_seconds * (MISSES if self._was_ever_felt else START_MISSES - 1)

    @property
    def _patience(self) -> int:
        return MISSES if self._was_ever_felt else START_MISSES

    def close(self) -> None:
        os.close(self._read_end)

    def _drain(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self._read_end, 1 << 16))
        return False
