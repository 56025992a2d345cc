"""The last packets of one layer, for subscribers that ask again (NACK)."""

from __future__ import annotations

# A second of a 5 Mbit/s layer is about 520 packets; audio needs 64 for more than a second.
VIDEO_PACKETS = 512
AUDIO_PACKETS = 64


class PacketCache:
    """A ring of ready packets (our header and the payload), found by the layer's continuous sequence number."""

    __slots__ = ("_mask", "_packets")

    def __init__(self, size: int) -> None:
        if size & (size - 1):
            raise ValueError("the size of a packet cache is a power of two")
        self._mask = size - 1
        self._packets: list[bytes | None] = [None] * size

    def put(self, number: int, packet: bytes) -> None:
        """Keeps `packet`, whose sequence number field is `number` modulo 2^16."""
        self._packets[number & self._mask] = packet

    def get(self, number: int) -> bytes | None:
        """The packet with this 16-bit number, None when it is too old or never came."""
        packet = self._packets[number & self._mask]
        if packet is None or packet[2] << 8 | packet[3] != number & 0xFFFF:
            return None
        return packet

    def clear(self) -> None:
        """Forgets everything (nobody receives the layer any more)."""
        self._packets = [None] * (self._mask + 1)
