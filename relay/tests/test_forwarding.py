"""What subscribers get of what publishers send: continuous numbers whatever is lost, dropped, muted or switched."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay import rtcp
from relay.audio import AudioSelector
from relay.bandwidth import RESEND_BURST_SECONDS, RESEND_SHARE
from relay.batch import Batch
from relay.downtrack import MAX_RESENDS
from relay.metrics import Metrics
from relay.router import Layer, ReceiveSlot
from relay.tests.plane import OUT_EXTENSIONS, Packet, Peer, Plane
from relay.tests.rtc_client import rtp_packet, vp8_payload

LAYERS = (Layer(0, "q", 320, 180, 150_000), Layer(1, "h", 640, 360, 450_000), Layer(2, "f", 1280, 720, 1_700_000))


NO_FEEDBACK = {"abs-send-time": 2}


def steps(packets: list[Packet]) -> list[int]:
    """Distances of sequence numbers from one packet to the next."""
    return [(b.sequence - a.sequence) & 0xFFFF for a, b in itertools.pairwise(packets)]


def simulcast(plane: Plane, extensions: Mapping[str, int] = NO_FEEDBACK) -> tuple[Peer, Peer, Any, Any]:
    alice, bob = plane.peer(), plane.peer()
    track = plane.publish(alice, "video", rids=("q", "h", "f"))
    track.set_layers(LAYERS)
    # Without transport-cc nothing holds the layers back at the start.
    return alice, bob, track, plane.subscribe(track, bob, extensions=extensions)


def test_the_header_carries_our_ssrc_type_and_extensions() -> None:
    plane = Plane()
    alice, bob, carol = plane.peer(), plane.peer(), plane.peer()
    track, video = plane.publish(alice), plane.publish(alice, "video")
    plane.subscribe(track, bob)
    plane.subscribe(video, bob)
    plane.subscribe(track, carol, extensions={"audio-level": 4})
    alice.audio(7, level=0x80 | 20)
    alice.audio(8, level=33)
    first, second = bob.take()
    assert (first.ssrc, first.payload_type, first.payload) == (track.ssrc, 111, b"opus")
    assert first.extension[0] == 0x22
    assert first.extension[5] == 0x31
    assert first.extension[8:10] == bytes((0x40, 0x80 | 20))
    assert second.number == first.number + 1
    bare = carol.take()[0]
    assert bare.extension == bytes(8) + bytes((0x40, 0x80 | 20)) + bytes(2)
    assert track.loudness.take() == (2, 2, 20)
    assert track.loudness.take() == (0, 0, 127)
    assert plane.first_packets == 1


def test_audio_alone_asks_for_no_feedback_until_a_video_joins_it() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    audio, video = plane.publish(alice), plane.publish(alice, "video")
    plane.subscribe(audio, bob)
    alice.audio(1)
    assert bob.take()[0].extension[4:8] == bytes(4)
    plane.subscribe(video, bob)
    alice.audio(2)
    packet = bob.take()[0]
    assert (packet.extension[5], packet.number) == (0x31, 1)


def test_a_key_frame_waits_for_the_subscribers_handshake() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    track = plane.publish(alice, "video")
    alice.video(1, key=True)
    keys, bob.link.tx = bob.link.tx, None
    plane.subscribe(track, bob)
    alice.video(2, key=True)
    plane.advance(1)
    assert not alice.feedback(rtcp.PSFB, rtcp.PLI)
    bob.link.tx = keys
    plane.router.path_changed()
    plane.advance(0.04)
    assert alice.feedback(rtcp.PSFB, rtcp.PLI)
    alice.video(3)
    alice.video(4, key=True)
    assert len(bob.take()) == 1


def test_only_packets_that_carry_a_transport_cc_number_use_one_up() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    audio, video = plane.publish(alice), plane.publish(alice, "video")
    plane.subscribe(audio, bob, extensions={"abs-send-time": 2})  # as Firefox answers
    plane.subscribe(video, bob)
    for number in range(10):
        alice.audio(number)
        alice.video(number, key=True)
    packets = [p for p in bob.take() if p.ssrc == video.ssrc]
    bob.send_rtcp(rtcp.pack_nack(1, video.ssrc, [packets[3].sequence]))
    alice.video(10)
    packets += [p for p in bob.take() if p.ssrc == video.ssrc]
    assert [p.number for p in packets] == [*range(1, 11), 12]


def test_orientation_is_passed_on_to_those_who_take_it() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    track = plane.publish(alice, "video", extensions={"orientation": 4})
    plane.subscribe(track, bob)
    for number, extensions in ((1, {4: b"\x02"}), (2, {})):
        payload = vp8_payload(number, number, key=number == 1)
        alice.send(rtp_packet(10, number, number, payload, payload_type=96, extensions=extensions))
    assert [p.extension[8:10] for p in bob.take()] == [b"\x50\x02"] * 2


def test_padding_only_packets_leave_no_hole_and_padding_is_cut_off() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    plane.subscribe(plane.publish(alice), bob)
    for number, padding, payload in ((65534, 0, b"a"), (65535, 9, b""), (0, 9, b""), (1, 4, b"b"), (2, 0, b"c")):
        alice.send(rtp_packet(50, number, number, payload, payload_type=111, padding=padding))
    packets = bob.take()
    assert [p.payload for p in packets] == [b"a", b"b", b"c"]
    assert steps(packets) == [1, 1]
    assert plane.metrics.padding_dropped == 2
    plane.advance(1)
    assert not alice.feedback(rtcp.RTPFB, rtcp.NACK)


def test_a_muted_track_sends_nothing_and_goes_on_without_a_hole() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    track = plane.publish(alice)
    plane.subscribe(track, bob)
    alice.audio(1)
    slot = ReceiveSlot()
    alice.queue(rtp_packet(50, 2, 1920, b"in the drain", payload_type=111), slot)
    track.set_muted(True)
    assert len(bob.take()) == 2  # what came before the mute
    for number in range(3, 50, 2):
        alice.audio(number)
    assert not bob.take()
    track.set_muted(False)
    alice.audio(60)
    alice.audio(61)
    resumed = bob.take()
    assert [p.marker for p in resumed] == [True, False]
    assert resumed[0].timestamp == 960 * 60
    assert resumed[0].sequence == 3
    plane.advance(0.2)
    assert not alice.feedback(rtcp.RTPFB, rtcp.NACK)


def test_unmuted_video_resumes_with_a_key_frame_that_is_asked_for() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    track = plane.publish(alice, "video")
    plane.subscribe(track, bob)
    alice.video(1, key=True)
    alice.video(2)
    track.set_muted(True)
    alice.video(3)
    plane.advance(2)
    before = len(alice.feedback(rtcp.PSFB, rtcp.PLI))
    track.set_muted(False)
    assert len(alice.feedback(rtcp.PSFB, rtcp.PLI)) == before + 1
    alice.video(4)
    alice.video(5, key=True)
    alice.video(6)
    packets = bob.take()
    assert steps(packets) == [1, 1, 1]
    assert [p.picture_id for p in packets] == [1, 2, 3, 4]
    assert [p.timestamp for p in packets] == [3000, 6000, 15000, 18000]


def test_the_layer_follows_what_is_wanted_also_when_that_is_said_first() -> None:
    plane = Plane()
    alice, bob, track, down = simulcast(plane)
    down.set_wanted(disabled=False, quality=0)
    for rid, ssrc in (("f", 13), ("h", 12), ("q", 11)):
        alice.video(100 * ssrc, ssrc=ssrc, rid=rid, key=rid == "q")
    assert down.current_layer == "q"
    assert track.live_layers == ("q", "h", "f")
    down.set_wanted(disabled=False, width=600, height=340)
    alice.video(1301, ssrc=13, rid="f", key=True)
    assert down.current_layer == "q"
    alice.video(1201, ssrc=12, rid="h", key=True)
    assert down.current_layer == "h"
    down.set_wanted(disabled=True)
    alice.video(1202, ssrc=12, rid="h", key=True)
    assert down.current_layer == ""
    down.set_wanted(disabled=False, quality=2)
    alice.video(1302, ssrc=13, rid="f", key=True)
    packets = bob.take()
    assert steps(packets) == [1] * (len(packets) - 1)
    assert [p.picture_id - packets[0].picture_id for p in packets] == list(range(len(packets)))


def test_who_leaves_a_track_and_comes_back_gets_numbers_that_go_on() -> None:
    plane = Plane()
    alice, bob, track, down = simulcast(plane)
    alice.video(30_000, ssrc=11, rid="q", key=True)
    down.stop()
    alice.video(5, ssrc=13, rid="f", key=True)
    again = plane.subscribe(track, bob, extensions=NO_FEEDBACK)
    alice.video(6, ssrc=13, rid="f", key=True)
    alice.video(7, ssrc=13, rid="f")
    assert again.current_layer == "f"
    packets = bob.take()
    assert steps(packets) == [1, 1]
    assert [p.picture_id for p in packets] == [30_000, 30_001, 30_002]
    assert again.stats().packets == 3
    assert not plane.metrics.protect_failed


def test_who_comes_back_under_the_second_ssrc_gets_everything_under_it_and_the_others_notice_nothing() -> None:
    plane = Plane()
    alice, bob, carol = plane.peer(), plane.peer(), plane.peer()
    track = plane.publish(alice, "video")
    first, second = track.ssrcs
    plane.subscribe(track, bob)
    down = plane.subscribe(track, carol)
    alice.video(1, key=True)
    down.stop()
    alice.video(2)
    again = plane.subscribe(track, carol, ssrc=second)
    alice.video(3, key=True)
    carol.lose = True
    alice.video(4)
    carol.lose = False
    alice.video(5)
    assert [p.ssrc for p in bob.take()] == [first] * 5
    assert [(p.ssrc, p.sequence) for p in carol.take()] == [(first, 1), (second, 3), (second, 5)]

    carol.send_rtcp(rtcp.pack_nack(1, second, [4]))
    assert [(p.ssrc, p.sequence) for p in carol.take()] == [(second, 4)]
    alice.rtcp.clear()
    plane.advance(1)
    carol.send_rtcp(rtcp.pack_pli(1, second))
    assert alice.feedback(rtcp.PSFB, rtcp.PLI)
    assert again.send_train(1)
    assert [(p.ssrc, p.sequence) for p in carol.take()] == [(second, 6)]

    again.stop()
    plane.subscribe(track, carol, ssrc=first)
    alice.video(6, key=True)
    assert [(p.ssrc, p.sequence) for p in carol.take()] == [(first, 2)]
    assert not carol.rejected


def test_a_layer_that_stops_is_replaced_and_taken_up_again() -> None:
    plane = Plane()
    alice, bob, track, down = simulcast(plane)
    alice.video(1, ssrc=11, rid="q", key=True)
    alice.video(1, ssrc=13, rid="f")
    assert down.current_layer == "q"
    alice.video(2, ssrc=13, rid="f", key=True)
    assert down.current_layer == "f"
    for number in range(2, 100):
        plane.advance(0.02)
        alice.video(number, ssrc=11, rid="q", key=number > 90)
    assert track.live_layers == ("q",)
    assert down.current_layer == "q"
    alice.video(3, ssrc=13, rid="f")
    alice.video(4, ssrc=13, rid="f", key=True)
    assert down.current_layer == "f"
    packets = bob.take()
    assert steps(packets) == [1] * (len(packets) - 1)


def test_a_key_frame_is_asked_for_again_until_the_switch_and_not_too_often() -> None:
    plane = Plane()
    alice, _, _, down = simulcast(plane)
    alice.video(1, ssrc=11, rid="q", key=True)
    alice.rtcp.clear()
    alice.video(1, ssrc=13, rid="f")
    plane.advance(2)
    asked = [p for p in alice.feedback(rtcp.PSFB, rtcp.PLI) if p[8:12] == (13).to_bytes(4, "big")]
    assert 4 <= len(asked) <= 6
    alice.video(2, ssrc=13, rid="f", key=True)
    assert down.current_layer == "f"
    alice.rtcp.clear()
    plane.advance(2)
    assert not alice.feedback(rtcp.PSFB, rtcp.PLI)


def test_key_frame_requests_of_many_subscribers_become_one() -> None:
    plane = Plane()
    alice = plane.peer()
    track = plane.publish(alice, "video")
    peers = [plane.peer() for _ in range(5)]
    for peer in peers:
        plane.subscribe(track, peer)
    alice.video(1, key=True)
    plane.advance(3)
    alice.rtcp.clear()
    for peer in peers:
        peer.send_rtcp(rtcp.pack_pli(1, track.ssrc))
        fir = struct.pack("!BBHIIIBxxx", 0x84, rtcp.PSFB, 4, 1, 0, track.ssrc, 1)
        peer.send_rtcp(fir)
    assert len(alice.feedback(rtcp.PSFB, rtcp.PLI)) == 1
    assert plane.metrics.pli_in == 10


def test_lost_packets_are_asked_for_and_forwarded_late_to_those_who_miss_them() -> None:
    plane = Plane()
    alice, bob, carol = plane.peer(), plane.peer(), plane.peer()
    track = plane.publish(alice, "video")
    plane.subscribe(track, bob)
    alice.video(1, key=True)
    alice.video(5)
    plane.advance(0.04)
    ssrc, numbers = rtcp.read_nack(alice.feedback(rtcp.RTPFB, rtcp.NACK)[0][4:])
    assert (ssrc, numbers) == (10, [2, 3, 4])
    plane.subscribe(track, carol)
    alice.video(6, key=True)
    alice.video(3)
    assert [p.picture_id for p in bob.take()] == [1, 5, 6, 3]
    assert [p.picture_id for p in carol.take()] == [6]
    plane.advance(3)
    assert len(alice.feedback(rtcp.RTPFB, rtcp.NACK)) == 5
    assert alice.feedback(rtcp.PSFB, rtcp.PLI)
    alice.video(3)  # once more: a duplicate
    assert not bob.take()
    assert plane.metrics.unprotect_failed == 1


def test_a_subscriber_gets_a_lost_packet_again_at_most_three_times() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    track = plane.publish(alice, "video")
    down = plane.subscribe(track, bob)
    alice.video(1, key=True)
    bob.lose = True
    alice.video(2, picture=200)
    bob.lose = False
    alice.video(3)
    lost = bob.take()[0].sequence + 1
    assert lost == 2
    for _ in range(5):
        bob.send_rtcp(rtcp.pack_nack(1, track.ssrc, [lost, lost + 9]))
    assert [(p.sequence, p.picture_id, p.timestamp) for p in bob.rtp] == [(lost, 200, 6000)]
    assert bob.rejected == ["replay check failed (bad index)"] * 2
    assert (plane.metrics.resent, plane.metrics.resend_capped, plane.metrics.resend_missed) == (3, 2, 5)
    down.set_wanted(disabled=True)
    bob.send_rtcp(rtcp.pack_nack(1, track.ssrc, [lost + 1]))
    assert plane.metrics.resend_missed == 6


def test_retransmissions_by_rtx_are_unwrapped() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    track = plane.publish(
        alice,
        "video",
        payload_types={96: "video/vp8", 97: "video/rtx"},
        rtx={97: 96},
        ssrcs=(10,),
        rtx_ssrcs={20: 10},
    )
    plane.subscribe(track, bob)
    alice.video(1, key=True)
    alice.video(3)
    lost = vp8_payload(2, 2, key=False)
    for number in (700, 701):
        alice.send(rtp_packet(20, number, 6000, struct.pack("!H", 2) + lost, payload_type=97))
    alice.send(rtp_packet(20, 702, 6000, b"", payload_type=97, padding=200))
    packets = bob.take()
    assert [(p.picture_id, p.payload_type) for p in packets] == [(1, 96), (3, 96), (2, 96)]
    assert sorted(steps(sorted(packets, key=lambda p: p.sequence))) == [1, 1]


def test_old_packets_that_probe_the_link_by_rtx_do_not_start_the_numbers_anew() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    types = {96: "video/vp8", 97: "video/rtx"}
    track = plane.publish(alice, "video", payload_types=types, rtx={97: 96}, ssrcs=(10,), rtx_ssrcs={20: 10})
    plane.subscribe(track, bob)
    for number in range(1, 61):
        alice.video(number, key=number == 1)
    for number in range(1, 51):  # as libwebrtc pads
        old = struct.pack("!H", number) + vp8_payload(number, number, key=number == 1)
        alice.send(rtp_packet(20, 700 + number, 3000 * number, old, payload_type=97))
    alice.video(61)
    packets = bob.take()
    assert [p.picture_id for p in packets] == list(range(1, 62))
    assert steps(packets) == [1] * 60
    assert plane.metrics.late_dropped == 50


def test_h264_is_forwarded_from_a_parameter_set_on() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    track = plane.publish(alice, "video", mime="video/H264", payload_types={102: "video/h264"})
    plane.subscribe(track, bob, payload_type=125)
    for number, payload in enumerate((b"\x41later", b"\x67sps", b"\x68pps", b"\x65idr", b"\x41p")):
        alice.send(rtp_packet(10, number, 0, payload, payload_type=102))
    assert [(p.payload, p.payload_type) for p in bob.take()] == [
        (b"\x67sps", 125),
        (b"\x68pps", 125),
        (b"\x65idr", 125),
        (b"\x41p", 125),
    ]


def test_red_is_passed_to_those_who_take_it_and_unpacked_for_the_others() -> None:
    plane = Plane()
    alice, bob, carol = plane.peer(), plane.peer(), plane.peer()
    track = plane.publish(alice, payload_types={63: "audio/red", 111: "audio/opus"})
    plane.subscribe(track, bob, payload_type=63)
    plane.subscribe(track, carol)
    red = bytes((0x80 | 111, 0, 0, 3, 111)) + b"old" + b"newest"
    alice.send(rtp_packet(50, 1, 960, red, payload_type=63))
    alice.send(rtp_packet(50, 2, 1920, b"bare", payload_type=111))
    assert [(p.payload, p.payload_type) for p in bob.take()] == [(red, 63), (b"bare", 111)]
    plain = carol.take()
    assert [(p.payload, p.payload_type) for p in plain] == [(b"newest", 111), (b"bare", 111)]
    carol.send_rtcp(rtcp.pack_nack(1, track.ssrc, [plain[0].sequence]))
    assert plane.metrics.resent == 1


def test_streams_are_found_by_mid_and_by_ssrc_line_and_unknown_ones_are_refused() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    tracks = [plane.publish(alice, extensions={"mid": 4}, ssrcs=(70 + n,) if n == 2 else ()) for n in range(3)]
    for track in tracks:
        plane.subscribe(track, bob)
    alice.send(rtp_packet(1, 1, 1, b"zero", payload_type=111, extensions={4: b"0"}))
    alice.send(rtp_packet(2, 1, 1, b"one", payload_type=111, extensions={4: b"1"}))
    alice.send(rtp_packet(72, 1, 1, b"two", payload_type=111))
    alice.send(rtp_packet(3, 1, 1, b"?", payload_type=111))
    alice.send(rtp_packet(4, 1, 1, b"?", payload_type=99, extensions={4: b"1"}))
    alice.send(rtp_packet(2, 2, 1, b"one", payload_type=111))
    assert [(p.ssrc, p.payload) for p in bob.take()] == [
        (tracks[0].ssrc, b"zero"),
        (tracks[1].ssrc, b"one"),
        (tracks[2].ssrc, b"two"),
        (tracks[1].ssrc, b"one"),
    ]
    assert plane.metrics.packets_unroutable == 2


def test_a_publisher_that_starts_again_with_a_new_ssrc_goes_on_in_the_same_track() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    track = plane.publish(alice)
    plane.subscribe(track, bob)
    alice.audio(40_000)
    plane.advance(0.04)
    alice.audio(3, ssrc=51)
    packets = bob.take()
    assert steps(packets) == [1]
    assert {p.ssrc for p in packets} == {track.ssrc}
    assert list(alice.link.streams) == [51]
    alice.send_rtcp(rtcp.pack_bye([51]))
    assert not track.live_layers
    alice.audio(4, ssrc=51)
    assert track.live_layers == ("",)
    assert bob.take()[0].sequence == packets[1].sequence + 1


def test_only_the_loudest_microphones_are_forwarded_and_none_leaves_a_hole() -> None:
    plane = Plane()
    selector = AudioSelector(2)
    people = [plane.peer() for _ in range(4)]
    tracks = [plane.publish(peer, selector=selector) for peer in people]
    ear = plane.peer()
    for track in tracks:
        plane.subscribe(track, ear)
    heard: dict[int, list[Packet]] = {track.ssrc: [] for track in tracks}

    def talk(loud: set[int], first: int) -> set[int]:
        for number in range(first, first + 100):
            for place, peer in enumerate(people):
                peer.audio(number, ssrc=60 + place, level=15 if place in loud else 90)
            plane.advance(0.02)
        got = ear.take()
        for packet in got:
            heard[packet.ssrc].append(packet)
        return {n for n, t in enumerate(tracks) if any(p.ssrc == t.ssrc for p in got[-8:])}

    assert talk({2, 3}, 0) == {2, 3}
    assert talk({1, 3}, 100) == {1, 3}
    assert talk({3}, 200) >= {3}
    assert talk({2, 1}, 300) == {1, 2}
    tracks[2].close()
    assert len(talk({0}, 400)) == 2
    for packets in heard.values():
        assert set(steps(packets)) <= {1}
    assert tracks[0].loudness.take().frames == 500


def test_reports_reach_both_sides() -> None:
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    track = plane.publish(alice)
    down = plane.subscribe(track, bob)
    for number in (*range(50), *range(60, 110)):
        alice.audio(number)
        if number == 30:
            alice.send_rtcp(rtcp.pack_sender_report(rtcp.SenderInfo(50, 5 << 32 | 7, 960 * 30, 1, 2)))
        plane.advance(0.02)
    report = rtcp.read_reports(rtcp.RR, 1, alice.feedback(rtcp.RR, 1)[-1][4:])[0]
    assert report.ssrc == 50
    assert report.total_lost == 10
    assert report.lsr == 5 << 16
    assert track.stats().packets == 100
    assert plane.metrics.pli_out == 0
    sent = rtcp.read_sender_info(bob.feedback(rtcp.SR, 0)[0][4:])
    assert sent.ssrc == track.ssrc
    # The pair stays on the publisher's line: seconds since its report on both clocks.
    assert abs((sent.ntp - (5 << 32 | 7)) / (1 << 32) - (sent.rtp_timestamp - 960 * 30) / 48_000) < 0.001
    assert bob.feedback(rtcp.SDES, 1)[0][8:15] == b"\x01\x05alice"
    back = rtcp.Report(track.ssrc, 0.25, 5, 1, 480, down.sr_lsr, 0)
    plane.now = down.sr_at + 0.1
    plane._begin()
    bob.send_rtcp(rtcp.pack_receiver_report(1, [back]))
    assert down.stats().loss == 0.25
    assert down.stats().rtt_seconds == pytest.approx(0.1)
    assert down.stats().jitter_seconds == pytest.approx(0.01)


def test_a_publisher_is_told_its_bandwidth_by_transport_cc_or_by_remb() -> None:
    plane = Plane()
    modern, old = plane.peer(), plane.peer()
    plane.publish(modern, "video", extensions={"transport-cc": 3})
    plane.publish(old, "video", extensions={"transport-cc": 3}, transport_cc=False)
    for number in (65_530, 65_531, 65_535, 2, 1):
        payload = vp8_payload(1, 1, key=False)
        for peer in (modern, old):
            packet = rtp_packet(10, number, 1, payload, payload_type=96, extensions={3: number.to_bytes(2, "big")})
            peer.send(packet)
        plane.advance(0.02)
    plane.advance(1)
    told = [rtcp.read_transport_cc(p[4:]) for p in modern.feedback(rtcp.RTPFB, rtcp.TRANSPORT_CC)]
    seen = {
        (f.base + n) & 0xFFFF: t is not None
        for f in (rtcp.Arrivals(*a) for a in told)
        for n, t in enumerate(f.times_us)
    }
    assert [n for n, got in seen.items() if got] == [65_530, 65_531, 65_535, 1, 2]
    assert not modern.feedback(rtcp.PSFB, rtcp.AFB)
    assert rtcp.read_remb(old.feedback(rtcp.PSFB, rtcp.AFB)[0][4:]) == pytest.approx(5_000_000, rel=0.01)
    assert not old.feedback(rtcp.RTPFB, rtcp.TRANSPORT_CC)


def test_dynacast_asks_for_more_at_once_and_for_less_after_five_seconds() -> None:
    plane = Plane()
    alice, _, track, down = simulcast(plane)
    alice.video(1, ssrc=11, rid="q", key=True)
    assert plane.wanted == [2]
    down.set_wanted(disabled=False, quality=0)
    plane.advance(4)
    assert plane.wanted == [2]
    down.set_wanted(disabled=False, quality=1)
    plane.advance(6)
    assert plane.wanted == [2, 1]
    plane.subscribe(track, plane.peer())
    assert plane.wanted == [2, 1, 2]
    for each in list(track.downs):
        each.stop()
    plane.advance(6)
    assert plane.wanted == [2, 1, 2, None]


def test_a_train_of_padding_between_frames_times_a_new_subscribers_link() -> None:
    plane = Plane()
    alice, bob, track, down = simulcast(plane, OUT_EXTENSIONS)
    seen: list[Packet] = []
    clock = 5_000_000
    for number in range(60):
        for layer, (rid, size) in enumerate((("q", 100), ("h", 900), ("f", 1000))):
            alice.video(1000 * layer + number, ssrc=11 + layer, rid=rid, key=True, size=size)
        plane.advance(0.02)
        if number % 5 == 4:
            got = bob.take()
            seen += got
            times = []
            for packet in got:
                clock += len(packet.data) * 20  # microseconds: 400 kbit/s
                times.append(clock)
            clock = max(clock, 5_000_000 + number * 20_000)
            bob.send_rtcp(rtcp.pack_transport_cc(1, 1, got[0].number, times, number)[0])
            if bob.link.downlink is not None and bob.link.downlink.cap_bps is not None:
                break  # the next train would follow at once
    assert down.current_layer == "q"
    assert bob.link.downlink is not None
    assert bob.link.downlink.cap_bps == pytest.approx(340_000, rel=0.1)
    padding = [p for p in seen if not p.payload]
    assert 20 <= len(padding) <= 30
    assert steps(seen) == [1] * (len(seen) - 1)
    assert [p.number for p in seen] == list(range(1, len(seen) + 1))
    assert {p.timestamp for p in padding} == {seen[seen.index(padding[0]) - 1].timestamp}
    plane.advance(1)
    before = len(bob.rejected)
    bob.send_rtcp(rtcp.pack_nack(1, track.ssrc, [padding[3].sequence, seen[-1].sequence]))
    assert len(bob.rejected) == before + 2  # both came again, and SRTP knows them
    for _ in range(10):
        bob.send_rtcp(rtcp.pack_nack(1, track.ssrc, [padding[3].sequence]))
    assert len(bob.rejected) == before + 1 + MAX_RESENDS
    for _ in range(10):
        bob.send_rtcp(rtcp.pack_nack(1, track.ssrc, [p.sequence for p in padding]))
    assert bob.link.downlink.cap_bps is not None
    again = (len(bob.rejected) - before - 1) * len(padding[0].data) * 8
    assert again <= bob.link.downlink.cap_bps * RESEND_SHARE * RESEND_BURST_SECONDS  # as of any video


def test_a_flooded_link_loses_the_high_layer_at_once_and_video_before_audio() -> None:
    plane = Plane()
    alice, bob, _, down = simulcast(plane, OUT_EXTENSIONS)
    ear = plane.publish(alice)
    plane.subscribe(ear, bob)
    numbers = [100, 200, 300, 400]
    last = {"audio": 0}

    def call(seconds: float, loss: float, *, key: bool = True) -> None:
        for turn in range(round(seconds / 0.02)):
            for layer, (rid, packets) in enumerate((("q", 1), ("h", 2), ("f", 4))):
                for _ in range(packets):
                    alice.video(numbers[layer], ssrc=11 + layer, rid=rid, key=key, size=700)
                    numbers[layer] += 1
            alice.audio(numbers[3])
            numbers[3] += 1
            plane.advance(0.02)
            if turn % 5 == 4:
                got = bob.take()
                last["audio"] += sum(p.ssrc == ear.ssrc for p in got)
                sent = sorted(p.number for p in got)
                if sent:
                    lost = round(len(sent) * loss)
                    times = [0 if n < lost else int(plane.now * 1e6) for n in range(len(sent))]
                    packet, _ = rtcp.pack_transport_cc(1, 1, sent[0], times, turn)
                    bob.send_rtcp(packet)

    call(2, 0.0)
    assert down.current_layer == "f"
    assert not plane.paused
    call(1.6, 0.6, key=False)
    assert down.current_layer == ""
    call(0.1, 0.0)
    assert down.current_layer in ("q", "h")
    call(3, 0.9)
    assert plane.paused == [True]
    assert down.stats().paused
    assert last["audio"] > 250
    call(60, 0.0)
    assert plane.paused == [True, False]
    assert down.current_layer == "f"


@pytest.mark.parametrize("broken", [{0}, {2}, {0, 1, 2}])
def test_a_packet_that_could_not_be_protected_is_not_sent_and_the_others_are(broken: set[int]) -> None:
    fail: set[Any] = set()
    original = Batch(Metrics()).protect

    def protect(key: Any, buffer: Any, length: Any) -> int:
        return 1 if key in fail else original(key, buffer, length)

    metrics = Metrics()
    plane = Plane(batch=Batch(metrics, protect=protect))
    alice = plane.peer()
    peers = [plane.peer() for _ in range(3)]
    track = plane.publish(alice)
    for peer in peers:
        plane.subscribe(track, peer)
    alice.audio(1)
    fail |= {peers[place].link.tx for place in broken}
    alice.audio(2)
    for place, peer in enumerate(peers):
        assert not peer.rejected  # as clear text would be
        assert [p.sequence for p in peer.take()] == ([1] if place in broken else [1, 2])
    assert metrics.protect_failed == len(broken)
    fail.clear()
    alice.audio(3)
    assert all(p.take()[0].sequence == 3 for p in peers)


def test_keys_are_never_used_after_a_link_is_forgotten() -> None:
    plane = Plane()
    alice, bob, carol = plane.peer(), plane.peer(), plane.peer()
    track = plane.publish(alice)
    plane.subscribe(track, bob)
    plane.subscribe(track, carol)
    alice.audio(1)
    generation = plane.router.batch.generation
    plane.router.forget_link(bob.link)
    assert plane.router.batch.generation > generation
    assert (bob.link.tx, bob.link.sessions, bob.link.downs) == (None, (), {})
    alice.audio(2)
    assert len(bob.take()) == 1
    assert len(carol.take()) == 2
    plane.router.forget_link(alice.link)
    assert not track.streams
    plane.advance(2)


Event = st.one_of(
    st.tuples(st.just("send"), st.integers(1, 40)),
    st.tuples(st.just("lose"), st.integers(1, 5)),
    st.tuples(st.just("padding"), st.integers(1, 3)),
    st.tuples(st.just("late"), st.integers(1, 3)),
    st.tuples(st.just("want"), st.integers(0, 2)),
    st.tuples(st.just("mute"), st.integers(1, 5)),
    st.tuples(st.just("disable"), st.integers(1, 5)),
)


@settings(max_examples=60, deadline=None)
@given(events=st.lists(Event, max_size=25), starts=st.tuples(*[st.integers(0, 65_535)] * 3))
def test_whatever_happens_a_subscriber_sees_continuous_numbers(
    events: list[tuple[str, int]], starts: tuple[int, int, int]
) -> None:
    plane = Plane()
    alice, bob, track, down = simulcast(plane)
    next_number = list(starts)
    lost: list[tuple[int, int]] = []
    holes = 0

    def video(layer: int, number: int, *, key: bool) -> None:
        alice.video(number & 0xFFFF, ssrc=11 + layer, rid="qhf"[layer], key=key, picture=number & 0x7FFF)

    def frames(count: int, *, key: bool = False) -> None:
        for _ in range(count):
            for layer in range(3):
                video(layer, next_number[layer], key=key)
                next_number[layer] += 1
            plane.advance(0.02)

    frames(2, key=True)
    for what, amount in events:
        if what == "send":
            frames(amount)
        elif what == "want":
            down.set_wanted(disabled=False, quality=amount)
            frames(3)
            frames(2, key=True)
        elif what == "lose":
            for layer in range(3):
                lost += [(layer, next_number[layer] + n) for n in range(amount)]
                next_number[layer] += amount
            holes += amount
            frames(1)
        elif what == "late":
            for layer, number in lost[: 3 * amount]:
                video(layer, number, key=False)
            lost = lost[3 * amount :]
        elif what == "padding":
            for layer in range(3):
                for _ in range(amount):
                    packet = rtp_packet(
                        11 + layer, next_number[layer] & 0xFFFF, 0, b"", payload_type=96, padding=20,
                        extensions={2: b"qhf"[layer : layer + 1]},
                    )  # fmt: skip
                    alice.send(packet)
                    next_number[layer] += 1
        else:
            track.set_muted(what == "mute")
            down.set_wanted(disabled=what == "disable", quality=2)
            frames(amount)
            track.set_muted(False)
            down.set_wanted(disabled=False, quality=2)
            frames(2, key=True)
    frames(1, key=True)
    packets = bob.take()
    assert len({p.sequence for p in packets}) == len(packets), "a sequence number twice"
    first = packets[0].sequence
    places = sorted((p.sequence - first) & 0xFFFF for p in packets)
    missing = places[-1] + 1 - len(packets)
    assert 0 <= missing <= holes, "a hole that nobody lost"
    in_order = sorted(packets, key=lambda p: (p.sequence - first) & 0xFFFF)
    base = in_order[0].picture_id
    pictures = [(p.picture_id - base) & 0x7FFF for p in in_order]
    assert all(b > a for a, b in itertools.pairwise(pictures)), "a picture id went backwards"
    clocks = [(p.timestamp - in_order[0].timestamp) & 0xFFFFFFFF for p in in_order]
    assert clocks == sorted(clocks), "time went backwards"
    assert packets[-1].sequence == in_order[-1].sequence
