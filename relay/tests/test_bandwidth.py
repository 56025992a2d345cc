"""Weak links: what the estimate and the allocation decide, against a simulated link with a queue and a clock."""

from __future__ import annotations

import random

import pytest

from relay.bandwidth import PAUSED, Allocation, Demand, LinkEstimate, allocate

CAMERA = ((0, 150_000), (1, 450_000), (2, 1_700_000))


@pytest.mark.parametrize(
    ("cap", "qualities"),
    [
        (None, (2, 2)),
        (4_000_000, (2, 2)),
        (2_300_000, (2, 1)),
        (1_000_000, (1, 1)),
        (700_000, (1, 0)),
        (400_000, (0, 0)),
        (200_000, (0, PAUSED)),
        (100_000, (PAUSED, PAUSED)),
    ],
)
def test_what_two_cameras_get(cap: float | None, qualities: tuple[int, int]) -> None:
    assert allocate(cap, 40_000, [Demand(CAMERA, 2)] * 2).qualities == qualities


def test_nobody_gets_more_than_wanted_and_the_next_step_is_the_cheapest() -> None:
    found = allocate(10_000_000, 0, [Demand(CAMERA, 0), Demand(((2, 900_000),), 2)])
    assert found == Allocation((0, 2), 1_050_000, 0)
    assert allocate(200_000, 0, [Demand(CAMERA, 2), Demand(((2, 900_000),), 2)]).next_step_bps == 300_000
    assert allocate(None, 0, []) == Allocation((), 0, 0)


def test_a_running_layer_is_not_dropped_for_a_tenth_too_much() -> None:
    assert allocate(440_000, 0, [Demand(CAMERA, 2, current=1)]).qualities == (1,)
    assert allocate(440_000, 0, [Demand(CAMERA, 2, current=0)]).qualities == (0,)


class Simulation:
    """A subscriber behind a link of `capacity` bit/s with a queue of 100 ms: one microphone, one camera."""

    def __init__(self, capacity: float, *, transport_cc: bool = True, radio_loss: float = 0.0) -> None:
        self.capacity = capacity
        self.transport_cc = transport_cc
        self.radio_loss = radio_loss
        self.estimate = LinkEstimate()
        self.now = 100.0
        self.queue = 0.0
        self.total = 0
        self.quality = 0
        self._train = 0
        self.audio_sent = self.audio_heard = 0.0
        self.seconds_at: dict[int, float] = {}
        self._report = [0.0, 0.0]

    def run(self, seconds: float) -> None:
        audio = 40_000
        step = 0.1
        for turn in range(round(seconds / step)):
            rate = audio + (dict(CAMERA)[self.quality] if self.quality != PAUSED else 0)
            bits = rate * step
            self.total += int(bits / 8)
            self.queue += bits - self.capacity * step
            dropped = max(0.0, self.queue - self.capacity * 0.1)
            self.queue = min(max(self.queue, 0.0), self.capacity * 0.1)
            loss = 1 - (1 - dropped / bits) * (1 - self.radio_loss)
            self.audio_sent += audio * step
            self.audio_heard += audio * step * (1 - loss)
            self.now += step
            self.estimate.on_sent(self.now, self.total)
            packets = max(1, round(rate / 8 / 1000 * step)) + 5
            lost = round(packets * loss)
            self._report[0] += packets
            self._report[1] += lost
            if self.transport_cc:
                self.estimate.on_transport_cc(
                    self.now,
                    received=packets - lost,
                    lost=lost,
                    sent_bytes=self.total,
                    lost_bytes=bits / 8 * loss,
                    arrived_at=self.now,
                    delay_seconds=0.02 + self.queue / self.capacity,
                )
                if self._train:
                    self.estimate.on_train(self.now, self.capacity)
                self._train = self.estimate.train_bytes(self.now)
                self.queue += self._train * 8
            elif turn % 10 == 9:
                self.estimate.on_report(self.now, self._report[1] / self._report[0])
                self._report = [0.0, 0.0]
            if self.estimate.cap_bps is None:
                self.quality = 0 if self.estimate.is_starting(self.now) else 2
            else:
                found = allocate(self.estimate.cap_bps, audio, [Demand(CAMERA, 2, self.quality)])
                self.estimate.advance(self.now, audio, found)
                self.quality = found.qualities[0]
            self.seconds_at[self.quality] = self.seconds_at.get(self.quality, 0) + step

    @property
    def audio_share(self) -> float:
        return self.audio_heard / self.audio_sent


def test_a_good_link_is_left_alone() -> None:
    link = Simulation(5_000_000, radio_loss=0.03)
    link.run(60)
    assert link.estimate.cap_bps is None
    assert link.seconds_at[2] > 59


def test_400_kbit_keeps_the_audio_and_a_small_picture_by_transport_cc() -> None:
    link = Simulation(400_000)
    link.run(1.5)
    assert link.quality == 0
    link.run(58.5)
    assert link.audio_share > 0.98
    assert link.seconds_at[0] > 45


def test_400_kbit_is_found_by_receiver_reports_alone_within_three_seconds() -> None:
    link = Simulation(400_000, transport_cc=False)
    link.run(3)
    assert link.quality == 0
    link.run(57)
    assert link.audio_share > 0.93
    assert link.seconds_at[0] > 40


def test_100_kbit_pauses_the_video_for_the_audio() -> None:
    link = Simulation(100_000)
    link.run(60)
    assert link.quality == PAUSED
    assert link.seconds_at[PAUSED] > 40
    assert link.audio_share > 0.9


def test_the_picture_comes_back_when_the_link_recovers() -> None:
    link = Simulation(400_000)
    link.run(20)
    assert link.quality == 0
    link.capacity = 8_000_000
    link.run(10)
    assert link.quality == 2
    link.run(30)
    assert link.estimate.cap_bps is None


def test_without_transport_cc_the_picture_comes_back_more_slowly() -> None:
    link = Simulation(400_000, transport_cc=False)
    link.run(20)
    assert link.quality == 0
    link.capacity = 8_000_000
    link.run(60)
    assert link.quality == 2


def test_a_link_that_becomes_weak_in_a_call_is_found_within_a_second() -> None:
    link = Simulation(8_000_000)
    link.run(5)
    assert link.quality == 2
    link.capacity = 400_000
    link.run(1)
    assert link.quality == 0
    before = link.audio_heard, link.audio_sent
    link.run(60)
    assert (link.audio_heard - before[0]) / (link.audio_sent - before[1]) > 0.98


def test_a_client_that_sends_no_transport_cc_waits_a_moment_only() -> None:
    estimate = LinkEstimate()
    assert estimate.is_starting(100)
    assert estimate.is_starting(101.4)
    assert not estimate.is_starting(101.6)
    assert estimate.cap_bps is None


def test_first_trains_that_are_lost_make_the_start_a_careful_one() -> None:
    estimate = LinkEstimate()
    assert estimate.is_starting(100)
    estimate.on_transport_cc(100.1, received=5, lost=0, sent_bytes=500, lost_bytes=0, arrived_at=50, delay_seconds=0.1)
    assert estimate.train_bytes(100.2) == 7500
    assert estimate.train_bytes(100.3) == 0
    estimate.on_train(100.5, None)
    assert estimate.cap_bps is None  # one burst may be lost anywhere
    assert estimate.is_starting(100.6)
    assert estimate.train_bytes(100.9) == 3750
    estimate.on_train(101.1, None)
    assert estimate.cap_bps == 300_000


def test_a_train_of_which_nobody_tells_is_sent_again() -> None:
    estimate = LinkEstimate()
    assert estimate.is_starting(100)
    estimate.on_transport_cc(100.1, received=5, lost=0, sent_bytes=500, lost_bytes=0, arrived_at=50, delay_seconds=0.1)
    assert estimate.train_bytes(100.2) == 7500
    estimate.on_train_unknown(100.5)
    assert estimate.cap_bps is None
    assert estimate.train_bytes(100.9) == 7500


def test_radio_loss_that_a_cut_does_not_cure_is_tolerated() -> None:
    link = Simulation(5_000_000, radio_loss=0.2)
    link.run(60)
    assert link.quality != PAUSED
    assert link.estimate.congestions < 6


@pytest.mark.parametrize("packets", [5, 7, 20])
def test_five_percent_of_loss_on_few_packets_is_bad_luck_and_no_congestion(packets: int) -> None:
    """One microphone and a small picture are 15 packets in a window: three of them are soon lost by chance."""
    for seed in range(5):
        chance, estimate = random.Random(seed), LinkEstimate()
        for turn in range(10 * 60 * 10):
            lost = sum(chance.random() < 0.05 for _ in range(packets))
            now = 100 + turn / 10
            estimate.on_transport_cc(
                now,
                received=packets - lost,
                lost=lost,
                sent_bytes=200 * packets * turn,
                lost_bytes=200 * lost,
                arrived_at=now,
                delay_seconds=0.02,
            )
        assert estimate.congestions == 0  # in ten minutes


def test_tries_come_less_often_while_they_fail() -> None:
    link = Simulation(400_000)
    link.run(10)
    early = link.estimate.congestions
    link.run(60)
    middle = link.estimate.congestions - early
    link.run(60)
    assert link.estimate.congestions - early - middle <= middle


def test_remb_counts_only_below_what_is_sent() -> None:
    estimate = LinkEstimate()
    for turn in range(20):
        estimate.on_sent(100 + turn / 5, turn * 40_000)
    assert estimate.sent_bps == pytest.approx(1_600_000, rel=0.05)
    estimate.on_remb(104.1, 2_000_000)
    assert estimate.cap_bps is None
    estimate.on_remb(104.2, 500_000)
    assert estimate.cap_bps == pytest.approx(500_000)


def test_resends_take_a_quarter_of_the_link_at_most() -> None:
    estimate = LinkEstimate(400_000)
    sent = sum(estimate.may_resend(100 + turn / 1000, 1000) for turn in range(10_000))
    assert sent * 8000 == pytest.approx(0.25 * 400_000 * 10, rel=0.1)


def test_a_blocked_tcp_path_halves_what_is_sent_and_a_limit_is_never_passed() -> None:
    estimate = LinkEstimate(2_000_000)
    assert estimate.cap_bps == 2_000_000
    for turn in range(20):
        estimate.on_sent(100 + turn / 5, turn * 40_000)
    estimate.on_blocked(104)
    assert estimate.cap_bps is not None
    assert 700_000 < estimate.cap_bps < 900_000
    for turn in range(600):
        found = allocate(estimate.cap_bps, 0, [Demand(CAMERA, 2)] * 3)
        estimate.advance(105 + turn, 0, found)
        assert estimate.cap_bps is not None
        assert estimate.cap_bps <= 2_000_000
