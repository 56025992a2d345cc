"""RTP headers in place (RFC 3550, RFC 8285): where the payload starts, extensions, and the header that we write.

Every packet towards a subscriber has the same 28 bytes in front of its payload, so that a fan-out is one copy and a few
column writes (offsets are even, which keeps the columns aligned):

    0 V P M PT | 2 sequence | 4 timestamp | 8 SSRC | 12 BEDE 0003
    16 id 2: abs-send-time (3) | 20 pad | 21 id 3: transport-cc number (2)
    24 id 4: audio level, or id 5: orientation (1) | 26 pad
"""

from __future__ import annotations

import struct

HEADER = struct.Struct("!BBHII")
OUT_HEADER_BYTES = 28
ABS_SEND_TIME_ID = 2
TRANSPORT_CC_ID = 3
AUDIO_LEVEL_ID = 4
ORIENTATION_ID = 5
ABS_SEND_TIME_AT = 17
TRANSPORT_CC_AT = 22
LEVEL_AT = 24
EXTENSION_AT = 16

_OUT = struct.Struct("!BBHIIIIII")
_OUT_PROFILE = 0xBEDE0003
_ONE_BYTE = 0xBEDE
_OUT_WITHOUT_SEND_TIME = (ABS_SEND_TIME_ID << 4 | 2) << 24
_OUT_WITHOUT_NUMBER = (TRANSPORT_CC_ID << 4 | 1) << 16


def seq_newer(a: int, b: int) -> bool:
    """Whether the 16-bit sequence number `a` comes after `b`."""
    return a != b and (a - b) & 0xFFFF < 0x8000


def uint32_add(a: int, b: int) -> int:
    """`a + b` on the 32-bit circle."""
    return (a + b) & 0xFFFFFFFF


def payload_offset(data: memoryview | bytes, length: int) -> int:
    """Where the payload starts in a packet of `length` bytes, or -1 when it is malformed."""
    if length < 12 or data[0] >> 6 != 2:
        return -1
    first = data[0]
    offset = 12 + ((first & 15) << 2)
    if first & 16:
        if offset + 4 > length:
            return -1
        offset += 4 + ((data[offset + 2] << 8 | data[offset + 3]) << 2)
    return offset if offset <= length else -1


def padding_bytes(data: memoryview | bytes, offset: int, length: int) -> int:
    """How many bytes of padding end the packet (0 without the P bit), or -1 when it claims more than it has."""
    if not data[0] & 32:
        return 0
    if length <= offset:
        return -1
    padding = data[length - 1]
    return padding if 0 < padding <= length - offset else -1


def find_extension(data: memoryview | bytes, offset: int, wanted: int) -> tuple[int, int]:
    """Where the value of extension `wanted` starts and its length, or (-1, 0). `offset` is the payload's.

    The caller has checked with `payload_offset` that the extension block lies within the packet.
    """
    start = 12 + ((data[0] & 15) << 2)
    if not data[0] & 16 or not wanted:
        return -1, 0
    profile = data[start] << 8 | data[start + 1]
    at = start + 4
    if profile == _ONE_BYTE:
        while at < offset:
            head = data[at]
            if not head:
                at += 1
                continue
            if head >> 4 == 15:
                break
            size = (head & 15) + 1
            if head >> 4 == wanted:
                return (at + 1, size) if at + 1 + size <= offset else (-1, 0)
            at += 1 + size
    elif profile & 0xFFF0 == 0x1000:
        while at < offset:
            if not data[at]:
                at += 1
                continue
            if at + 1 >= offset:
                break
            size = data[at + 1]
            if data[at] == wanted:
                return (at + 2, size) if at + 2 + size <= offset else (-1, 0)
            at += 2 + size
    return -1, 0


def extension_value(data: memoryview | bytes, offset: int, wanted: int) -> bytes:
    """The bytes of extension `wanted`, empty when the packet has none."""
    at, size = find_extension(data, offset, wanted)
    return bytes(data[at : at + size]) if at >= 0 else b""


def write_out_header(
    view: memoryview, at: int, padded: int, marker_and_type: int, sequence: int, timestamp: int, ssrc: int, level: int
) -> None:
    """Our 28 bytes at `at`. `padded` is the P bit in place (32 or 0), `level` comes from `level_word`."""
    _OUT.pack_into(
        view,
        at,
        0x90 | padded,
        marker_and_type,
        sequence,
        timestamp,
        ssrc,
        _OUT_PROFILE,
        _OUT_WITHOUT_SEND_TIME,
        _OUT_WITHOUT_NUMBER,
        level,
    )


def level_word(extension: int, value: int) -> int:
    """The last word of our block: one extension of one byte; `extension` 0 leaves padding."""
    return (extension << 28 | value << 16) if extension else 0
