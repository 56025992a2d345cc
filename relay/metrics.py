"""Counters and the receive-to-send latency histogram of one worker."""

from __future__ import annotations

from array import array

# Eight buckets an octave: a quantile is at most 9 % too high. 27 octaves of microseconds reach two minutes.
_STEPS = 8
_OCTAVES = 27
_BUCKETS = _STEPS * (_OCTAVES + 1)


class Latency:
    """A histogram with logarithmic buckets: constant memory, no allocation when a value is added."""

    __slots__ = ("_counts", "count", "highest_us")

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * _BUCKETS))
        self.count = 0
        self.highest_us = 0

    def add(self, microseconds: int, packets: int = 1) -> None:
        """Counts `packets` packets that took `microseconds`."""
        self._counts[_bucket(microseconds)] += packets
        self.count += packets
        if microseconds > self.highest_us:
            self.highest_us = microseconds

    def quantile(self, share: float) -> int:
        """Microseconds that `share` (0 to 1) of the packets did not exceed; 0 when there are none."""
        wanted = share * self.count
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if seen >= wanted and seen:
                return min(_upper_edge(index), self.highest_us)
        return 0

    def reset(self) -> None:
        self._counts = array("Q", bytes(8 * _BUCKETS))
        self.count = 0
        self.highest_us = 0


def _bucket(microseconds: int) -> int:
    if microseconds < _STEPS:
        return max(0, microseconds)
    octave = microseconds.bit_length() - 4
    return min(_BUCKETS - 1, (octave + 1) * _STEPS + (microseconds >> octave) - _STEPS)


def _upper_edge(index: int) -> int:
    if index < _STEPS:
        return index
    octave = index // _STEPS - 1
    return ((index % _STEPS + _STEPS + 1) << octave) - 1


class Metrics:
    """Counters of one worker. Plain attributes: the hot path adds to them without a call."""

    packets_in: int
    bytes_in: int
    packets_out: int
    bytes_out: int
    packets_unroutable: int
    packets_oversize: int
    padding_dropped: int
    late_dropped: int
    rtcp_in: int
    rtcp_out: int
    rtcp_throttled: int
    stun_in: int
    stun_rejected: int
    dtls_in: int
    dtls_dropped: int
    malformed: int
    unprotect_failed: int
    protect_failed: int
    send_blocked: int
    send_failed: int
    gso_runs: int
    send_calls: int
    kernel_drops: int
    nack_in: int
    nack_out: int
    resent: int
    resend_missed: int
    resend_capped: int
    pli_in: int
    pli_out: int
    layer_switches: int
    tcp_opened: int
    tcp_refused: int
    tcp_dropped: int
    handshakes: int
    handshakes_failed: int
    sctp_errors: int
    sctp_throttled: int
    data_in: int
    data_out: int
    data_dropped: int
    data_oversize: int
    wakeups: int
    video_pauses: int

    def __init__(self) -> None:
        self.latency = Latency()
        self.reset()

    def reset(self) -> None:
        """Everything to zero (`Relay.ResetStats`)."""
        for name in COUNTERS:
            setattr(self, name, 0)
        self.latency.reset()

    def snapshot(self) -> dict[str, int]:
        """All counters, and the latency quantiles in microseconds."""
        found = {name: int(getattr(self, name)) for name in COUNTERS}
        for name, share in (("latency_us_p50", 0.5), ("latency_us_p90", 0.9), ("latency_us_p99", 0.99)):
            found[name] = self.latency.quantile(share)
        found["latency_us_max"] = self.latency.highest_us
        return found


COUNTERS = tuple(Metrics.__annotations__)
