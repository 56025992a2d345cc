"""Packets kept for those who ask again: the right one or none, also around the turn of the sequence numbers."""

import struct

import pytest

from relay.packetcache import PacketCache


def packet(number: int) -> bytes:
    return struct.pack("!BBH", 0x80, 96, number & 0xFFFF) + b"payload %d" % number


@pytest.mark.parametrize("first", [0x10000, 0x1FFFD])
def test_the_last_packets_are_found_by_their_numbers(first: int) -> None:
    cache = PacketCache(8)
    for number in range(first, first + 20):
        cache.put(number, packet(number))
    kept = range(first + 12, first + 20)
    assert [cache.get(number) for number in kept] == [packet(number) for number in kept]


def test_what_is_too_old_or_never_came_is_not_answered_with_something_else() -> None:
    cache = PacketCache(8)
    for number in range(100, 120):
        if number != 115:
            cache.put(number, packet(number))
    assert cache.get(111) is None, "overwritten by 119"
    assert cache.get(115) is None, "107 is in its place"
    assert cache.get(120) is None, "112 is in its place"
    cache.clear()
    assert cache.get(119) is None


def test_a_size_that_is_no_power_of_two_is_a_bug() -> None:
    with pytest.raises(ValueError, match="power of two"):
        PacketCache(500)
