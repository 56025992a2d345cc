"""What one subscriber's link can take, and which layer of each video fits. Pure: feedback and `now` in, decisions out.

Three kinds of feedback say the same thing, "more was sent than arrived": loss and growing delay in transport-cc (every
50-100 ms), REMB, and loss in receiver reports (every second). Any of them caps the link at 85 % of what arrived, which
pushes video to a lower layer or pauses it; audio is never cut.

Upwards, a *train* of a few padding packets sent at once is timed by transport-cc: the spread of its arrivals is the
link's rate, at the price of a tenth of a second of queue. A new subscriber begins with the lowest layers until its
first train is back (a third of a second), so that a weak link is not flooded by the join. Without transport-cc one
layer is raised for a trial, undone when the link suffers, and tried again each time twice as late.

What is only a moment's is no congestion: a receiver that was not scheduled reads late and in lumps, and its socket
overflows; of a few packets five in a hundred are soon three in fifteen. As in Google's congestion control
(draft-ietf-rmcat-gcc-02: sustained overuse; loss below 10 % lowers nothing) and LiveKit's (congestion_detector.go:
groups in a row) a sign counts when it goes on, sooner where a queue stands. It is simpler than both in that it looks at
the lowest delay of a window instead of its gradient, which needs three send times of a feedback instead of all.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

# Share of the arrived bit rate that is used after congestion: leaves room for the queue to drain.
BACKOFF = 0.85
# Loss that is congestion rather than the radio's; libwebrtc uses the same bound.
LOSS_LIMIT = 0.10
# Above this no radio is usable: it is congestion whatever a cut did.
MAX_RADIO_LOSS = 0.35
# Loss that counts against a *raised* layer: below the limit, but it was not there before the raise.
PROBE_LOSS_LIMIT = 0.04
# Standing queue above the lowest delay seen. More is heard as delay before it is heard as loss.
QUEUE_LIMIT_SECONDS = 0.15
# A receiver that was not scheduled for half a second reads late, too: a queue that is a queue stays longer, and does
# not drain. LiveKit asks for three groups of packets in a row, of which none was in time (congestion_detector.go).
SLOW_WINDOWS = 2
DRAINING_SHARE = 0.8
# A link that loses packets because it is full has filled its queue first. Loss without a queue is a receiver that did
# not empty its socket for a moment, or a policer: that one is still there after a second. (LiveKit asks for 600 ms.)
LOSSY_WINDOWS = 2
LOSSY_WINDOWS_WITHOUT_QUEUE = 4
QUEUE_SIGN_SECONDS = 0.03
# Feedback is judged over this long, or the loss of one burst would look like congestion.
WINDOW_SECONDS = 0.25
MAX_WINDOW_SECONDS = 5.0  # longer is a clock that jumped, or a link that carried nothing
MIN_WINDOW_PACKETS = 8
# Standard deviations. Of 15 packets in a window, a radio that loses 5 % loses three every few seconds by bad luck, five
# hardly ever; congestion loses more, or makes a queue.
LUCK = 2.5
# What is kept of earlier windows with each new one: a second tells a slight congestion from bad luck.
RECENT_SHARE = 0.75
REPORT_PACKETS = 200  # a receiver report speaks of a second, and does not say of how many packets
# The loss before a raise is not the raise's. It is learnt in some five seconds.
USUAL_LOSS_WEIGHT = 0.05
# After a cut, what was already on the way still reports loss.
SETTLE_SECONDS = 0.5
PROBE_SECONDS = 5.0
FIRST_RETRY_SECONDS = 6.0
LAST_RETRY_SECONDS = 20.0
# Never cap below this: two audio tracks and RTCP.
FLOOR_BPS = 60_000
# The lowest delay is forgotten after this long, so that a route that became longer is not congestion for ever.
BASE_DELAY_SECONDS = 15.0
# Share of the link for sending video again, and how much of it may come at once.
RESEND_SHARE = 0.25
RESEND_BURST_SECONDS = 0.5
UNKNOWN_LINK_BPS = 2_000_000
# A train takes this long on a link of the rate that we believe in: enough to time it. Sound waits behind it, and what
# waits longer than usual is not played: at a tenth of a second each three seconds 2 % of the sound was made up.
FIRST_TRAIN_SECONDS = 0.1
TRAIN_SECONDS = 0.05
TRAIN_INTERVAL_SECONDS = 3.0
LAST_TRAIN_INTERVAL_SECONDS = 8.0  # while they find nothing new
# A busy receiver reads a train late and makes a good link look slow; never the other way round. So the best of the
# first few counts, as long as nothing was congested.
FIRST_TRAINS = 3
FIRST_TRAIN_INTERVAL_SECONDS = 0.3
# What arrives with less loss than this and without a queue is surely carried.
CLEAN_LOSS = 0.02
TRAIN_TIMEOUT_SECONDS = 1.0
SHORTEST_TRAIN_US = 1000
# Believed of a link that nothing is known of, and how long its first train may take.
START_BPS = 600_000
START_SECONDS = 3.0
SILENT_START_SECONDS = 1.5  # without any transport-cc: this client sends none
UNLIMITED_BPS = 5_000_000
NARROW_BPS = 2_000_000  # one camera can fill it
PAUSED = -1


class Demand(NamedTuple):
    """One video towards the subscriber: (quality, bit rate) of its layers from low to high, and the highest wanted."""

    layers: Sequence[tuple[int, int]]
    wanted: int
    current: int = PAUSED  # what it gets now


class Allocation(NamedTuple):
    """Highest quality for each demand (`PAUSED` = none) and the bit rate of all of them."""

    qualities: tuple[int, ...]
    video_bps: int
    next_step_bps: int  # what one more layer somewhere costs; 0 when everything wanted is given


def allocate(cap_bps: float | None, audio_bps: float, demands: Sequence[Demand]) -> Allocation:
    """Spreads `cap_bps` (None = no limit): audio first, then the lowest layer of each video, then raises in turn."""
    usable = [[layer for layer in d.layers if layer[0] <= d.wanted] or list(d.layers[:1]) for d in demands]
    if cap_bps is None:
        return Allocation(tuple(d.wanted for d in demands), sum(u[-1][1] for u in usable if u), 0)
    budget = cap_bps - audio_bps
    steps = [-1] * len(demands)
    spent = 0
    while True:
        raised = False
        for place in sorted(range(len(demands)), key=lambda p: steps[p]):
            layers, step = usable[place], steps[place]
            if step + 1 >= len(layers):
                continue
            quality, bitrate = layers[step + 1]
            extra = bitrate - (layers[step][1] if step >= 0 else 0)
            # What runs already may exceed the plan by a tenth: a camera's bit rate is not constant.
            slack = 1.1 if quality <= demands[place].current else 1.0
            if spent + extra <= budget * slack:
                steps[place] += 1
                spent += extra
                raised = True
        if not raised:
            break
    missing = [
        layers[step + 1][1] - (layers[step][1] if step >= 0 else 0)
        for layers, step in zip(usable, steps, strict=True)
        if step + 1 < len(layers)
    ]
    qualities = tuple(
        PAUSED if step < 0 else (d.wanted if step == len(layers) - 1 else layers[step][0])
        for d, layers, step in zip(demands, usable, steps, strict=True)
    )
    return Allocation(qualities, spent, min(missing, default=0))


def _chance(loss: float, packets: float) -> float:
    """How much more than `loss` a few packets may lose by bad luck alone."""
    return LUCK * math.sqrt(loss * (1 - loss) / packets)


def train_rate(times_us: Sequence[int], size_bytes: int) -> float:
    """The bit rate at which a train of packets of this size came.

    A narrow link spaces them evenly. A receiver that was not scheduled reads them in lumps: a few long gaps, which are
    not the link's, and the rest at once. So the longest quarter of the gaps is left out.
    """
    times = sorted(times_us)
    gaps = sorted(after - before for before, after in itertools.pairwise(times))
    kept = gaps[: max(1, len(gaps) * 3 // 4)]
    # The resolution of transport-cc is 250 microseconds: a spread of nothing is a fast link, not an endless one.
    return len(kept) * size_bytes * 8e6 / max(sum(kept), SHORTEST_TRAIN_US)


class LinkEstimate:
    """The cap on one subscriber's link, None while nothing suggests that there is one."""

    def __init__(self, limit_bps: int = 0) -> None:
        self.limit_bps = limit_bps
        self.cap_bps: float | None = float(limit_bps) if limit_bps else None
        self.loss = 0.0
        self.sent_bps = 0.0
        self.has_transport_cc_until = 0.0
        self.congestions = 0
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._next_probe_at = 0.0
        self._probe_since: float | None = None
        self._congested_at = -1e9
        self._loss_at_cut = 0.0
        self._sent_at_cut = 0.0
        self._radio_loss = 0.0  # loss that a cut did not cure: not ours to cure
        self._usual_loss = 0.0
        self._recent_total = self._recent_lost = 0.0
        self._received = self._lost = 0
        self._lost_bytes = 0.0
        self._window_bytes = 0.0  # ever sent when the window began
        self._window_since = -1.0
        self._base_delay = 1e9
        self._base_delay_at = 0.0
        self._slow_windows = self._lossy_windows = 0
        self._queue = self._last_queue = 1e9
        self._sample_at = -1.0
        self._sample_bytes = 0
        self._resend_bits = 0.0
        self._resend_at = -1e9
        self.train_bps = 0.0
        self._trains = 0
        self._clean_bps = 0.0  # arrived in the last window, 0 when something was lost or waited in a queue
        self._is_starting = True
        self._started_at: float | None = None
        self._next_train_at = 0.0
        self._train_interval = TRAIN_INTERVAL_SECONDS
        self._wanted_bps = 0.0

    def may_resend(self, now: float, size_bytes: int) -> bool:
        """Whether a lost video packet may be sent again: resends of a flooded link would drown its audio."""
        rate = RESEND_SHARE * (self.cap_bps if self.cap_bps is not None else max(self.sent_bps, UNKNOWN_LINK_BPS))
        elapsed, self._resend_at = now - self._resend_at, now
        self._resend_bits = min(rate * RESEND_BURST_SECONDS, self._resend_bits + rate * elapsed)
        if self._resend_bits < size_bytes * 8:
            return False
        self._resend_bits -= size_bytes * 8
        return True

    def on_sent(self, now: float, total_bytes: int) -> None:
        """Tells how many bytes were ever sent, several times a second."""
        if self._sample_at < 0:
            self._sample_at, self._sample_bytes = now, total_bytes
            return
        elapsed = now - self._sample_at
        if elapsed < 0.1:
            return
        rate = max(0, total_bytes - self._sample_bytes) * 8 / elapsed
        weight = min(1.0, elapsed / 0.5)
        self.sent_bps += (rate - self.sent_bps) * weight
        self._sample_at, self._sample_bytes = now, total_bytes

    def on_transport_cc(
        self,
        now: float,
        *,
        received: int,
        lost: int,
        sent_bytes: float,
        lost_bytes: float,
        arrived_at: float,
        delay_seconds: float | None,
    ) -> None:
        """One feedback: packets that arrived and that did not, and the bytes of the latter; when the last one arrived,
        by the receiver's clock, and the bytes ever sent until then; the lowest one-way delay (any fixed offset).
        `arrived_at` 0: not known.

        The rate is that of the receiver's clock and of bytes counted once, so neither a feedback that is late nor one
        that is lost changes it.
        """
        self.has_transport_cc_until = now + 2.0
        self._received += received
        self._lost += lost
        self._lost_bytes += lost_bytes
        if delay_seconds is not None:
            if delay_seconds < self._base_delay or now - self._base_delay_at > BASE_DELAY_SECONDS:
                self._base_delay, self._base_delay_at = delay_seconds, now
            self._queue = min(self._queue, delay_seconds - self._base_delay)
        if not arrived_at:
            return
        span, total = arrived_at - self._window_since, self._received + self._lost
        if not 0 <= span < MAX_WINDOW_SECONDS:  # the first feedback, or its clock has jumped
            self._begin_window(arrived_at, sent_bytes)
        elif span >= WINDOW_SECONDS and total >= MIN_WINDOW_PACKETS:
            arrived_bytes = max(0.0, sent_bytes - self._window_bytes - self._lost_bytes)
            self._end_window(now, self._lost / total, arrived_bytes * 8 / span, total)
            self._begin_window(arrived_at, sent_bytes)

    def _begin_window(self, arrived_at: float, sent_bytes: float) -> None:
        self._window_since, self._window_bytes = arrived_at, sent_bytes
        self._received = self._lost = 0
        self._lost_bytes = 0.0
        self._queue = 1e9

    def _end_window(self, now: float, loss: float, arrived_bps: float, total: int) -> None:
        is_slow = 1e8 > self._queue > QUEUE_LIMIT_SECONDS
        self._slow_windows = self._slow_windows + 1 if is_slow else 0
        is_draining = self._queue < DRAINING_SHARE * self._last_queue
        self._last_queue = self._queue
        self._clean_bps = 0.0 if is_slow or loss > CLEAN_LOSS else arrived_bps
        limit = self._learn(now, loss, arrived_bps)
        self._lossy_windows = self._lossy_windows + 1 if loss > limit else 0
        self._recent_total = self._recent_total * RECENT_SHARE + total
        self._recent_lost = self._recent_lost * RECENT_SHARE + total * loss
        recent = self._recent_lost / self._recent_total
        needed = LOSSY_WINDOWS if self._queue > QUEUE_SIGN_SECONDS else LOSSY_WINDOWS_WITHOUT_QUEUE
        is_lossy = self._lossy_windows >= needed and recent > limit + _chance(limit, self._recent_total)
        if is_lossy or (self._slow_windows >= SLOW_WINDOWS and not is_draining):
            self._cut(now, arrived_bps, loss)

    def on_report(self, now: float, loss: float) -> None:
        """The loss of a receiver report. Ignored while transport-cc tells more, and sooner."""
        if now < self.has_transport_cc_until:
            return
        arrived_bps = self.sent_bps * (1 - loss)
        limit = self._learn(now, loss, arrived_bps)
        if loss > limit + _chance(limit, REPORT_PACKETS):
            self._cut(now, arrived_bps, loss)

    def on_remb(self, now: float, bitrate_bps: int) -> None:
        """The receiver's own estimate. Counts only below what we send: it does not grow without traffic."""
        if now < self.has_transport_cc_until or bitrate_bps >= 0.95 * self.sent_bps:
            return
        self._cut(now, bitrate_bps / BACKOFF, self.loss)

    def on_blocked(self, now: float) -> None:
        """A TCP path's buffer is full: half of what we send is what it can surely take."""
        self._cut(now, self.sent_bps * 0.6, 0.0)

    def _learn(self, now: float, loss: float, arrived_bps: float) -> float:
        """Learns what of the loss is the radio's, and returns how much more is congestion."""
        self.loss += (loss - self.loss) * 0.5
        if self._probe_since is None:
            self._usual_loss += (min(loss, LOSS_LIMIT) - self._usual_loss) * USUAL_LOSS_WEIGHT
        settled = now - self._congested_at
        is_less_sent = arrived_bps / max(0.01, 1 - loss) < 0.7 * self._sent_at_cut
        if SETTLE_SECONDS < settled < 3.0 and is_less_sent and loss > max(LOSS_LIMIT, 0.7 * self._loss_at_cut):
            # Less was sent and as much was lost: radio loss. It is tolerated from now on.
            self._radio_loss = min(loss, MAX_RADIO_LOSS)
        elif loss < self._radio_loss:
            self._radio_loss += (loss - self._radio_loss) * 0.05
        limit = self._radio_loss + LOSS_LIMIT
        if self._probe_since is not None:
            limit = min(limit, self._radio_loss + self._usual_loss + PROBE_LOSS_LIMIT)
        return limit

    def _cut(self, now: float, arrived_bps: float, loss: float) -> None:
        if 0 < self.train_bps < NARROW_BPS:
            # What a flooded queue lets out of several feedbacks overlaps, and looks like more than the link carries.
            arrived_bps = min(arrived_bps, self.train_bps)
        target = max(FLOOR_BPS, arrived_bps * BACKOFF)
        if now - self._congested_at < SETTLE_SECONDS:
            return
        self._recent_total = self._recent_lost = 0.0
        self._loss_at_cut = loss
        self._sent_at_cut = arrived_bps / max(0.01, 1 - loss)
        self._congested_at = now
        self._slow_windows = self._lossy_windows = 0
        self._train_interval = TRAIN_INTERVAL_SECONDS
        self.congestions += 1
        if self._probe_since is not None:
            self._retry_seconds = min(LAST_RETRY_SECONDS, self._retry_seconds * 2)
        self._probe_since = None
        self._next_probe_at = now + self._retry_seconds
        if self.cap_bps is None or target < self.cap_bps:
            self.cap_bps = target

    def is_starting(self, now: float) -> bool:
        """Whether nothing is known of the link yet: only the lowest layers may be sent."""
        if not self._is_starting:
            return False
        if self._started_at is None:
            self._started_at = now
        waited = now - self._started_at
        if waited > START_SECONDS or (waited > SILENT_START_SECONDS and not self.has_transport_cc_until):
            self._is_starting = False
        return self._is_starting

    def train_bytes(self, now: float) -> int:
        """How many bytes of padding to send at once now, 0 for none. `on_train` must follow."""
        if now < self._next_train_at or self.has_transport_cc_until < now:
            return 0
        if not self._is_starting and (self.cap_bps is None or self._wanted_bps <= self.cap_bps):
            return 0
        self._next_train_at = now + TRAIN_TIMEOUT_SECONDS
        return int((self.cap_bps or START_BPS) * (TRAIN_SECONDS if self._trains else FIRST_TRAIN_SECONDS) / 8)

    def on_train_unknown(self, now: float) -> None:
        """Nobody said what became of the train: it is sent again."""
        self._next_train_at = now + FIRST_TRAIN_INTERVAL_SECONDS

    def on_train(self, now: float, rate_bps: float | None) -> None:
        """A train came back at `rate_bps`; None: too much of it was lost to tell."""
        self._trains += 1
        is_early = self._trains < FIRST_TRAINS and not self.congestions
        self._next_train_at = now + (FIRST_TRAIN_INTERVAL_SECONDS if is_early else self._train_interval)
        if not is_early:
            self._train_interval = min(LAST_TRAIN_INTERVAL_SECONDS, self._train_interval * 1.5)
        self.train_bps = rate_bps or 0.0
        if self._is_starting and rate_bps is None:
            if self._trains == 1:
                return  # one burst may be lost anywhere; until the next the lowest layers go on
            self.cap_bps = min(self.cap_bps or START_BPS, START_BPS) / 2
        self._is_starting = False
        if rate_bps is None or now - self._congested_at < SETTLE_SECONDS:
            return
        usable = max(rate_bps * BACKOFF, self._clean_bps)
        if self.limit_bps:
            usable = min(usable, self.limit_bps)
        if self.cap_bps is None:
            # The first verdict: a link that carries several cameras is not capped at all.
            if usable < UNLIMITED_BPS:
                self.cap_bps = usable
        elif usable > self.cap_bps and now >= self._next_probe_at:
            if usable > 1.2 * self.cap_bps:  # less is noise
                self._train_interval = TRAIN_INTERVAL_SECONDS
            self.cap_bps = usable
            # A raise within the start is no probe: nothing was congested that could be again.
            self._probe_since = None if is_early else now

    def advance(self, now: float, audio_bps: float, allocation: Allocation) -> None:
        """Raises the cap when the time for it has come. Call a few times a second."""
        if self.cap_bps is None:
            return
        self._wanted_bps = 0.0
        if allocation.next_step_bps:
            self._wanted_bps = (audio_bps + allocation.video_bps + allocation.next_step_bps) * 1.1
        if self._probe_since is not None and now - self._probe_since >= PROBE_SECONDS:
            self._probe_since = None
            self._retry_seconds = FIRST_RETRY_SECONDS
            self._next_probe_at = now
        if now < self._next_probe_at or self._probe_since is not None:
            return
        if not allocation.next_step_bps:
            # Everything wanted runs, and has been running: there is no limit that we know of. A narrow link that a
            # train has timed stays known: more is wanted when a camera's upper layers begin.
            is_narrow = now < self.has_transport_cc_until and 0 < self.train_bps < NARROW_BPS
            if not is_narrow and now - self._congested_at > 2 * FIRST_RETRY_SECONDS:
                self.cap_bps = float(self.limit_bps) if self.limit_bps else None
            return
        if now < self.has_transport_cc_until or (self.limit_bps and self._wanted_bps > self.limit_bps):
            return
        self.cap_bps = max(self.cap_bps, self._wanted_bps)
        self._probe_since = now
