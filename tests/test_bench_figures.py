"""What the benchmarks make of raw figures: when a line is valid, and LiveKit's latency from its histogram."""

from typing import Any

import pytest

from bench.engines import Latency, forward_histogram, quantile_ms
from bench.measure import failed, summarize

_METRICS = """\
# TYPE livekit_forward_latency_ns histogram
livekit_forward_latency_ns_bucket{node_id="ND_x",node_type="SERVER",le="250000"} 40
livekit_forward_latency_ns_bucket{node_id="ND_x",node_type="SERVER",le="500000"} 60
livekit_forward_latency_ns_bucket{node_id="ND_x",node_type="SERVER",le="1e+06"} 100
livekit_forward_latency_ns_bucket{node_id="ND_x",node_type="SERVER",le="+Inf"} 100
livekit_forward_latency_ns_sum{node_id="ND_x",node_type="SERVER"} 4.1e+07
"""


def result(**changed: Any) -> dict[str, Any]:
    """A generator's result of a server that did its work."""
    counts = {"received": 200_000, "duplicates": 0, "resent_in_vain": 3, "unwanted": 0, "reconnects": 0, "plis": 6}
    figures = {"pps_in": 250.0, "pps_out": 5000.0, "loss": 0.0, "seconds": 40, "generator_cpu_s": 9.1}
    return {**counts, **figures, "delay_p50_ms": 1.0, "delay_p99_ms": 4.0, **changed}


def test_a_line_has_the_packets_that_arrived_per_second_of_cpu() -> None:
    line = summarize("audio", "relay", result(), 6.25, 80.5, Latency(0.4, 1.2))
    wanted = {"case": "audio", "engine": "relay", "pps_in": 250.0, "pps_out": 5000.0, "cpu_s": 6.25}
    wanted |= {"pps_out_per_cpu_s": 32_000, "latency_p50_ms": 0.4, "latency_p99_ms": 1.2, "loss": 0.0, "rss_mb": 80.5}
    assert {name: line[name] for name in wanted} == wanted
    assert line["valid"] is True
    assert "reason" not in line


@pytest.mark.parametrize(
    ("changed", "is_valid"),
    [
        ({"loss": 0.001}, True),
        ({"loss": 0.0011}, False),
        ({"duplicates": 1}, False),
        ({"received": 0, "loss": 1.0}, False),
        ({"resent_in_vain": 1000}, True),
    ],
)
def test_loss_or_a_duplicate_makes_a_line_invalid(changed: dict[str, Any], is_valid: bool) -> None:
    assert summarize("audio", "relay", result(**changed), 6.25, 80.5, Latency())["valid"] is is_valid


def test_a_measurement_that_could_not_be_made_says_why_and_is_invalid() -> None:
    line = failed("large", "relay", "only 3 of 65 subscribers receive all 6 tracks")
    assert (line["valid"], line["pps_out"], line["reason"]) == (
        False,
        None,
        "only 3 of 65 subscribers receive all 6 tracks",
    )


def test_livekits_quantiles_lie_inside_their_bucket() -> None:
    histogram = forward_histogram(_METRICS)
    assert histogram == {250e3: 40, 500e3: 60, 1e6: 100, float("inf"): 100}
    assert quantile_ms(histogram, 0.5) == 0.375
    assert quantile_ms(histogram, 0.99) == pytest.approx(0.9875, abs=0.001)


def test_a_quantile_beyond_the_last_edge_or_of_nothing_is_unknown() -> None:
    assert quantile_ms({20e6: 90, float("inf"): 100}, 0.99) is None
    assert quantile_ms({20e6: 0, float("inf"): 0}, 0.5) is None
    assert quantile_ms({}, 0.5) is None
