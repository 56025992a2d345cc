"""RTCP packets (RFC 3550, 4585, 5104, REMB, transport-cc): bytes to fields and back. No I/O.

Readers take the body of one packet of a compound (what follows its first four bytes) and raise `ProtocolError` when it
is cut; the caller counts and goes on.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from relay.errors import ProtocolError

SR, RR, SDES, BYE = 200, 201, 202, 203
RTPFB, PSFB = 205, 206
NACK, TRANSPORT_CC = 1, 15
PLI, FIR, AFB = 1, 4, 15

_HEAD = struct.Struct("!BBH")
_REPORT = struct.Struct("!IIIIII")
_FEEDBACK = struct.Struct("!BBHII")
_SENDER = struct.Struct("!IQIII")
_TWCC_HEAD = struct.Struct("!HHI")
MAX_REPORTS = 31
# One transport-cc feedback describes at most this many packets, so that it fits one datagram.
MAX_TWCC_PACKETS = 400
# A client's describes at most half a second of what a worker can send one subscriber; 40 bytes can claim 65,535.
MAX_TWCC_CLAIMED = 4096
_TICK_US = 250  # of a transport-cc delta
_REFERENCE_US = 64_000


class Report(NamedTuple):
    """One reception report. `lsr` and `dlsr` in 1/65536 s, `jitter` in the clock of the stream."""

    ssrc: int
    fraction_lost: float
    total_lost: int
    highest: int
    jitter: int
    lsr: int
    dlsr: int


class SenderInfo(NamedTuple):
    """What a sender report says of its clock and what it sent."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int


class Arrivals(NamedTuple):
    """A transport-cc feedback: of each number from `base` on, the arrival in microseconds (peer's clock) or None."""

    base: int
    times_us: list[int | None]


def split(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(packet type, count or format, body) of each packet of a compound. Raises `ProtocolError` when one is cut."""
    at = 0
    total = len(data)
    while at < total:
        if at + 4 > total:
            raise ProtocolError("RTCP header is cut")
        first, kind, words = _HEAD.unpack_from(data, at)
        end = at + 4 + 4 * words
        if first >> 6 != 2 or end > total:
            raise ProtocolError("RTCP packet does not fit its compound")
        body_end = end
        if first & 32:  # padding, allowed on the last packet only
            padding = data[end - 1]
            if end != total or not 0 < padding <= end - at - 4:
                raise ProtocolError("RTCP padding is wrong")
            body_end -= padding
        yield kind, first & 31, data[at + 4 : body_end]
        at = end


def read_reports(kind: int, count: int, body: bytes) -> list[Report]:
    """The reception reports of an SR or RR."""
    at = 24 if kind == SR else 4
    if at + 24 * count > len(body):
        raise ProtocolError("reception report is cut")
    found = []
    for place in range(count):
        ssrc, lost, highest, jitter, lsr, dlsr = _REPORT.unpack_from(body, at + 24 * place)
        total = lost & 0xFFFFFF
        found.append(
            Report(
                ssrc, (lost >> 24) / 256, total - 0x1000000 if total & 0x800000 else total, highest, jitter, lsr, dlsr
            )
        )
    return found


def read_sender_info(body: bytes) -> SenderInfo:
    """The sender's part of an SR."""
    if len(body) < _SENDER.size:
        raise ProtocolError("sender report is cut")
    return SenderInfo(*_SENDER.unpack_from(body))


def read_bye(count: int, body: bytes) -> list[int]:
    """The SSRCs that end."""
    if len(body) < 4 * count:
        raise ProtocolError("BYE is cut")
    return list(struct.unpack_from(f"!{count}I", body))


def read_nack(body: bytes) -> tuple[int, list[int]]:
    """(media SSRC, sequence numbers asked for)."""
    if len(body) < 8 or len(body) % 4:
        raise ProtocolError("NACK is cut")
    numbers = []
    for at in range(8, len(body), 4):
        first, mask = struct.unpack_from("!HH", body, at)
        numbers.append(first)
        while mask:
            bit = mask & -mask
            numbers.append((first + bit.bit_length()) & 0xFFFF)
            mask ^= bit
    return int.from_bytes(body[4:8], "big"), numbers


def read_key_frame_request(format_: int, body: bytes) -> list[int]:
    """The media SSRCs of a PLI or FIR."""
    if len(body) < 8:
        raise ProtocolError("key frame request is cut")
    if format_ == PLI:
        return [int.from_bytes(body[4:8], "big")]
    return [int.from_bytes(body[at : at + 4], "big") for at in range(8, len(body) - 7, 8)]


def read_remb(body: bytes) -> int | None:
    """The bit rate of a REMB, None when the packet is another application feedback."""
    if len(body) < 16 or body[8:12] != b"REMB":
        return None
    return ((body[13] & 3) << 16 | body[14] << 8 | body[15]) << (body[13] >> 2)


def read_transport_cc(body: bytes) -> Arrivals:
    """The arrivals that a transport-cc feedback reports (draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1)."""
    if len(body) < 16:
        raise ProtocolError("transport-cc feedback is cut")
    base, count, reference = _TWCC_HEAD.unpack_from(body, 8)
    if count > MAX_TWCC_CLAIMED:
        raise ProtocolError("transport-cc feedback of more packets than were sent")
    at = 16
    symbols: list[int] = []
    while len(symbols) < count:
        if at + 2 > len(body):
            raise ProtocolError("transport-cc chunks are cut")
        chunk = body[at] << 8 | body[at + 1]
        at += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13 & 3] * min(chunk & 0x1FFF, count - len(symbols))
            if not chunk & 0x1FFF:
                raise ProtocolError("transport-cc run of no packets")
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    del symbols[count:]
    clock = (reference >> 8) * _REFERENCE_US
    if symbols.count(1) == count <= len(body) - at:  # nothing lost, nothing late: most feedbacks, and no loop for them
        ticks = itertools.accumulate(body[at : at + count], initial=clock // _TICK_US)
        next(ticks, 0)
        return Arrivals(base, [tick * _TICK_US for tick in ticks])
    times: list[int | None] = []
    for symbol in symbols:
        if symbol == 1:
            if at + 1 > len(body):
                raise ProtocolError("transport-cc deltas are cut")
            clock += body[at] * _TICK_US
            at += 1
            times.append(clock)
        elif symbol == 2:
            if at + 2 > len(body):
                raise ProtocolError("transport-cc deltas are cut")
            clock += int.from_bytes(body[at : at + 2], "big", signed=True) * _TICK_US
            at += 2
            times.append(clock)
        else:
            times.append(None)
    return Arrivals(base, times)


def pack_receiver_report(sender: int, reports: Sequence[Report]) -> bytes:
    """RR packets for all `reports`, at most 31 in each."""
    out = b""
    for start in range(0, len(reports) or 1, MAX_REPORTS):
        part = reports[start : start + MAX_REPORTS]
        out += _HEAD.pack(0x80 | len(part), RR, 1 + 6 * len(part)) + sender.to_bytes(4, "big")
        for r in part:
            lost = min(255, int(r.fraction_lost * 256)) << 24 | max(0, min(r.total_lost, 0x7FFFFF))
            out += _REPORT.pack(r.ssrc, lost, r.highest & 0xFFFFFFFF, r.jitter & 0xFFFFFFFF, r.lsr, r.dlsr & 0xFFFFFFFF)
    return out


def pack_sender_report(info: SenderInfo) -> bytes:
    """An SR without reception reports."""
    return _HEAD.pack(0x80, SR, 6) + _SENDER.pack(
        info.ssrc, info.ntp, info.rtp_timestamp & 0xFFFFFFFF, info.packets & 0xFFFFFFFF, info.octets & 0xFFFFFFFF
    )


def pack_cnames(names: Sequence[tuple[int, str]]) -> bytes:
    """One SDES with the CNAME of each SSRC (at most 31)."""
    chunks = b""
    for ssrc, cname in names:
        text = cname.encode()[:255]
        chunk = ssrc.to_bytes(4, "big") + bytes((1, len(text))) + text
        chunks += chunk + bytes(4 - len(chunk) % 4)
    return _HEAD.pack(0x80 | len(names), SDES, len(chunks) // 4) + chunks


def pack_bye(ssrcs: Sequence[int]) -> bytes:
    """A BYE for at most 31 SSRCs."""
    return _HEAD.pack(0x80 | len(ssrcs), BYE, len(ssrcs)) + struct.pack(f"!{len(ssrcs)}I", *ssrcs)


def pack_pli(sender: int, media: int) -> bytes:
    """A request for a key frame of `media`."""
    return _FEEDBACK.pack(0x80 | PLI, PSFB, 2, sender, media)


def pack_nack(sender: int, media: int, numbers: Sequence[int]) -> bytes:
    """A request for the packets `numbers` (16 bit, ascending on the circle)."""
    pairs: list[list[int]] = []
    for number in numbers:
        ahead = (number - pairs[-1][0]) & 0xFFFF if pairs else 0
        if pairs and 0 < ahead <= 16:
            pairs[-1][1] |= 1 << (ahead - 1)
        else:
            pairs.append([number, 0])
    return _FEEDBACK.pack(0x80 | NACK, RTPFB, 2 + len(pairs), sender, media) + b"".join(
        struct.pack("!HH", first, mask) for first, mask in pairs
    )


def pack_remb(sender: int, bitrate_bps: int, ssrcs: Sequence[int]) -> bytes:
    """A bit rate that `ssrcs` together may not exceed."""
    exponent = max(0, bitrate_bps.bit_length() - 18)
    mantissa = bitrate_bps >> exponent
    return (
        _FEEDBACK.pack(0x80 | AFB, PSFB, 4 + len(ssrcs), sender, 0)
        + b"REMB"
        + struct.pack("!BBH", len(ssrcs), exponent << 2 | mantissa >> 16, mantissa & 0xFFFF)
        + struct.pack(f"!{len(ssrcs)}I", *ssrcs)
    )


def pack_transport_cc(
    sender: int, media: int, base: int, times_us: Sequence[int], feedback_number: int
) -> tuple[bytes, int]:
    """A feedback for the packets from `base` on (arrival in microseconds, 0 = not seen), and how many it describes.

    It ends early at `MAX_TWCC_PACKETS` or where a delta does not fit 16 bits; the caller goes on from there.
    """
    first = next((time for time in times_us if time), 0)
    reference = first // _REFERENCE_US
    clock = reference * (_REFERENCE_US // _TICK_US)
    symbols: list[int] = []
    deltas = bytearray()
    for time in times_us[:MAX_TWCC_PACKETS]:
        if not time:
            symbols.append(0)
            continue
        delta = time // _TICK_US - clock
        if 0 <= delta <= 255:
            symbols.append(1)
            deltas.append(delta)
        elif -32768 <= delta <= 32767:
            symbols.append(2)
            deltas += delta.to_bytes(2, "big", signed=True)
        else:
            break
        clock += delta
    chunks = bytearray()
    at = 0
    while at < len(symbols):
        run = 1
        while at + run < len(symbols) and symbols[at + run] == symbols[at]:
            run += 1
        if run >= 7:
            chunks += (symbols[at] << 13 | run).to_bytes(2, "big")
            at += run
            continue
        vector = 0xC000
        for place, symbol in enumerate(symbols[at : at + 7]):
            vector |= symbol << (12 - 2 * place)
        chunks += vector.to_bytes(2, "big")
        at += 7
    body = _TWCC_HEAD.pack(base & 0xFFFF, len(symbols), (reference & 0xFFFFFF) << 8 | feedback_number & 0xFF)
    body += bytes(chunks) + bytes(deltas)
    padding = -len(body) % 4
    first_byte = 0x80 | TRANSPORT_CC
    if padding:
        body += bytes(padding - 1) + bytes((padding,))
        first_byte |= 32
    return _FEEDBACK.pack(first_byte, RTPFB, 2 + len(body) // 4, sender, media) + body, len(symbols)
