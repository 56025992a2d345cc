"""A weak link costs picture before sound, and nothing for good."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from meetings.probe import Losses, Probe, ProbeOptions
from tests.calls import assert_all_meet, in_room, leave_all, wait_until
from tests.portal import Portal, free_port
from tests.shaper import Profile, Shaper

pytestmark = pytest.mark.calls

ROOM = "weak"
WEAK = Profile(rate_bps=400_000, delay_seconds=0.03, jitter_seconds=0.005)
MEASURED_SECONDS = 60
LOSSY = Profile(loss=0.05, delay_seconds=0.02)
FULL_WIDTH = 960


@dataclass(frozen=True, slots=True)
class Shaped:
    """A portal whose relay is reached through the shaper alone."""

    portal: Portal
    shaper: Shaper


@pytest.fixture
async def shaped(own_portal: Callable[..., Portal]) -> AsyncIterator[Shaped]:
    port = free_port()
    portal = own_portal(workers=1, environment={"RELAY_ADDRESSES": f"127.0.0.1=127.0.0.1:{port}"})
    shaper = await Shaper.open(port=port, relay=("127.0.0.1", portal.relay_port))
    yield Shaped(portal, shaper)
    shaper.close()


async def test_at_400_kbits_sound_is_kept_while_the_picture_degrades_and_comes_back(shaped: Shaped) -> None:
    async with in_room(shaped.portal, ROOM, 1, ProbeOptions(width=FULL_WIDTH, height=528, grain=True)) as (sender,):
        shaped.shaper.down = WEAK  # of those who join from now on
        async with _subscriber(shaped.portal) as watcher:
            await wait_until(
                lambda: watcher.hears() == {sender.identity: {sender.number}} == watcher.sees(),
                lambda: (watcher.hears(), watcher.sees()),
            )
            before = await watcher.losses()
            await asyncio.sleep(MEASURED_SECONDS)
            assert _kept_sound(before, await watcher.losses()) > 0.98
            assert watcher.sizes(sender.identity)[-1] < FULL_WIDTH
            shaped.shaper.reshape(up=Profile(), down=Profile())
            watcher.forget()
            await wait_until(
                lambda: FULL_WIDTH in watcher.sizes(sender.identity), lambda: watcher.sizes(sender.identity)[-10:]
            )


async def test_with_5_percent_loss_both_ways_video_plays_on(shaped: Shaped) -> None:
    shaped.shaper.reshape(up=LOSSY, down=LOSSY)
    async with in_room(shaped.portal, ROOM, 2) as everyone:
        await assert_all_meet(everyone)
        for probe in everyone:
            probe.forget()
        # So many that both get on over several lost key frames. How many a second is a figure, and no test's matter:
        # mostly ten, and two in a bad run (docs/features.md).
        await wait_until(
            lambda: all(len(probe.seen) >= 40 for probe in everyone), lambda: [len(probe.seen) for probe in everyone]
        )
        await wait_until(lambda: _lost(shaped) > 100, lambda: f"only {_lost(shaped)} packets were lost: no proof")
        before = [len(probe.seen) for probe in everyone]
        await wait_until(
            lambda: all(len(probe.seen) > old for probe, old in zip(everyone, before, strict=True)),
            lambda: f"{before} pictures, and no more",
        )


def _lost(shaped: Shaped) -> int:
    return sum(flow.down.lost for flow in shaped.shaper.flows.values())


def _kept_sound(before: Losses, after: Losses) -> float:
    """The part of the sound that was not made up by the receiver, in samples."""
    played = after.samples_received - before.samples_received
    assert played > 0, "no sound was played at all"
    return 1 - (after.samples_concealed - before.samples_concealed) / played


@asynccontextmanager
async def _subscriber(portal: Portal) -> AsyncIterator[Probe]:
    probe = Probe(2, ProbeOptions(audio=False, video=False))
    await probe.join(portal.engine_url, portal.token(ROOM, "watcher"))
    try:
        yield probe
    finally:
        await leave_all([probe])
