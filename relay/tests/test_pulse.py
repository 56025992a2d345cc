"""The worker's clockwork and its care for garbage."""

import asyncio
import gc
import logging
from collections.abc import Iterator

import pytest

from relay.pulse import Beat, GarbageKeeper, Pulse


@pytest.fixture
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


async def test_a_beat_that_fails_is_logged_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    beats: list[float] = []
    enough = asyncio.Event()

    def fail(_now: float) -> None:
        raise RuntimeError("one bad room")

    def strike(now: float) -> None:
        beats.append(now)
        if len(beats) == 3:
            enough.set()

    pulse = Pulse([Beat(0.02, fail), Beat(0.02, strike)])
    task = asyncio.create_task(pulse.run())
    with caplog.at_level(logging.ERROR):
        async with asyncio.timeout(10):
            await enough.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert beats == sorted(beats)
    assert any("one bad room" in (record.exc_text or "") for record in caplog.records)
    lag = pulse.lag_ms()
    assert lag["max"] >= lag["p50"] >= 0
    pulse.reset()
    assert pulse.lag_ms()["max"] == 0


@pytest.mark.usefixtures("thawed")
def test_garbage_is_collected_when_the_last_call_is_over_or_after_many_departures() -> None:
    keeper = GarbageKeeper()
    assert not keeper.tick(0, 150)
    assert not keeper.tick(1, 150)
    assert not keeper.tick(2.5, 150), "frozen, not collected, while people talk"
    assert gc.get_freeze_count() > 0
    assert not keeper.tick(3, 45)
    assert keeper.tick(6, 45), "105 have left"
    assert not keeper.tick(7, 45)
    assert not keeper.tick(8, 0)
    assert keeper.tick(11, 0)
