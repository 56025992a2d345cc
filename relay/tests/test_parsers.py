"""Bytes to fields and back: every truncation and random input ends in an answer or a `ProtocolError`."""

from __future__ import annotations

from collections.abc import Callable

import aioice.stun
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import codecs, rtcp, rtp, stun
from relay.errors import ProtocolError
from relay.packetcache import PacketCache
from relay.simulcast import MAX_GAP, RESTART_AFTER, IncomingNumbers, Layer, choose_layer, quality_for_size
from relay.tests.rtc_client import rtp_packet, vp8_payload

PASSWORD = b"p" * 24


# ---------------------------------------------------------------- STUN


def test_a_check_of_another_stack_is_understood_and_our_answer_by_it() -> None:
    message = aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST)
    message.attributes |= {"USERNAME": "ours:theirs", "PRIORITY": 7, "ICE-CONTROLLING": 5, "USE-CANDIDATE": None}
    message.add_message_integrity(PASSWORD)
    data = bytes(message)
    check = stun.parse_check(data)
    assert check is not None
    assert (check.local_ufrag, check.use_candidate, check.is_controlled) == ("ours", True, False)
    assert stun.verify(data, check, PASSWORD)
    assert not stun.verify(data, check, b"other")
    for address, text in ((bytes((1, 2, 3, 4)), "1.2.3.4"), (bytes(15) + b"\1", "::1")):
        answer = aioice.stun.parse_message(stun.success(check, address, 4711, PASSWORD))
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == (text, 4711)
        assert answer.check_message_integrity(PASSWORD)
    refusal = aioice.stun.parse_message(stun.role_conflict(check, PASSWORD))
    assert refusal.error_code == 487


def test_a_cut_or_altered_check_is_refused() -> None:
    data = stun.request(bytes(12), "ours:theirs", PASSWORD, use_candidate=True)
    for length in range(len(data)):
        with pytest.raises(ProtocolError):
            stun.parse_check(data[:length])
    for place in range(len(data) - 8):  # the fingerprint itself may be left out
        altered = bytearray(data)
        altered[place] ^= 1
        try:
            check = stun.parse_check(bytes(altered))
        except ProtocolError:
            continue
        assert check is None or not stun.verify(bytes(altered), check, PASSWORD)


def test_without_a_fingerprint_the_password_alone_protects_each_byte() -> None:
    bare = stun.request(bytes(12), "ours:theirs", PASSWORD, use_candidate=True)[:-8]
    bare = bare[:2] + (len(bare) - 20).to_bytes(2, "big") + bare[4:]
    check = stun.parse_check(bare)
    assert check is not None
    assert stun.verify(bare, check, PASSWORD)
    parsed = 0
    for place in range(len(bare)):
        altered = bytearray(bare)
        altered[place] ^= 1
        try:
            check = stun.parse_check(bytes(altered))
        except ProtocolError:
            continue
        if check is not None:
            parsed += 1
            assert not stun.verify(bytes(altered), check, PASSWORD), f"byte {place}"
    assert parsed > 40, "most alterations are well-formed"


def test_a_check_without_proof_of_the_password_is_not_believed() -> None:
    message = aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST)
    message.attributes |= {"USERNAME": "ours:theirs", "PRIORITY": 7, "USE-CANDIDATE": None}
    data = bytes(message)
    check = stun.parse_check(data)
    assert check is not None
    assert check.use_candidate
    assert not stun.verify(data, check, PASSWORD)


def test_what_follows_the_integrity_is_not_believed() -> None:
    data = stun.request(bytes(12), "ours:theirs", PASSWORD)[:-8]
    longer = data + b"\x00\x25\x00\x00"
    longer = longer[:2] + (len(longer) - 20).to_bytes(2, "big") + longer[4:]
    check = stun.parse_check(longer)
    assert check is not None
    assert not check.use_candidate
    assert stun.verify(longer, check, PASSWORD)


# ---------------------------------------------------------------- random input


def _rtp(data: bytes) -> None:
    offset = rtp.payload_offset(data, len(data))
    if offset < 0:
        return
    assert 12 <= offset <= len(data)
    padding = rtp.padding_bytes(data, offset, len(data))
    assert padding <= len(data) - offset
    for wanted in range(15):
        at, size = rtp.find_extension(data, offset, wanted)
        assert at == -1 or at + size <= offset
    for mime in (codecs.VP8, codecs.H264, codecs.OPUS):
        codecs.is_key_frame_start(mime, data, offset, len(data))
    ids = codecs.vp8_picture_ids(data, offset, len(data))
    assert max(ids.id_at + ids.is_long, ids.tl0_at) < len(data)
    assert codecs.red_primary_offset(data, offset, len(data)) <= len(data)


def _rtcp(data: bytes) -> None:
    for kind, count, body in rtcp.split(data):
        for reader in (
            lambda body=body, kind=kind, count=count: rtcp.read_reports(kind, count, body),
            lambda body=body: rtcp.read_sender_info(body),
            lambda body=body, count=count: rtcp.read_bye(count, body),
            lambda body=body: rtcp.read_nack(body),
            lambda body=body, count=count: rtcp.read_key_frame_request(count, body),
            lambda body=body: rtcp.read_remb(body),
            lambda body=body: rtcp.read_transport_cc(body),
        ):
            try:
                reader()
            except ProtocolError:
                continue


PARSERS: list[Callable[[bytes], object]] = [_rtp, _rtcp, stun.parse_check]
SAMPLES = [
    rtp_packet(1, 2, 3, vp8_payload(9, 8, key=True), payload_type=96, extensions={1: b"a", 3: b"bcd"}, padding=4),
    rtp_packet(1, 2, 3, b"\x18\0\3\x67ab\0\2\x65c", payload_type=96),
    rtp_packet(1, 2, 3, bytes((0x80 | 111, 0, 0, 3, 111)) + b"oldnew", payload_type=63),
    rtcp.pack_sender_report(rtcp.SenderInfo(1, 2, 3, 4, 5)) + rtcp.pack_cnames([(1, "abc"), (2, "abcd")]),
    rtcp.pack_receiver_report(1, [rtcp.Report(1, 0.5, 2, 3, 4, 5, 6)] * 40) + rtcp.pack_bye([1, 2]),
    rtcp.pack_nack(1, 2, [1, 2, 17, 18, 65535]) + rtcp.pack_pli(1, 2) + rtcp.pack_remb(1, 123_456_789, [1, 2]),
    rtcp.pack_transport_cc(1, 2, 65_530, [5, 0, 0, 900_000, 8, 0, 0, 0, 0, 0, 0, 0, 0, 9_000], 3)[0],
    stun.request(bytes(12), "a:b", PASSWORD, use_candidate=True),
]


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("sample", range(len(SAMPLES)))
def test_every_truncation_and_every_changed_byte_is_survived(parse: Callable[[bytes], object], sample: int) -> None:
    whole = SAMPLES[sample]
    cases = [whole[:length] for length in range(len(whole))]
    cases += [
        whole[:at] + bytes((whole[at] ^ mask,)) + whole[at + 1 :] for at in range(len(whole)) for mask in (1, 255)
    ]
    for data in cases:
        try:
            parse(data)
        except ProtocolError:
            continue


@given(st.binary(max_size=200), st.sampled_from(PARSERS))
def test_random_bytes_are_survived(data: bytes, parse: Callable[[bytes], object]) -> None:
    for prefix in (b"", b"\x90\x60", b"\x81\xcd", b"\x8f\xcd", b"\0\1\0"):
        try:
            parse(prefix + data)
        except ProtocolError:
            continue


# ---------------------------------------------------------------- round trips

u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)


@given(st.lists(u16, min_size=1, max_size=40, unique=True))
def test_nacked_numbers_survive_the_way(numbers: list[int]) -> None:
    numbers.sort()
    kind, count, body = next(rtcp.split(rtcp.pack_nack(1, 7, numbers)))
    assert (kind, count) == (rtcp.RTPFB, rtcp.NACK)
    ssrc, found = rtcp.read_nack(body)
    assert ssrc == 7
    assert sorted(found) == numbers


@given(st.integers(0, 1 << 40), st.lists(st.one_of(st.just(None), st.integers(-3000, 40_000)), max_size=300), u16)
def test_arrivals_survive_the_way_within_a_tick(start: int, gaps: list[int | None], base: int) -> None:
    clock = start + 1_000_000
    times = []
    for gap in gaps:
        clock += gap or 0
        times.append(0 if gap is None else clock)
    done = 0
    found: list[int | None] = []
    while done < len(times):
        packet, described = rtcp.pack_transport_cc(1, 2, base + done, times[done:], 0)
        assert described > 0
        _, _, body = next(rtcp.split(packet))
        arrivals = rtcp.read_transport_cc(body)
        assert arrivals.base == (base + done) & 0xFFFF
        found += arrivals.times_us
        done += described
    assert len(found) == len(times)
    turn = (1 << 24) * 64_000
    for sent, got in zip(times, found, strict=True):
        assert (got is None) == (sent == 0)
        if got is not None:
            assert abs(got % turn - sent % turn) <= 250 or abs(got % turn - sent % turn) >= turn - 250


@given(st.integers(0, 1 << 34), st.lists(u32, max_size=5))
def test_a_remb_survives_the_way_to_three_parts_in_a_million(bitrate: int, ssrcs: list[int]) -> None:
    _, _, body = next(rtcp.split(rtcp.pack_remb(1, bitrate, ssrcs)))
    found = rtcp.read_remb(body)
    assert found is not None
    assert bitrate * (1 - 1 / (1 << 17)) <= found <= bitrate


@given(st.lists(st.tuples(u32, st.text(max_size=60)), min_size=1, max_size=31))
def test_reports_and_names_are_whole_words(names: list[tuple[int, str]]) -> None:
    report = rtcp.Report(names[0][0], 0.5, -3, 70_000, 8, 9, 10)
    compound = rtcp.pack_receiver_report(1, [report]) + rtcp.pack_cnames(names)
    parts = list(rtcp.split(compound))
    assert [kind for kind, _, _ in parts] == [rtcp.RR, rtcp.SDES]
    read = rtcp.read_reports(*parts[0])[0]
    assert read == report._replace(total_lost=0)


def test_two_byte_extensions_are_found_too() -> None:
    block = bytes((0, 5, 2)) + b"ab" + bytes((9, 1)) + b"c"
    data = b"\x90\x60" + bytes(10) + b"\x10\x00\x00\x02" + block + b"payload"
    offset = rtp.payload_offset(data, len(data))
    assert rtp.extension_value(data, offset, 5) == b"ab"
    assert rtp.extension_value(data, offset, 9) == b"c"
    assert rtp.extension_value(data, offset, 7) == b""


def test_vp8_descriptors_of_all_lengths() -> None:
    assert codecs.vp8_picture_ids(bytes((0x90, 0xC0, 0x12, 7, 0)), 0, 5) == (2, 0x12, False, 3, 7)
    assert codecs.vp8_picture_ids(bytes((0x90, 0xC0, 0x92, 3, 7, 0)), 0, 6) == (2, 0x1203, True, 4, 7)
    assert codecs.vp8_picture_ids(bytes((0x10, 0, 0)), 0, 3) == codecs.NO_PICTURE_IDS
    assert codecs.is_key_frame_start(codecs.VP8, bytes((0x10, 0)), 0, 2)
    assert not codecs.is_key_frame_start(codecs.VP8, bytes((0x10, 1)), 0, 2)
    assert not codecs.is_key_frame_start(codecs.VP8, bytes((0x00, 0)), 0, 2)
    assert not codecs.is_key_frame_start(codecs.VP8, bytes((0x11, 0)), 0, 2)


@pytest.mark.parametrize(
    ("payload", "is_key"),
    [
        (b"\x65", True),
        (b"\x67", True),
        (b"\x61", False),
        (b"\x78\0\1\x09\0\2\x67a", True),
        (b"\x78\0\1\x09\0\2\x61a", False),
        (b"\x7c\x85", True),
        (b"\x7c\x05", False),
        (b"\x7c\x81", False),
        (b"", False),
    ],
)
def test_h264_key_frames_in_all_packings(payload: bytes, is_key: bool) -> None:
    assert codecs.is_key_frame_start(codecs.H264, payload, 0, len(payload)) is is_key


# ---------------------------------------------------------------- numbers and layers


def test_the_cache_knows_only_the_last_packets() -> None:
    cache = PacketCache(8)
    for number in range(65_530, 65_550):
        cache.put(number, b"\0\0" + (number & 0xFFFF).to_bytes(2, "big"))
    assert cache.get(6) is not None
    assert cache.get(65_541) is None
    cache.clear()
    assert cache.get(6) is None
    with pytest.raises(ValueError, match="power of two"):
        PacketCache(9)


def test_a_jump_forwards_and_a_restart_backwards_leave_no_hole() -> None:
    numbers = IncomingNumbers()
    first = numbers.receive(100, 0)
    assert numbers.receive(100 + MAX_GAP + 1, 0) == first + 1
    assert numbers.is_restarted
    assert not numbers.missing
    late = [numbers.receive(5 + n, 0) for n in range(RESTART_AFTER)]
    assert late[:-1] == [-1] * (RESTART_AFTER - 1)
    assert late[-1] == first + 2
    assert numbers.receive(5 + RESTART_AFTER, 0) == first + 3


@given(st.integers(0, 0xFFFF), st.permutations(range(12)))
def test_reordered_packets_keep_their_places(start: int, order: list[int]) -> None:
    numbers = IncomingNumbers()
    base = numbers.receive(start, 0)
    seen = {n: numbers.receive((start + 1 + n) & 0xFFFF, 0) for n in order}
    assert seen == {n: base + 1 + n for n in range(12)}
    assert not numbers.missing
    assert all(numbers.receive((start + 1 + n) & 0xFFFF, 0) == -1 for n in range(11))


def test_layers_are_chosen_by_quality_size_and_life() -> None:
    layers = [Layer(0, "q", 320, 180, 1), Layer(1, "h", 640, 360, 1), Layer(2, "f", 1280, 720, 1)]
    assert choose_layer(layers, ("q", "h", "f"), 1) == "h"
    assert choose_layer(layers, ("q", "f"), 1) == "q"
    assert choose_layer(layers, ("f",), 0) == "f"
    assert choose_layer(layers, (), 0) is None
    assert choose_layer([], ("",), 2) == ""
    assert quality_for_size(layers, 300, 170) == 0
    assert quality_for_size(layers, 230, 355) == 1
    assert quality_for_size(layers, 4000, 3000) == 2
    assert quality_for_size(layers, 0, 0) is None
    assert quality_for_size([], 10, 10) is None


def test_sequence_numbers_compare_on_the_circle() -> None:
    assert rtp.seq_newer(0, 65_535)
    assert not rtp.seq_newer(65_535, 0)
    assert not rtp.seq_newer(7, 7)
    assert rtp.uint32_add(0xFFFFFFFF, 2) == 1
