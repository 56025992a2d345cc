"""Settings from the environment, and the counters and histogram that are shown of a worker."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config import Address, SettingsError, discover, from_environment
from relay.metrics import COUNTERS, Latency, Metrics


def test_defaults_are_whole() -> None:
    found = from_environment({"RELAY_ADDRESSES": "127.0.0.1"})
    assert (found.port, found.slot, found.loudest_audio, found.send_mode) == (7882, 0, 8, "auto")
    assert found.socket


def test_each_slot_has_its_port() -> None:
    env = {"RELAY_ADDRESSES": "127.0.0.1", "RELAY_PORT": "9000", "RELAY_SLOT": "3"}
    assert from_environment(env).port == 9003
    assert from_environment(env | {"RELAY_PORT": "0"}).port == 0


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("10.0.0.1", [Address("10.0.0.1", "10.0.0.1")]),
        ("10.0.0.1=203.0.113.5", [Address("10.0.0.1", "203.0.113.5")]),
        ("10.0.0.1=203.0.113.5:4000, ::1", [Address("10.0.0.1", "203.0.113.5", 4000), Address("::1", "::1")]),
        ("[fd00::2]=[2001:db8::5]:4000", [Address("fd00::2", "2001:db8::5", 4000)]),
        ("fd00::2=2001:db8::5", [Address("fd00::2", "2001:db8::5")]),
    ],
)
def test_addresses_may_be_advertised_otherwise(text: str, addresses: list[Address]) -> None:
    assert from_environment({"RELAY_ADDRESSES": text}).addresses == tuple(addresses)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RELAY_PORT", "many"),
        ("RELAY_PORT", "70000"),
        ("RELAY_SLOT", "-1"),
        ("RELAY_LOUDEST_AUDIO", "0"),
        ("RELAY_SEND", "pigeon"),
        ("RELAY_MAX_BITRATE", "1.5"),
        ("RELAY_DRAIN", "65"),
        ("RELAY_ADDRESSES", "0.0.0.0"),  # noqa: S104  # it must be refused
        ("RELAY_ADDRESSES", "::"),
        ("RELAY_ADDRESSES", "host.example"),
        ("RELAY_ADDRESSES", "10.0.0.1=1.2.3.4:0"),
        ("RELAY_ADDRESSES", "10.0.0.1=1.2.3.4:x"),
        ("RELAY_ADDRESSES", "10.0.0.1,10.0.0.1"),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_environment({"RELAY_ADDRESSES": "127.0.0.1"} | {name: value})


def test_a_slot_beyond_the_last_port_is_refused() -> None:
    with pytest.raises(SettingsError, match="RELAY_SLOT"):
        from_environment({"RELAY_ADDRESSES": "127.0.0.1", "RELAY_PORT": "65535", "RELAY_SLOT": "1"})


def test_loopback_is_offered_only_when_there_is_nothing_else() -> None:
    def probe(family: int, target: str) -> str:
        return {"192.0.2.1": "10.1.1.1", "2001:db8::1": "fe80::1"}.get(target, "127.0.0.1")

    assert discover(probe) == (Address("10.1.1.1", "10.1.1.1"),)
    assert discover(lambda family, target: "127.0.0.1") == (Address("127.0.0.1", "127.0.0.1"),)
    assert discover(lambda family, target: "2001:db8::7" if family == socket.AF_INET6 else "") == (
        Address("2001:db8::7", "2001:db8::7"),
    )


@given(st.lists(st.integers(0, 50_000_000), min_size=1, max_size=60))
def test_a_quantile_is_never_too_low_and_at_most_an_eighth_too_high(values: list[int]) -> None:
    latency = Latency()
    for value in values:
        latency.add(value)
    values.sort()
    for share in (0.5, 0.9, 0.99, 1.0):
        exact = values[max(0, -(-int(share * 100) * len(values) // 100) - 1)]
        assert exact <= latency.quantile(share) <= exact * 1.125 + 1
    assert latency.count == len(values)


def test_counters_are_shown_and_reset() -> None:
    metrics = Metrics()
    metrics.packets_in += 3
    metrics.latency.add(100, 5)
    shown = metrics.snapshot()
    assert (shown["packets_in"], shown["latency_us_p50"], shown["latency_us_max"]) == (3, 100, 100)
    assert set(COUNTERS) < set(shown)
    metrics.reset()
    assert set(metrics.snapshot().values()) == {0}
    assert Latency().quantile(0.5) == 0
