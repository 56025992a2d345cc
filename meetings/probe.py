"""A synthetic participant on LiveKit's own Python RTC SDK, for `manage.py selftest`, the tests and the benchmarks.

It publishes its test card and tone (`testcard.py`) and notes what it decodes of everybody else's. It is an ordinary
client: it knows a websocket address and a token, nothing of the engine behind.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from livekit import rtc

from meetings.testcard import (
    TONE_SAMPLE_RATE,
    TONE_WINDOW_SAMPLES,
    Card,
    hear_tones,
    make_tone,
    read_card,
    render_card,
)

FRAMES_PER_SECOND = 10
_TONE_SENT_AT_HZ = 48_000
_TONE_CHUNK_SAMPLES = 2_400  # 50 ms a call
_TONE_QUEUE_MS = 150  # how far the native side may run ahead: sound stays as fresh as a microphone's
_GRAIN, _GRAINS = 6, 7  # steps of luma up to the white of a card, and different pictures of it
_REMEMBERED = 4_000  # sightings kept: 100 s of two others at full rate


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture that was decoded and read."""

    at: float
    identity: str
    track_sid: str
    card: Card
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Heard:
    """100 ms of sound with at least one tone in it."""

    at: float
    identity: str
    track_sid: str
    tones: frozenset[int]


@dataclass(slots=True)
class Losses:
    """What the receivers of one participant report, summed over its tracks since they were subscribed."""

    packets_received: int = 0
    packets_lost: int = 0
    samples_received: int = 0
    samples_concealed: int = 0

    @property
    def loss(self) -> float:
        expected = self.packets_received + self.packets_lost
        return self.packets_lost / expected if expected else 0.0


@dataclass(slots=True)
class ProbeOptions:
    """What the participant sends and how it connects."""

    audio: bool = True
    video: bool = True
    width: int = 320  # small: ten of them share two cores
    height: int = 192
    simulcast: bool = True
    grain: bool = (
        False  # film grain on the card, so that it costs its encoder's full bit rate as a camera's picture does
    )
    watch: bool = True  # decode the pictures of others; costs a VP8 decoder each
    listen: bool = True
    room: rtc.RoomOptions = field(default_factory=rtc.RoomOptions)


class Probe:
    """One participant. Its number chooses its card and its tone; its identity is the token's."""

    def __init__(self, number: int, options: ProbeOptions | None = None) -> None:
        self.number = number
        self.options = options or ProbeOptions()
        self.room = rtc.Room()
        self.seen: deque[Seen] = deque(maxlen=_REMEMBERED)
        self.heard: deque[Heard] = deque(maxlen=_REMEMBERED)
        self.unreadable: Counter[str] = Counter()  # pictures that were no undamaged card, by identity
        self.events: list[tuple[float, str, object]] = []
        self.data: list[rtc.DataPacket] = []
        self.joined_after: float | None = None  # seconds from `join` to connected
        self.first_sound_after: float | None = None
        self.first_frame_after: float | None = None
        self.audio: rtc.LocalTrackPublication | None = None
        self.video: rtc.LocalTrackPublication | None = None
        self._started_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._counter = 0
        self._note_events()

    @property
    def identity(self) -> str:
        return self.room.local_participant.identity

    async def join(self, url: str, token: str) -> None:
        """Connects and publishes; raises rtc.ConnectError where the portal refuses."""
        self._started_at = time.monotonic()
        await self.room.connect(url, token, options=self.options.room)
        self.joined_after = time.monotonic() - self._started_at
        if self.options.audio:
            await self.publish_tone()
        if self.options.video:
            await self.publish_card()

    async def publish_tone(self, source: rtc.TrackSource.ValueType = rtc.TrackSource.SOURCE_MICROPHONE) -> None:
        """Sends the participant's tone from now on."""
        tone = rtc.AudioSource(_TONE_SENT_AT_HZ, 1, queue_size_ms=_TONE_QUEUE_MS)
        track = rtc.LocalAudioTrack.create_audio_track("tone", tone)
        # No DTX: it may take a steady tone for background noise and fall silent.
        options = rtc.TrackPublishOptions(source=source, dtx=False)
        self.audio = await self.room.local_participant.publish_track(track, options)
        self._run(self._send_tone(tone))

    async def publish_card(self, source: rtc.TrackSource.ValueType = rtc.TrackSource.SOURCE_CAMERA) -> None:
        """Sends the participant's test card from now on."""
        card = rtc.VideoSource(self.options.width, self.options.height)
        track = rtc.LocalVideoTrack.create_video_track("card", card)
        options = rtc.TrackPublishOptions(source=source, simulcast=self.options.simulcast)
        self.video = await self.room.local_participant.publish_track(track, options)
        self._run(self._send_cards(card))

    def set_muted(self, muted: bool) -> None:
        """Mutes or unmutes what the participant sends, as its own buttons would."""
        for publication in (self.audio, self.video):
            track = publication.track if publication else None
            if track is not None:
                (track.mute if muted else track.unmute)()

    async def unpublish(self) -> None:
        """Takes its tracks back; `publish_tone` and `publish_card` bring new ones."""
        for publication in (self.audio, self.video):
            if publication is not None:
                await self.room.local_participant.unpublish_track(publication.sid)
        self.audio = self.video = None

    def forget(self) -> None:
        """Whatever is seen or heard after this call was decoded after it."""
        self.seen.clear()
        self.heard.clear()

    def sees(self) -> dict[str, set[int]]:
        """Whose card each participant's pictures showed since `forget`."""
        return _by_identity((seen.identity, (seen.card.number,)) for seen in self.seen)

    def hears(self) -> dict[str, set[int]]:
        """Whose tone each participant's sound carried since `forget`."""
        return _by_identity((heard.identity, heard.tones) for heard in self.heard)

    def counters(self, identity: str) -> set[int]:
        """The frames of one participant that were seen since `forget`: a frozen picture shows one only."""
        return {seen.card.counter for seen in self.seen if seen.identity == identity}

    def sizes(self, identity: str) -> list[int]:
        """The widths of one participant's pictures since `forget`, as they came."""
        return [seen.width for seen in self.seen if seen.identity == identity]

    def event_names(self) -> list[str]:
        return [name for _, name, _ in self.events]

    async def losses(self) -> Losses:
        """Loss and concealment of everything received."""
        losses = Losses()
        for stats in await self._reports():
            if not stats.HasField("inbound_rtp"):
                continue
            received, inbound = stats.inbound_rtp.received, stats.inbound_rtp.inbound
            losses.packets_received += received.packets_received
            losses.packets_lost += max(0, received.packets_lost)
            losses.samples_received += inbound.total_samples_received
            losses.samples_concealed += inbound.concealed_samples
        return losses

    async def path(self) -> str:
        """How media reaches this participant: "udp", "tcp", or "relay" through a TURN server; "" before it does."""
        reports = await self._reports()
        local = {report.local_candidate.rtc.id: report.local_candidate.candidate for report in reports}
        pairs = {report.candidate_pair.rtc.id: report.candidate_pair.candidate_pair for report in reports}
        for report in reports:
            pair = pairs.get(report.transport.transport.selected_candidate_pair_id)
            candidate = local.get(pair.local_candidate_id) if pair else None
            if candidate is not None and report.HasField("transport"):
                is_relayed = candidate.candidate_type == rtc.stats.RELAY
                return "relay" if is_relayed else candidate.protocol
        return ""

    async def _reports(self) -> list[rtc.stats.RtcStats]:
        """Of the connection on which media comes: with LiveKit's server a single one carries both ways."""
        stats = await self.room.get_rtc_stats()
        has_media = any(report.HasField("inbound_rtp") for report in stats.subscriber_stats)
        return list(stats.subscriber_stats if has_media else stats.publisher_stats)

    async def leave(self) -> None:
        """Disconnects and ends every task. Never raises for a call that has ended by itself."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.room.disconnect()

    # --- sending -----------------------------------------------------------------------------------------------

    async def _send_tone(self, source: rtc.AudioSource) -> None:
        first = 0
        while True:
            samples = make_tone(self.number, _TONE_SENT_AT_HZ, first, _TONE_CHUNK_SAMPLES)
            frame = rtc.AudioFrame(samples.tobytes(), _TONE_SENT_AT_HZ, 1, _TONE_CHUNK_SAMPLES)
            await source.capture_frame(frame)  # waits while the queue is full: this is the clock
            first += _TONE_CHUNK_SAMPLES

    async def _send_cards(self, source: rtc.VideoSource) -> None:
        width, height = self.options.width, self.options.height
        grains = _grains(width * height) if self.options.grain else None
        due = time.monotonic()
        while True:
            picture = render_card(Card(self.number, self._counter), width, height)
            if grains is not None:
                picture[: width * height] += grains[self._counter % len(grains)]
            source.capture_frame(rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, picture.tobytes()))
            self._counter += 1
            due = max(due + 1 / FRAMES_PER_SECOND, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    # --- receiving ---------------------------------------------------------------------------------------------

    def _note_events(self) -> None:
        def note(name: rtc.room.EventTypes) -> None:
            self.room.on(name, lambda *args: self.events.append((time.monotonic(), name, args)))

        for name in _NOTED:
            note(name)
        self.room.on("track_subscribed", self._on_track)
        self.room.on("data_received", self.data.append)

    def _on_track(
        self, track: rtc.RemoteTrack, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        if isinstance(track, rtc.RemoteAudioTrack) and self.options.listen:
            self._run(self._listen(track, participant.identity))
        elif isinstance(track, rtc.RemoteVideoTrack) and self.options.watch:
            self._run(self._watch(track, participant.identity))

    async def _listen(self, track: rtc.RemoteAudioTrack, identity: str) -> None:
        stream = rtc.AudioStream(track, sample_rate=TONE_SAMPLE_RATE, frame_size_ms=100, capacity=20)
        try:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16)
                tones = hear_tones(samples) if samples.size == TONE_WINDOW_SAMPLES else frozenset()
                if tones:
                    self.first_sound_after = self.first_sound_after or time.monotonic() - self._started_at
                    self.heard.append(Heard(time.monotonic(), identity, track.sid, tones))
        finally:
            await stream.aclose()

    async def _watch(self, track: rtc.RemoteVideoTrack, identity: str) -> None:
        stream = rtc.VideoStream(track, format=rtc.VideoBufferType.I420, capacity=4)
        try:
            async for event in stream:
                frame = event.frame
                card = read_card(np.frombuffer(frame.data, np.uint8), frame.width, frame.height)
                if card is None:
                    self.unreadable[identity] += 1
                    continue
                self.first_frame_after = self.first_frame_after or time.monotonic() - self._started_at
                self.seen.append(Seen(time.monotonic(), identity, track.sid, card, frame.width, frame.height))
        finally:
            await stream.aclose()

    def _run(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_NOTED: tuple[rtc.room.EventTypes, ...] = (
    "participant_connected",
    "participant_disconnected",
    "track_published",
    "track_unpublished",
    "track_subscribed",
    "track_unsubscribed",
    "track_muted",
    "track_unmuted",
    "participant_metadata_changed",
    "participant_name_changed",
    "participant_attributes_changed",
    "connection_state_changed",
    "disconnected",
    "reconnecting",
    "reconnected",
)


def _grains(size: int) -> npt.NDArray[np.uint8]:
    """Noise for the luma of some pictures. Its mean is small enough to leave black black and white white."""
    return np.random.default_rng(1).integers(0, _GRAIN, (_GRAINS, size), np.uint8)


def _by_identity(noted: Iterable[tuple[str, Iterable[int]]]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for identity, numbers in noted:
        found.setdefault(identity, set()).update(numbers)
    return found
