"""Limits: per source, per minute; one IPv6 household is one source."""

from __future__ import annotations

import pytest

from accounts.rate_limits import is_allowed, source_prefix


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_what_counts_as_one_source(address: str, source: str) -> None:
    assert source_prefix(address) == source


def test_so_many_a_minute_and_no_more() -> None:
    tries = [is_allowed("knock", "room", "192.0.2.1", per_minute=3, now=600.0) for _ in range(5)]
    assert tries == [True, True, True, False, False]
    assert is_allowed("knock", "room", "192.0.2.2", per_minute=3, now=600.0)
    assert is_allowed("knock", "other room", "192.0.2.1", per_minute=3, now=600.0)
    assert is_allowed("other", "room", "192.0.2.1", per_minute=3, now=600.0)
    assert is_allowed("knock", "room", "192.0.2.1", per_minute=3, now=660.0)


def test_over_several_minutes_they_may_come_at_once_but_not_again() -> None:
    tries = [is_allowed("test", "192.0.2.1", per_minute=2, minutes=3, now=1800.0 + at) for at in (0, 0, 0, 0, 70, 130)]
    assert tries == [True] * 6
    assert not is_allowed("test", "192.0.2.1", per_minute=2, minutes=3, now=1970.0)
    assert is_allowed("test", "192.0.2.1", per_minute=2, minutes=3, now=1980.0)
