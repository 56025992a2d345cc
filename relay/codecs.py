"""What a forwarder must know of the codecs: key frames, VP8 picture ids, the primary block of RED. No decoding."""

from __future__ import annotations

from typing import NamedTuple

VP8 = "video/vp8"
H264 = "video/h264"
OPUS = "audio/opus"
RED = "audio/red"
RTX = "video/rtx"

CLOCK_RATES = {VP8: 90_000, H264: 90_000, OPUS: 48_000, RED: 48_000}


class PictureIds(NamedTuple):
    """Where a VP8 payload descriptor (RFC 7741 4.2) has its running numbers; positions are -1 when it has none."""

    id_at: int
    picture_id: int
    is_long: bool  # 15 bits instead of 7
    tl0_at: int
    tl0: int


NO_PICTURE_IDS = PictureIds(-1, 0, False, -1, 0)


def is_key_frame_start(mime_type: str, data: memoryview | bytes, start: int, end: int) -> bool:
    """Whether the payload `data[start:end]` begins a frame that a decoder can start with."""
    if mime_type == VP8:
        return _is_vp8_key(data, start, end)
    if mime_type == H264:
        return _is_h264_key(data, start, end)
    return False


def _is_vp8_key(data: memoryview | bytes, start: int, end: int) -> bool:
    if end - start < 2:
        return False
    first = data[start]
    if not first & 0x10 or first & 0x07:  # not the first packet of partition 0
        return False
    at = start + 1
    if first & 0x80:
        flags = data[at]
        at += 1
        if flags & 0x80:
            if at >= end:
                return False
            at += 2 if data[at] & 0x80 else 1
        at += (flags >> 6 & 1) + (1 if flags & 0x30 else 0)
    return at < end and not data[at] & 1


def vp8_picture_ids(data: memoryview | bytes, start: int, end: int) -> PictureIds:
    """The picture id and TL0PICIDX of a VP8 payload. A cut descriptor counts as having none."""
    if end - start < 3 or not data[start] & 0x80:
        return NO_PICTURE_IDS
    flags = data[start + 1]
    at = start + 2
    id_at = tl0_at = -1
    picture_id = tl0 = 0
    is_long = False
    if flags & 0x80:
        is_long = bool(data[at] & 0x80)
        if is_long:
            if at + 1 >= end:
                return NO_PICTURE_IDS
            picture_id = (data[at] & 0x7F) << 8 | data[at + 1]
        else:
            picture_id = data[at]
        id_at = at
        at += 2 if is_long else 1
    if flags & 0x40:
        if at >= end:
            return NO_PICTURE_IDS
        tl0_at = at
        tl0 = data[at]
    return PictureIds(id_at, picture_id, is_long, tl0_at, tl0)


def _is_h264_key(data: memoryview | bytes, start: int, end: int) -> bool:
    """A parameter set or the first byte of an IDR slice, alone, in a STAP-A or in a FU-A (RFC 6184)."""
    if start >= end:
        return False
    kind = data[start] & 0x1F
    if kind in (5, 7):
        return True
    if kind == 28:
        return start + 1 < end and bool(data[start + 1] & 0x80) and data[start + 1] & 0x1F in (5, 7)
    if kind != 24:
        return False
    at = start + 1
    while at + 2 < end:
        size = data[at] << 8 | data[at + 1]
        if not size or at + 2 + size > end:
            return False
        if data[at + 2] & 0x1F in (5, 7):
            return True
        at += 2 + size
    return False


def red_primary_offset(data: memoryview | bytes, start: int, end: int) -> int:
    """Where the newest frame starts in a RED payload (RFC 2198), or -1 when it is malformed."""
    at = start
    skip = 0
    while at < end and data[at] & 0x80:
        if at + 4 > end:
            return -1
        skip += (data[at + 2] & 0x03) << 8 | data[at + 3]
        at += 4
    primary = at + 1 + skip
    return primary if at < end and primary <= end else -1
