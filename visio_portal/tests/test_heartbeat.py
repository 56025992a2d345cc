"""When a process counts as hung, by a clock that the test turns."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

import pytest

from jobs import lifeline
from visio_portal.heartbeat import LOOK_SECONDS, MISSES, Pulse


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pulse(clock: Clock) -> Iterator[Pulse]:
    pulse = Pulse(clock)
    yield pulse
    pulse.hand_over()
    pulse.close()


def pass_silently(pulse: Pulse, clock: Clock, seconds: float) -> bool:
    """Whether it counts as hung at any of the supervisor's ticks."""
    found = False
    for _ in range(round(seconds)):
        clock.now += 1
        found |= pulse.has_stopped()
    return found


def beat(pulse: Pulse) -> None:
    os.write(pulse.write_end, b".")


def test_one_that_is_busy_for_ten_seconds_lives(pulse: Pulse, clock: Clock) -> None:
    for _ in range(5):
        beat(pulse)
        assert not pass_silently(pulse, clock, 10)


def test_one_that_is_silent_for_twenty_seconds_is_hung(pulse: Pulse, clock: Clock) -> None:
    beat(pulse)
    assert not pass_silently(pulse, clock, LOOK_SECONDS * MISSES - 1)
    assert pass_silently(pulse, clock, LOOK_SECONDS + 1)


def test_one_that_never_beat_is_hung_after_a_minute(pulse: Pulse, clock: Clock) -> None:
    assert not pass_silently(pulse, clock, 60)
    assert pass_silently(pulse, clock, LOOK_SECONDS + 1)


def test_one_that_starts_slowly_lives(pulse: Pulse, clock: Clock) -> None:
    assert not pass_silently(pulse, clock, 59)
    beat(pulse)
    assert not pass_silently(pulse, clock, LOOK_SECONDS * MISSES - 1)


def test_a_pause_of_the_whole_machine_is_one_miss(pulse: Pulse, clock: Clock) -> None:
    beat(pulse)
    assert not pass_silently(pulse, clock, 1)
    clock.now += 3600
    assert not pulse.has_stopped()
    beat(pulse)
    assert not pass_silently(pulse, clock, 10)


async def test_a_process_beats_as_long_as_the_supervisor_does_not_look(
    pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(lifeline.PULSE_VARIABLE, str(pulse.write_end))
    monkeypatch.setattr(lifeline, "BEAT_SECONDS", 0)
    with contextlib.suppress(BlockingIOError):
        while os.write(pulse.write_end, bytes(1 << 16)):  # hours without a look: the pipe is full
            pass
    assert lifeline._beat_once()
    monkeypatch.delenv(lifeline.PULSE_VARIABLE)
    await lifeline.beat()  # without a supervisor it returns


def test_a_process_whose_loops_do_not_turn_beats_no_more(pulse: Pulse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(lifeline.PULSE_VARIABLE, str(pulse.write_end))
    asked, turns = threading.Event(), iter([True, False, False])

    def is_turning() -> bool:
        try:
            return next(turns)
        except StopIteration:
            asked.set()
            return False

    lifeline.beat_in_thread(is_turning, seconds=0.001)
    assert asked.wait(30)
    monkeypatch.delenv(lifeline.PULSE_VARIABLE)
    assert os.read(pulse._read_end, 100) == b".."  # at its start, and while it turned
