"""RTCP both ways: what subscribers and publishers report, and what each of them is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay import clock, rtcp, rtp
from relay.bandwidth import PAUSED, allocate, train_rate
from relay.downtrack import PADDING_BYTES
from relay.errors import ProtocolError
from relay.link import TWCC_WINDOW, Link, Train
from relay.rtcp import Report, SenderInfo
from relay.uptrack import HIGHEST_QUALITY, UpStream

if TYPE_CHECKING:
    from relay.batch import Batch
    from relay.downtrack import DownTrack
    from relay.router import Router

# How often a missing packet is asked for again, and when a packet is given up (video: key frame instead).
NACK_INTERVAL_SECONDS = 0.06
MAX_NACKS = 5
GIVE_UP_SECONDS = 0.4
# A given-up packet is still accepted for this long.
FORGET_SECONDS = 1.0
PLI_INTERVAL_SECONDS = 0.5
FIRST_PLI_INTERVAL_SECONDS = 0.2
# Packets of padding in a train: fewer tell nothing, more are 13 KB in one go.
MIN_TRAIN, MAX_TRAIN = 8, 45
# Of a train this much must have been reported, and have come, or it tells nothing.
TRAIN_SHARE = 0.7
SR_INTERVAL_SECONDS = 2.0
# A microphone that is silent now (DTX) will speak again: its bit rate is kept free.
AUDIO_RESERVE_BPS = 40_000
MAX_NACKED_PACKETS = 256  # of one RTCP packet; a client that asks for more has lost the frame anyway


def on_rtcp(router: Router, link: Link, data: bytes, now: float) -> None:
    """One unprotected compound from `link`. What is malformed in it is counted and ends it.

    Whoever takes more than its share of our time by its reports is not heard for a while.
    """
    router.metrics.rtcp_in += 1
    started = clock.now()
    if link.rtcp_time.is_spent(started):
        router.metrics.rtcp_throttled += 1
        return
    try:
        for kind, count, body in rtcp.split(data):
            _HANDLERS.get(kind, _ignore)(router, link, kind, count, body, now)
    except ProtocolError:
        router.metrics.malformed += 1
    ended = clock.now()
    link.rtcp_time.spend(ended - started, ended)


def _ignore(router: Router, link: Link, kind: int, count: int, body: bytes, now: float) -> None:
    """SDES, APP, XR and what is not invented yet."""


def _on_report(router: Router, link: Link, kind: int, count: int, body: bytes, now: float) -> None:
    if kind == rtcp.SR:
        info = rtcp.read_sender_info(body)
        stream = link.streams.get(info.ssrc)
        if stream is not None and stream.repairs is None:
            stream.lsr, stream.lsr_at = info.ntp >> 16 & 0xFFFFFFFF, now
            stream.sr_ntp, stream.sr_rtp, stream.sr_at = info.ntp, info.rtp_timestamp, now
    worst = -1.0
    for report in rtcp.read_reports(kind, count, body):
        down = link.downs.get(report.ssrc)
        if down is None:
            continue
        down.loss = report.fraction_lost
        down.jitter = report.jitter
        if report.lsr and report.lsr == down.sr_lsr:
            down.rtt_seconds = max(0.0, now - down.sr_at - report.dlsr / 65536)
        if down.stream is not None:
            worst = max(worst, report.fraction_lost)
    if worst >= 0 and link.downlink is not None:
        _judge(router, link, now, lambda estimate: estimate.on_report(now, worst))


def _on_bye(router: Router, link: Link, kind: int, count: int, body: bytes, now: float) -> None:
    for ssrc in rtcp.read_bye(count, body):
        stream = link.streams.get(ssrc)
        if stream is not None and stream.repairs is None:
            stream.track.pause_stream(stream)


def _on_transport_feedback(router: Router, link: Link, kind: int, count: int, body: bytes, now: float) -> None:
    if count == rtcp.NACK:
        router.metrics.nack_in += 1
        ssrc, numbers = rtcp.read_nack(body)
        down = link.downs.get(ssrc)
        if down is not None:
            for number in numbers[:MAX_NACKED_PACKETS]:
                down.resend(number)
    elif count == rtcp.TRANSPORT_CC and link.downlink is not None and link.column > 0:
        _on_arrivals(router, link, rtcp.read_transport_cc(body), now)


def _on_arrivals(router: Router, link: Link, arrivals: rtcp.Arrivals, now: float) -> None:
    """Tells the estimate what came, and when. Of the delays a few are looked at: the lowest of a window is wanted."""
    times, estimate = arrivals.times_us, link.downlink
    if estimate is None:
        return
    if link.train is not None:
        _on_train_arrivals(link, link.train, arrivals, now)
    total = len(times)
    received = total - times.count(None)
    if not received:
        return
    last = total - 1
    while times[last] is None:
        last -= 1
    delay = None
    until = (0.0, 0.0)
    for place in {last, last // 3, 2 * last // 3}:
        time_us = times[place]
        sent = router.batch.sent_at(link.column, (arrivals.base + place) & 0xFFFF) if time_us is not None else None
        if sent is not None and time_us is not None:
            late = time_us / 1e6 - sent[0]
            delay = late if delay is None or late < delay else delay
            if place == last:
                until = (time_us / 1e6, sent[1])
    before = estimate.congestions
    estimate.on_transport_cc(
        now,
        received=received,
        lost=total - received,
        sent_bytes=until[1],
        lost_bytes=_lost_bytes(router.batch, link.column, arrivals) if received < total else 0.0,
        arrived_at=until[0],
        delay_seconds=delay,
    )
    if estimate.congestions != before:
        allocate_link(router, link, now, is_congested=True)


def _lost_bytes(batch: Batch, column: int, arrivals: rtcp.Arrivals) -> float:
    """The bytes of what did not come, by stretches. Counting packets would do for video alone, beside sound it errs."""
    found = 0.0
    before = None  # the first number of a stretch
    for place, time_us in enumerate((*arrivals.times_us, 0)):
        number = (arrivals.base + place) & 0xFFFF
        if time_us is None:
            before = number if before is None else before
        elif before is not None:
            start, end = (batch.sent_at(column, (edge - 1) & 0xFFFF) for edge in (before, number))
            if start is not None and end is not None:
                found += end[1] - start[1]
            before = None
    return found


def _on_payload_feedback(router: Router, link: Link, kind: int, count: int, body: bytes, now: float) -> None:
    if count in (rtcp.PLI, rtcp.FIR):
        router.metrics.pli_in += 1
        for ssrc in rtcp.read_key_frame_request(count, body):
            down = link.downs.get(ssrc)
            stream = (down.target or down.stream) if down is not None else None
            if stream is not None:
                request_key_frame(router, stream, now)
    elif count == rtcp.AFB and link.downlink is not None:
        bitrate = rtcp.read_remb(body)
        if bitrate is not None:
            _judge(router, link, now, lambda estimate: estimate.on_remb(now, bitrate))


_HANDLERS = {
    rtcp.SR: _on_report,
    rtcp.RR: _on_report,
    rtcp.BYE: _on_bye,
    rtcp.RTPFB: _on_transport_feedback,
    rtcp.PSFB: _on_payload_feedback,
}


# -------------------------------------------------------------------- towards publishers


def request_key_frame(router: Router, stream: UpStream, now: float) -> bool:
    """Sends a PLI for one layer, at most one per 500 ms (200 ms before the second). False when throttled."""
    interval = FIRST_PLI_INTERVAL_SECONDS if stream.pli_count < 2 else PLI_INTERVAL_SECONDS
    if now - stream.pli_at < interval or not stream.is_video:
        return False
    if now - stream.pli_at > 10 * PLI_INTERVAL_SECONDS:
        stream.pli_count = 0
    stream.pli_at = now
    stream.pli_count += 1
    router.metrics.pli_out += 1
    router.batch.send_rtcp(stream.link, rtcp.pack_pli(stream.link.rtcp_ssrc, stream.ssrc))
    return True


def send_nacks(router: Router, stream: UpStream, now: float) -> bool:
    """Asks for what is missing and due. False when nothing is missing any more."""
    missing = stream.numbers.missing
    due = []
    for extended, entry in list(missing.items()):
        age = now - entry.since
        if age > FORGET_SECONDS:
            del missing[extended]
        elif entry.tries < MAX_NACKS and entry.next_at <= now and age <= GIVE_UP_SECONDS:
            entry.tries += 1
            entry.next_at = now + NACK_INTERVAL_SECONDS
            due.append(extended & 0xFFFF)
        elif age > GIVE_UP_SECONDS and entry.tries >= 0:
            entry.tries = -1
            if stream.is_video and (stream.members or stream.waiting):
                request_key_frame(router, stream, now)
    if due and (stream.members or stream.waiting):
        router.metrics.nack_out += 1
        router.batch.send_rtcp(stream.link, rtcp.pack_nack(stream.link.rtcp_ssrc, stream.ssrc, due))
    return bool(missing)


def send_receiver_reports(router: Router, link: Link, now: float) -> None:
    """RR of all streams of a publisher, and REMB when it has no transport-cc."""
    reports = [_receiver_report(stream, now) for stream in link.streams.values() if stream.repairs is None]
    if not reports:
        return
    packet = rtcp.pack_receiver_report(link.rtcp_ssrc, reports)
    if not link.transport_cc_id:
        ssrcs = [s.ssrc for s in link.streams.values() if s.is_video and s.repairs is None]
        if ssrcs:
            packet += rtcp.pack_remb(link.rtcp_ssrc, router.settings.publisher_bitrate_bps, ssrcs)
    router.batch.send_rtcp(link, packet)


def _receiver_report(stream: UpStream, now: float) -> Report:
    numbers = stream.numbers
    expected = numbers.highest - numbers.first + 1
    expected_now = expected - stream.expected_reported
    received_now = stream.packets - stream.received_reported
    stream.expected_reported, stream.received_reported = expected, stream.packets
    stream.loss = max(0.0, 1 - received_now / expected_now) if expected_now > 0 else 0.0
    stream.measure(now)
    delay = int((now - stream.lsr_at) * 65536) if stream.lsr else 0
    return Report(
        stream.ssrc,
        stream.loss,
        max(0, expected - stream.packets),
        numbers.highest - 0x10000,
        int(stream.jitter),
        stream.lsr,
        delay,
    )


def send_arrivals(router: Router, link: Link) -> None:
    """The transport-cc feedback for what came since the last one."""
    first, high = link.twcc_next, link.twcc_high
    if first < 0 or high < first:
        return
    arrivals = link.arrivals
    times = [arrivals[number % TWCC_WINDOW] for number in range(first, high + 1)]
    media = next(iter(link.streams), 0)
    done = 0
    while done < len(times):
        packet, described = rtcp.pack_transport_cc(
            link.rtcp_ssrc, media, first + done, times[done:], link.twcc_feedbacks
        )
        link.twcc_feedbacks += 1
        router.batch.send_rtcp(link, packet)
        done += max(1, described)
    for number in range(first, high + 1):
        arrivals[number % TWCC_WINDOW] = 0
    link.twcc_next = high + 1


# -------------------------------------------------------------------- towards subscribers


def send_sender_reports(router: Router, link: Link, now: float) -> None:
    """SR and CNAME of every track that is due, translated to the subscriber's timestamps.

    The pair (NTP, RTP) of the publisher's last SR is moved on to now along both clocks, which keeps lip sync: it is the
    same line through the same point.
    """
    packet = b""
    names: list[tuple[int, str]] = []
    for down in link.downs.values():
        stream, numbers = down.stream, down.numbers
        if stream is None or numbers is None or not stream.sr_at or now - down.sr_at < SR_INTERVAL_SECONDS:
            continue
        elapsed = now - stream.sr_at
        ntp = stream.sr_ntp + int(elapsed * (1 << 32))
        timestamp = stream.sr_rtp + int(elapsed * down.up.clock_rate) + numbers.timestamp
        sent = SenderInfo(down.ssrc, ntp & (1 << 64) - 1, timestamp, down.packets, down.payload_bytes)
        packet += rtcp.pack_sender_report(sent)
        names.append((down.ssrc, down.up.cname))
        down.sr_at, down.sr_lsr = now, ntp >> 16 & 0xFFFFFFFF
        if len(names) >= 12:  # keeps the compound within one datagram: 28 bytes and up to 60 for the name
            router.batch.send_rtcp(link, packet + rtcp.pack_cnames(names))
            packet, names = b"", []
    if names:
        router.batch.send_rtcp(link, packet + rtcp.pack_cnames(names))


def send_train(router: Router, link: Link, now: float) -> None:
    """Times the link by padding when its estimate asks for it and a frame of some video has just ended."""
    estimate = link.downlink
    if estimate is None or link.column <= 0:
        return
    size = estimate.train_bytes(now)
    if not size:
        return
    count = max(MIN_TRAIN, min(MAX_TRAIN, size // (rtp.OUT_HEADER_BYTES + PADDING_BYTES)))
    for down in link.downs.values():
        first = int(router.batch.counters[link.column]) + 1
        if rtp.TRANSPORT_CC_ID in down.extensions and down.send_train(count):
            link.train = Train(first & 0xFFFF, count)
            return


def _on_train_arrivals(link: Link, train: Train, arrivals: rtcp.Arrivals, now: float) -> None:
    """Collects when the packets of a train came; its rate is known when the last one is reported."""
    estimate, times = link.downlink, arrivals.times_us
    start = (arrivals.base - train.first) & 0xFFFF
    start = start if start < 0x8000 else start - 0x10000
    reported = times[max(0, -start) : max(0, train.count - start)]
    train.reported += len(reported)
    train.times_us += [time for time in reported if time is not None]
    if estimate is None or start + len(times) < train.count:
        return
    link.train = None
    if train.reported < TRAIN_SHARE * train.count:
        estimate.on_train_unknown(now)  # the feedback was lost, not the train
    elif len(train.times_us) < TRAIN_SHARE * train.count:
        estimate.on_train(now, None)
    else:
        estimate.on_train(now, train_rate(train.times_us, rtp.OUT_HEADER_BYTES + PADDING_BYTES))


def _judge(router: Router, link: Link, now: float, tell: object) -> None:
    """Feeds the link's estimate, and acts at once when it found congestion."""
    estimate = link.downlink
    if estimate is None or not callable(tell):
        return
    before = estimate.congestions
    tell(estimate)
    if estimate.congestions != before:
        allocate_link(router, link, now, is_congested=True)


def allocate_link(router: Router, link: Link, now: float, *, is_congested: bool = False) -> None:
    """Gives each video of a subscriber the layer that its link can take."""
    estimate = link.downlink
    if estimate is None:
        return
    estimate.on_sent(now, int(router.batch.sent_bytes[link.column]))
    send_train(router, link, now)
    if estimate.cap_bps is None:
        is_starting = estimate.is_starting(now)
        for down in list(link.downs.values()):
            allowed = 0 if is_starting and down.starts_low else HIGHEST_QUALITY
            if down.allowed != allowed:
                down.allow(allowed)
        return
    asking: list[DownTrack] = []
    demands = []
    audio_bps = 0.0
    for down in list(link.downs.values()):
        if down.up.kind == "audio":
            if down.stream is not None and not down.up.is_silent:
                audio_bps += max(AUDIO_RESERVE_BPS, down.stream.bitrate_bps)
        else:
            demand = down.demand()
            if demand is not None:
                asking.append(down)
                demands.append(demand)
    allocation = allocate(estimate.cap_bps, audio_bps, demands)
    estimate.advance(now, audio_bps, allocation)
    for down, quality in zip(asking, allocation.qualities, strict=True):
        if quality != down.allowed:
            down.allow(quality)
        if is_congested and quality != PAUSED:
            down.cut()
