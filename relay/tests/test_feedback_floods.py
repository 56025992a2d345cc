"""RTCP from somebody who means harm: no compound is costly, and nobody takes the worker's time by reports."""

from __future__ import annotations

import struct

import pytest

from relay import clock, rtcp
from relay.tests.plane import Peer, Plane
from relay.timeshares import QUIET


def watching() -> tuple[Plane, Peer, Peer]:
    """Bob receives Alice's camera, and has been asked for nothing yet."""
    plane = Plane()
    alice, bob = plane.peer(), plane.peer()
    track = plane.publish(alice, "video")
    plane.subscribe(track, bob, extensions={"transport-cc": 3})
    alice.video(1, key=True)
    plane.advance(2)
    return plane, alice, bob


def claim(count: int) -> bytes:
    """A transport-cc feedback that says of `count` packets, in runs, that they were lost, and of the last not."""
    runs, rest = divmod(count - 1, 8191)
    chunks = [8191] * runs + ([rest] if rest else []) + [1 << 13 | 1]
    body = struct.pack("!IIHHI", 1, 2, 0, count, 0) + b"".join(struct.pack("!H", chunk) for chunk in chunks) + b"\x01"
    body += bytes(-len(body) % 4)
    return struct.pack("!BBH", 0x80 | rtcp.TRANSPORT_CC, rtcp.RTPFB, len(body) // 4) + body


def test_a_feedback_of_more_packets_than_were_ever_sent_is_malformed() -> None:
    plane, _, bob = watching()
    bob.send_rtcp(rtcp.pack_receiver_report(1, []) + claim(4096) * 2)
    assert plane.metrics.malformed == 0
    bob.send_rtcp(rtcp.pack_receiver_report(1, []) + claim(65_535) * 20)
    assert plane.metrics.malformed == 1


def test_key_frames_are_asked_for_once_however_often_a_subscriber_asks() -> None:
    plane, alice, bob = watching()
    before = len(alice.feedback(rtcp.PSFB, rtcp.PLI))
    (ssrc,) = bob.link.downs
    for _ in range(1000):
        bob.send_rtcp(rtcp.pack_pli(1, ssrc))
    assert plane.metrics.pli_in == 1000
    assert len(alice.feedback(rtcp.PSFB, rtcp.PLI)) - before <= 1


def test_whoever_takes_too_much_time_by_reports_is_not_heard_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    plane, alice, bob = watching()
    carol = plane.peer()
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    bob.link.rtcp_time.spend(2 * QUIET[1], now)
    (ssrc,) = bob.link.downs
    bob.send_rtcp(rtcp.pack_pli(1, ssrc))
    carol.send_rtcp(rtcp.pack_pli(1, ssrc))
    assert plane.metrics.rtcp_throttled == 1
    assert plane.metrics.pli_in == 1
    now += 10.5
    bob.send_rtcp(rtcp.pack_pli(1, ssrc))
    assert plane.metrics.pli_in == 2
    alice.video(2, key=True)
    assert bob.take(), "its media goes on all the while"
