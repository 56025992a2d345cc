"""Packets per CPU-second of the relay's fan-out, as JSON lines: the real router and batch, keys and loopback sockets.

    .venv/bin/python -m bench.hot_path [--seconds 2] [--drain 16] [--mode auto,sendmmsg,sendto] [--scenario NAME]

Publishers' packets are protected beforehand and handed to `Router.on_rtp` in drains, as `ports.UdpPort` does;
subscribers are sockets that a child process drains. Left out: reading the socket (about 2 µs a packet in), ticks,
signalling. `--seconds` is CPU time, so that a busy machine measures as much as a quiet one. Quote before and after when
the hot path is changed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import select
import socket
import struct
import time
from typing import NamedTuple

from pylibsrtp import Policy, Session

from relay.batch import ffi
from relay.config import Settings
from relay.link import Link, Path
from relay.metrics import Metrics
from relay.router import DownTrack, ReceiveSlot, Router, UpSection, UpTrack

_PROFILE = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
_KEY_BYTES = 28
PACKETS_READY = 400  # of each publisher; sent again and again with a fresh session


class Scenario(NamedTuple):
    """`burst` packets of one frame come together; `size` is a full packet, the last of a frame is shorter."""

    name: str
    kind: str
    publishers: int
    subscribers: int
    burst: int
    size: int


SCENARIOS = (
    Scenario("audio 5 -> 20", "audio", 5, 20, 1, 60),
    Scenario("audio 20 -> 39", "audio", 20, 39, 1, 60),
    Scenario("video 3 -> 10", "video", 3, 10, 7, 1150),
    Scenario("video low 10 -> 10", "video", 10, 10, 2, 700),
    Scenario("video 6 -> 65", "video", 6, 65, 7, 1150),
)


def session(key: bytes, kind: int) -> Session:
    """An SRTP session as DTLS would make it."""
    policy = Policy(key=key, ssrc_type=kind, srtp_profile=_PROFILE)
    policy.allow_repeat_tx = True
    policy.window_size = 1024
    return Session(policy)


def drain_sockets(sockets: list[socket.socket]) -> None:
    """The child: reads and forgets."""
    poll = select.epoll()
    by_fd = {s.fileno(): s for s in sockets}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    while True:
        for fd, _ in poll.poll():
            for _ in range(64):
                try:
                    by_fd[fd].recv(2048, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    break


def subscriber(sender: socket.socket, target: socket.socket) -> Link:
    """A link whose packets go to `target`."""
    link = Link()
    own = session(os.urandom(_KEY_BYTES), Policy.SSRC_ANY_OUTBOUND)
    link.tx, link.sessions = own._srtp[0], (own,)
    host, port = target.getsockname()
    path = link.selected = Path(link, f"{host}:{port}")
    path.fd = sender.fileno()
    raw = struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)
    path.name = ffi.new("char[]", raw)
    path.name_pointer, path.name_length = int(ffi.cast("uintptr_t", path.name)), 16
    return link


class Publisher:
    """A link with ready packets."""

    def __init__(self, router: Router, scenario: Scenario, number: int) -> None:
        self.link = Link()
        self.key = os.urandom(_KEY_BYTES)
        self.scenario = scenario
        mime = "audio/opus" if scenario.kind == "audio" else "video/vp8"
        self.track = UpTrack(
            router,
            self.link,
            kind=scenario.kind,
            mime_type=mime,
            on_first_packet=lambda: None,
            on_wanted=lambda wanted: None,
        )
        names = {"audio-level": 1} if scenario.kind == "audio" else {"transport-cc": 3}
        router.set_sections(
            self.link, [UpSection(mid="0", track=self.track, payload_types={100: mime}, extensions=names)]
        )
        self.restart()
        self.packets = self._make(number)
        self.at = 0

    def restart(self) -> None:
        """A fresh receiving session: the same packets are no replays to it."""
        own = session(self.key, Policy.SSRC_ANY_INBOUND)
        self.link.rx, self.link.sessions = own._srtp[0], (own,)

    def _make(self, number: int) -> list[bytes]:
        sender = session(self.key, Policy.SSRC_ANY_OUTBOUND)
        rng = random.Random(number)
        packets = []
        burst, size = self.scenario.burst, self.scenario.size
        for sequence in range(PACKETS_READY):
            picture, place = divmod(sequence, burst)
            head = struct.pack("!BBHII", 0x90, 100, sequence, 3000 * picture, 1000 + number)
            if self.scenario.kind == "audio":
                block = struct.pack("!HHBB2x", 0xBEDE, 1, 0x10, 40)
                payload = bytes(size)
            else:
                block = struct.pack("!HHBHx", 0xBEDE, 1, 0x31, sequence)
                first = 0x90 if place == 0 else 0x80
                descriptor = struct.pack("!BBHBB", first, 0xC0, 0x8000 | picture, picture & 255, sequence > 0)
                payload = descriptor + bytes(size if place < burst - 1 else rng.randrange(50, size))
            packets.append(sender.protect(head + block + payload))
        return packets

    def next(self) -> bytes:
        """The next packet, starting over after the last."""
        if self.at == len(self.packets):
            self.at = 0
            self.restart()
            stream = next(iter(self.link.streams.values()))
            # The sequence numbers begin again, as after 65,536 packets; nothing is lost by it.
            stream.numbers.highest = (stream.numbers.highest >> 16) + 1 << 16 | 0xFFFF
            stream.numbers.shift = 0
        packet = self.packets[self.at]
        self.at += 1
        return packet


def run(scenario: Scenario, mode: str, drain: int, seconds: float) -> dict[str, object]:
    """One scenario in one mode of sending."""
    metrics = Metrics()
    router = Router(Settings(send_mode=mode), metrics)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    sender.bind(("127.0.0.1", 0))
    sender.setblocking(False)
    targets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(scenario.subscribers)]
    for target in targets:
        target.bind(("127.0.0.1", 0))
    child = multiprocessing.get_context("fork").Process(target=drain_sockets, args=(targets,), daemon=True)
    child.start()
    publishers = [Publisher(router, scenario, number) for number in range(scenario.publishers)]
    links = [subscriber(sender, target) for target in targets]
    names = {"abs-send-time": 2, "transport-cc": 3, "audio-level": 4}
    number = 111 if scenario.kind == "audio" else 96
    for publisher in publishers:
        for link in links:
            DownTrack(
                publisher.track, link, payload_type=number, extensions=names, on_paused=lambda paused: None
            ).start()
    slots = [ReceiveSlot() for _ in range(drain)]
    turn = 0
    cpu = system = 0.0
    warm_until = time.process_time() + seconds / 5
    while True:
        if not cpu and time.process_time() > warm_until:
            metrics.reset()
            cpu, system = time.process_time(), os.times().system
        if cpu and time.process_time() > cpu + seconds:
            break
        started = time.monotonic_ns()
        router.begin(started)
        filled = 0
        while filled < drain:
            publisher = publishers[turn % len(publishers)]
            turn += 1
            for _ in range(min(scenario.burst, drain - filled)):
                packet = publisher.next()
                slot = slots[filled]
                slot.packet[: len(packet)] = packet
                router.on_rtp(publisher.link, slot, len(packet))
                filled += 1
        router.flush()
        metrics.latency.add((time.monotonic_ns() - started) // 1000, filled)
    used = time.process_time() - cpu
    system = os.times().system - system
    child.terminate()
    child.join()
    for link in links:
        router.forget_link(link)
    for sock in (*targets, sender):
        sock.close()
    return {
        "scenario": scenario.name,
        "mode": mode,
        "drain": drain,
        "packets_out_per_cpu_second": round(metrics.packets_out / used),
        "packets_in": metrics.packets_in,
        "packets_out": metrics.packets_out,
        "microseconds_per_packet_out": round(used / max(1, metrics.packets_out) * 1e6, 2),
        "system_share": round(system / used, 2),
        "drain_us_p99": metrics.latency.quantile(0.99),
        "gso_runs": metrics.gso_runs,
        "blocked": metrics.send_blocked,
        "failed": metrics.send_failed + metrics.protect_failed + metrics.unprotect_failed,
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--drain", type=int, default=16)
    parser.add_argument("--mode", default="auto,sendmmsg,sendto")
    parser.add_argument("--scenario", default="", help="only those whose name contains this")
    args = parser.parse_args()
    for scenario in SCENARIOS:
        if args.scenario in scenario.name:
            for mode in args.mode.split(","):
                print(json.dumps(run(scenario, mode, args.drain, args.seconds)), flush=True)


if __name__ == "__main__":
    main()
