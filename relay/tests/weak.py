"""A call over a simulated link, in virtual time: the real router and batch, a seeded link, a receiver with its moods.

Alice sends a microphone and a camera; Bob receives them through `tests.shaper.Link`, stamps what came when he gets to
read it, and reports it by transport-cc over a link of its own. Nothing waits for a clock.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import NamedTuple

from relay import rtcp
from relay.router import Layer
from relay.tests.plane import Plane
from relay.tests.rtc_client import rtp_packet, vp8_payload
from tests.shaper import Link, Profile

LAYERS = (Layer(0, "q", 320, 180, 150_000), Layer(1, "h", 640, 360, 450_000), Layer(2, "f", 1280, 720, 1_700_000))
SINGLE = (Layer(2, "", 1280, 720, 800_000),)
STEP_SECONDS = 0.02
FRAME_STEPS = 2  # 25 pictures a second
FEEDBACK_STEPS = 5
PACKET_BYTES = 1_000
SRTP_BYTES = 16
LATE_SECONDS = 0.4  # sound that comes later than this is not played
START_AT = 1000.0  # on the plane's clock
AUDIO_SSRC, VIDEO_SSRC = 50, 10


class Came(NamedTuple):
    """A packet that the link let through: when it came, when it was sent, its transport-cc number."""

    at: float
    sent_at: float
    number: int
    is_audio: bool


class Encoder:
    """One layer: frames of uneven size at a constant rate, and larger key frames when they are asked for."""

    def __init__(self, layer: Layer, ssrc: int, chance: random.Random) -> None:
        self.layer, self.ssrc = layer, ssrc
        self.rate_bps = layer.bitrate_bps
        self.sequence = self.frame = 0
        self.wants_key = True
        self._chance = chance

    def packets(self) -> list[bytes]:
        """The packets of the next frame."""
        size = self.rate_bps / 8 * FRAME_STEPS * STEP_SECONDS * self._chance.uniform(0.7, 1.3)
        is_key, self.wants_key = self.wants_key, False
        count = max(1, round((4 * size if is_key else size) / PACKET_BYTES))
        length = round((4 * size if is_key else size) / count)
        self.frame += 1
        made = []
        for place in range(count):
            self.sequence += 1
            payload = vp8_payload(self.frame, self.frame, key=is_key, size=length, start=place == 0)
            rid = {2: self.layer.rid.encode()} if self.layer.rid else None
            last = place == count - 1
            made.append(
                rtp_packet(
                    self.ssrc, self.sequence, 3600 * self.frame, payload, payload_type=96, marker=last, extensions=rid
                )
            )
        return made


class WeakCall:
    """`run(seconds)`, then look at what Bob got. `wakes(now)`: when a receiver that has something to read now reads."""

    def __init__(
        self,
        down: Profile,
        *,
        up: Profile | None = None,
        layers: tuple[Layer, ...] = LAYERS,
        seed: int = 1,
        wakes: Callable[[float], float] = float,
        buffer_packets: int = 1000,
    ) -> None:
        self.plane = plane = Plane()
        self.alice, self.bob = plane.peer(), plane.peer()
        rids = tuple(layer.rid for layer in layers if layer.rid)
        self.video = plane.publish(self.alice, "video", rids=rids)
        self.video.set_layers(layers)
        self.audio = plane.publish(self.alice)
        self.camera = plane.subscribe(self.video, self.bob)
        plane.subscribe(self.audio, self.bob)
        self.down = Link(down, random.Random(f"{seed} down"))
        self.up = Link(up or Profile(), random.Random(f"{seed} up"))
        self.wakes = wakes
        self.buffer_packets = buffer_packets  # what its socket holds until it reads
        chance = random.Random(f"{seed} frames")
        self.encoders = [Encoder(layer, VIDEO_SSRC + place, chance) for place, layer in enumerate(layers)]
        self.steps = self.overflowed = 0
        self.audio_sent = self.audio_heard = 0
        self.layer_seconds: dict[str, float] = {}
        self.queue_seconds: list[float] = []  # how long each packet took
        self._unread: list[Came] = []
        self._read: dict[int, int] = {}  # transport-cc number -> microseconds
        self._reported = -1
        self._highest = 0
        self._feedbacks: list[tuple[float, int, bytes]] = []

    @property
    def estimate(self) -> float | None:
        """What the relay believes of the link."""
        assert self.bob.link.downlink is not None
        return self.bob.link.downlink.cap_bps

    @property
    def congestions(self) -> int:
        """How often it found the link flooded."""
        assert self.bob.link.downlink is not None
        return self.bob.link.downlink.congestions

    @property
    def heard(self) -> float:
        """The part of the sound that came in time, since `forget`."""
        return self.audio_heard / self.audio_sent

    def forget(self) -> None:
        """Figures begin anew."""
        self.audio_sent = self.audio_heard = 0
        self.layer_seconds.clear()
        self.queue_seconds.clear()
        self.plane.paused.clear()

    def run(self, seconds: float) -> None:
        """The call goes on."""
        for _ in range(round(seconds / STEP_SECONDS)):
            self._step()

    def _step(self) -> None:
        plane = self.plane
        self.alice.audio(self.steps, ssrc=AUDIO_SSRC, text=bytes(80))
        if self.steps % FRAME_STEPS == 0:
            for encoder in self.encoders:
                for packet in encoder.packets():
                    self.alice.send(packet)
        self.steps += 1
        plane.advance(STEP_SECONDS)
        self._deliver()
        self._answer_key_requests()
        self._receive()
        if self.steps % FEEDBACK_STEPS == 0:
            self._report()
        while self._feedbacks and self._feedbacks[0][0] <= plane.now:
            self.bob.send_rtcp(heapq.heappop(self._feedbacks)[2])
        layer = "-" if self.camera.is_paused else self.camera.current_layer
        self.layer_seconds[layer] = self.layer_seconds.get(layer, 0) + STEP_SECONDS

    def _deliver(self) -> None:
        """What left the relay goes onto the link."""
        now = self.plane.now
        for packet in self.bob.take():
            is_audio = packet.ssrc == self.audio.ssrc
            self.audio_sent += is_audio
            arrival = self.down.arrival(len(packet.data) + SRTP_BYTES, now)
            if arrival is not None:
                heapq.heappush(self._unread, Came(arrival, now, packet.number, is_audio))

    def _answer_key_requests(self) -> None:
        asked = {int.from_bytes(p[8:12], "big") for p in self.alice.feedback(rtcp.PSFB, rtcp.PLI)}
        self.alice.rtcp.clear()
        for encoder in self.encoders:
            encoder.wants_key = encoder.wants_key or encoder.ssrc in asked

    def _receive(self) -> None:
        now = self.plane.now
        waiting = 0
        while self._unread and (read_at := self.wakes(self._unread[0].at)) <= now:
            came = heapq.heappop(self._unread)
            waiting = waiting + 1 if read_at > came.at else 0
            if waiting > self.buffer_packets:
                self.overflowed += 1
                continue
            delay = came.at - came.sent_at  # a link's: what the receiver is late is no fault of it
            self.queue_seconds.append(delay)
            self.audio_heard += came.is_audio and delay < LATE_SECONDS
            number = self._highest + ((came.number - self._highest + 0x8000) & 0xFFFF) - 0x8000
            self._highest = max(self._highest, number)
            self._read[number] = int(read_at * 1e6)

    def _report(self) -> None:
        now = self.plane.now
        if self.wakes(now) > now or self._highest <= self._reported:
            return  # the receiver is not scheduled, or has nothing to say
        start = self._reported + 1 if self._reported >= 0 else min(self._read)
        times = [self._read.pop(number, 0) for number in range(start, self._highest + 1)]
        self._reported = self._highest
        done = 0
        while done < len(times):
            packet, described = rtcp.pack_transport_cc(1, 1, start + done, times[done:], self.steps)
            done += max(1, described)
            arrival = self.up.arrival(len(packet), now)
            if arrival is not None:
                heapq.heappush(self._feedbacks, (arrival, self.steps, packet))
