"""What weak and lossy links and busy receivers do to a call: sound is kept, and the picture fits the link."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from relay.bandwidth import train_rate
from relay.router import Layer
from relay.tests.weak import LAYERS, SINGLE, START_AT, WeakCall
from tests.shaper import Profile

AMPLE = Profile(rate_bps=8_000_000, delay_seconds=0.02)
NARROW = Profile(rate_bps=400_000, delay_seconds=0.03, jitter_seconds=0.005)
# One in `make test-fast`, the others with `make test`: they cost a second or two each.
SEEDS = pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2))])
SMALL = (Layer(2, "", 320, 192, 40_000),)  # a test card: few packets, and luck counts
CAMERAS = pytest.mark.parametrize("layers", [LAYERS, SINGLE], ids=["simulcast", "single"])


def stalls(seed: int, *, every: float, shortest: float, longest: float) -> Callable[[float], float]:
    """A receiver that gets no CPU for a while, now and then: when one that would read at `now` reads."""
    chance = random.Random(seed)
    pauses = []
    at = START_AT
    while at < START_AT + 100:
        start = at + chance.expovariate(1 / every)
        at = start + chance.uniform(shortest, longest)
        pauses.append((start, at))

    def wakes(now: float) -> float:
        return next((end for start, end in pauses if start <= now < end), now)

    return wakes


def assert_untouched(call: WeakCall, layers: tuple[Layer, ...]) -> None:
    assert call.congestions == 0
    assert call.plane.paused == []
    assert call.layer_seconds[layers[-1].rid] > 0.95 * sum(call.layer_seconds.values())


@SEEDS
@pytest.mark.parametrize("layers", [LAYERS, SINGLE, SMALL], ids=["simulcast", "single", "small"])
def test_five_percent_of_random_loss_both_ways_lowers_nothing(seed: int, layers: tuple[Layer, ...]) -> None:
    lossy = Profile(rate_bps=8_000_000, delay_seconds=0.02, loss=0.05)
    call = WeakCall(lossy, up=lossy, layers=layers, seed=seed)
    call.run(30 if layers != SMALL else 120)
    assert call.down.lost > 90
    assert_untouched(call, layers)


@SEEDS
@CAMERAS
def test_a_receiver_that_reads_in_lumps_is_no_weak_link(seed: int, layers: tuple[Layer, ...]) -> None:
    call = WeakCall(AMPLE, layers=layers, seed=seed, wakes=stalls(seed, every=0.2, shortest=0.05, longest=0.1))
    call.run(30)
    assert_untouched(call, layers)


@SEEDS
@CAMERAS
def test_a_socket_that_overflows_for_a_moment_is_no_weak_link(seed: int, layers: tuple[Layer, ...]) -> None:
    wakes = stalls(seed, every=4, shortest=0.2, longest=0.4)
    call = WeakCall(AMPLE, layers=layers, seed=seed, wakes=wakes, buffer_packets=20)
    call.run(60)
    assert call.overflowed > 50
    assert_untouched(call, layers)


@SEEDS
def test_who_joins_over_400_kbits_loses_no_sound(seed: int) -> None:
    call = WeakCall(NARROW, seed=seed)
    call.run(5)
    assert call.heard > 0.98
    call.forget()
    call.run(60)
    assert call.heard > 0.99
    assert call.layer_seconds["q"] == pytest.approx(60, abs=0.1)
    # Sound shares the queue. What waits much longer than usual is not played.
    assert sorted(call.queue_seconds)[int(0.98 * len(call.queue_seconds))] < 0.1
    assert max(call.queue_seconds) < 0.2
    assert call.plane.paused == []


def test_a_layer_that_is_thin_because_its_publisher_has_just_begun_costs_what_was_announced() -> None:
    call = WeakCall(NARROW)
    high, middle = call.encoders[2], call.encoders[1]
    high.rate_bps = middle.rate_bps = 60_000
    call.run(10)
    assert call.layer_seconds["q"] == pytest.approx(10, abs=0.1)
    high.rate_bps, middle.rate_bps = (encoder.layer.bitrate_bps for encoder in (high, middle))
    call.run(20)
    assert call.heard > 0.99


@SEEDS
def test_a_bottleneck_is_found_in_two_seconds_and_forgotten_when_it_goes(seed: int) -> None:
    call = WeakCall(AMPLE, seed=seed)
    call.run(10)
    for _ in range(2):
        assert call.camera.current_layer == "f"
        call.down.profile = NARROW
        call.forget()
        call.run(2)
        assert call.camera.current_layer == "q"
        assert call.heard > 0.9  # the queue was full before anybody could know
        call.forget()
        call.run(20)
        assert call.heard > 0.98
        assert call.layer_seconds == {"q": pytest.approx(20)}  # and no trial of more disturbs it
        call.down.profile = AMPLE
        call.run(12)
    assert call.plane.paused == []
    assert call.plane.metrics.layer_switches <= 6


@SEEDS
def test_a_single_layer_that_does_not_fit_is_paused_and_comes_back(seed: int) -> None:
    call = WeakCall(AMPLE, layers=SINGLE, seed=seed)
    call.run(5)
    call.down.profile = NARROW
    call.run(2)
    assert call.plane.paused == [True]
    call.forget()
    call.run(30)
    assert call.heard > 0.98
    call.down.profile = AMPLE
    call.run(12)
    assert call.plane.paused == [False]


@SEEDS
def test_a_policer_drops_without_a_queue_and_is_found_too(seed: int) -> None:
    call = WeakCall(AMPLE, seed=seed)
    call.run(5)
    call.down.profile = Profile(rate_bps=600_000, delay_seconds=0.02, queue_seconds=0.02)
    call.run(5)
    assert call.congestions > 0
    assert call.camera.current_layer in ("q", "h")


def test_the_rate_of_a_train_is_the_links_and_not_the_readers() -> None:
    even = [5_600 * place for place in range(27)]
    assert train_rate(even, 280) == pytest.approx(400_000)
    at_once = [(20_000 if place < 13 else 95_000) + 10 * place for place in range(27)]  # read in two lumps
    assert train_rate(at_once, 280) > 20_000_000
