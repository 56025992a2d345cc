"""A stage for control-half tests: rooms on a fake media plane, a hand-turned clockwork, and clients that speak SDP."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from livekit.protocol import models, rtc

from relay import sdp, signalling
from relay.config import Settings
from relay.context import Context
from relay.media import TransportState
from relay.participant import JoinOptions, Participant
from relay.permissions import Permission
from relay.rooms import Rooms
from relay.tests.fake_media import FakeDownTrack, FakeMedia, FakeTransport, FakeUpTrack

FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["CD"] * 32)
AUDIO = models.TrackType.AUDIO
VIDEO = models.TrackType.VIDEO
CAMERA = models.TrackSource.CAMERA
MICROPHONE = models.TrackSource.MICROPHONE


class Handle:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Timers:
    """`later` of the event loop, fired by hand and in order of time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._pending: list[tuple[float, int, Handle]] = []
        self._numbers = itertools.count()

    def later(self, delay: float, callback: Callable[[], None]) -> Handle:
        handle = Handle(callback)
        self._pending.append((self.now + delay, next(self._numbers), handle))
        return handle

    def advance(self, seconds: float) -> None:
        """Fires everything due within `seconds`, also what that schedules."""
        end = self.now + seconds
        while True:
            self._pending.sort()
            if not self._pending or self._pending[0][0] > end:
                break
            self.now, _, handle = self._pending.pop(0)
            if handle.callback is not None:
                handle.callback()
        self.now = end


class Sink:
    """A websocket that keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[rtc.SignalResponse] = []
        self.closed: str | None = None

    def send(self, payload: bytes) -> None:
        assert self.closed is None, "sent after close"
        self.sent.append(rtc.SignalResponse.FromString(payload))

    def close(self, reason: str) -> None:
        self.closed = reason

    def names(self) -> list[str]:
        return [str(message.WhichOneof("message")) for message in self.sent]

    def all(self, name: str) -> list[Any]:
        return [getattr(message, name) for message in self.sent if message.WhichOneof("message") == name]

    def last(self, name: str) -> Any:
        found = self.all(name)
        assert found, f"no {name} among {self.names()}"
        return found[-1]


class Stage:
    """One worker without sockets."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.media = FakeMedia()
        self.timers = Timers()
        self.context = Context(settings or Settings(), self.media.as_plane, later=self.timers.later, spawn=_run_now)
        self.rooms = Rooms(self.context)

    @property
    def counters(self) -> dict[str, int]:
        return self.context.counters

    def settle(self) -> None:
        """Lets debounced updates and offers out."""
        self.timers.advance(0.1)

    def events(self) -> list[Any]:
        from livekit.protocol import webhook

        return [webhook.WebhookEvent.FromString(event.payload) for event in self.context.events.after(0)]

    def event_names(self) -> list[str]:
        return [event.event for event in self.events()]

    def join(self, identity: str, room: str = "council", **options: Any) -> Client:
        """A client that has joined, answered the first offer and connected both ways."""
        client = self.open(identity, room, **options)
        client.connect()
        self.settle()
        return client

    def open(self, identity: str, room: str = "council", **options: Any) -> Client:
        return Client(self, JoinOptions(room=room, identity=identity, name=identity.title(), **options))

    def resume(self, client: Client) -> Sink:
        """The same client on a new websocket."""
        options = JoinOptions(
            room=client.options.room,
            identity=client.options.identity,
            permission=client.options.permission,
            is_reconnect=True,
            sid=client.participant.sid,
        )
        sink = Sink()
        self.rooms.open(options, sink)
        client.sink = sink
        return sink


class Client:
    """A stock client as the relay sees it."""

    def __init__(self, stage: Stage, options: JoinOptions) -> None:
        self.stage = stage
        self.options = options
        self.sink = Sink()
        participant = stage.rooms.open(options, self.sink)
        assert participant is not None
        self.participant: Participant = participant
        self._sections: list[tuple[str, str, str, bool]] = []  # kind, mid, track id, is sending
        self._ufrag = 1

    @property
    def publisher(self) -> FakeTransport:
        return self.stage.media.transports[f"{self.participant.room.sid}/{self.participant.sid}/pub"]

    @property
    def subscriber(self) -> FakeTransport:
        return self.stage.media.transports[f"{self.participant.room.sid}/{self.participant.sid}/sub"]

    def send(self, **message: Any) -> None:
        signalling.receive(self.participant, rtc.SignalRequest(**message).SerializeToString())

    def connect(self) -> None:
        self.stage.settle()
        if self.participant.subscriber is not None:
            self.answer()
            self.subscriber.become(TransportState.CONNECTED)
        else:
            self.publisher.become(TransportState.CONNECTED)

    # Receiving

    def answer(self, text: str | None = None) -> None:
        """Answers the last offer."""
        offer = self.sink.last("offer")
        sdp_text = answer_to(offer.sdp) if text is None else text
        self.send(answer=rtc.SessionDescription(type="answer", sdp=sdp_text, id=offer.id))

    def answer_all(self) -> None:
        """Answers until no further offer comes."""
        for _ in range(10):
            offers = len(self.sink.all("offer"))
            self.answer()
            self.stage.settle()
            if len(self.sink.all("offer")) == offers:
                return
        raise AssertionError("offers without end")

    def downs(self) -> list[FakeDownTrack]:
        """Down tracks that send to this client now."""
        live = [s.down for s in self.participant.subscribing.subscriptions.values() if s.down is not None]
        return [down for down in self.stage.media.downs if down in live]  # type: ignore[comparison-overlap]  # the fake is one

    # Sending

    def add_track(self, cid: str, kind: Any = AUDIO, source: Any = MICROPHONE, **fields: Any) -> None:
        self.send(add_track=rtc.AddTrackRequest(cid=cid, type=kind, source=source, **fields))

    def publish(self, cid: str, kind: Any = AUDIO, source: Any = MICROPHONE, **fields: Any) -> models.TrackInfo:
        """AddTrack, offer, first packet; the others have answered. Returns the client's TrackInfo."""
        self.add_track(cid, kind, source, **fields)
        self.offer(self.with_section(cid, "audio" if kind == AUDIO else "video"))
        info: models.TrackInfo = self.sink.last("track_published").track
        self.up(info.sid).first_packet()
        self.stage.settle()
        return info

    def up(self, track_sid: str) -> FakeUpTrack:
        up = self.participant.publishing.tracks[track_sid].up
        return next(known for known in self.stage.media.ups if known is up)  # type: ignore[comparison-overlap]  # the fake is one

    def with_section(self, cid: str, kind: str, *, mid: str | None = None) -> str:
        """The next publisher offer: one more section, or an old one that sends again."""
        if mid is None:
            self._sections.append((kind, str(len(self._sections)), cid, True))
        else:
            self._sections[int(mid)] = (kind, mid, cid, True)
        return self.offer_text()

    def without_section(self, cid: str) -> str:
        """The next publisher offer, in which the section of `cid` sends no more."""
        self._sections = [(k, m, t, s and t != cid) for k, m, t, s in self._sections]
        return self.offer_text()

    def restart_ice(self) -> str:
        self._ufrag += 1
        return self.offer_text()

    def offer_text(self) -> str:
        return offer_of(self._sections, ufrag=f"client{self._ufrag}")

    def offer(self, text: str, number: int = 0) -> None:
        self.send(offer=rtc.SessionDescription(type="offer", sdp=text, id=number))


def offer_of(sections: list[tuple[str, str, str, bool]], *, ufrag: str = "client1") -> str:
    """A publisher offer as stock clients form it."""
    mids = [mid for _, mid, _, _ in sections]
    lines = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE " + " ".join([*mids, "data"])]
    for kind, mid, track_id, is_sending in sections:
        lines += _media_lines(kind, mid, track_id, is_sending, ufrag)
    lines += ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:data"]
    return "\r\n".join([*lines, *_transport(ufrag), "a=sctp-port:5000"]) + "\r\n"


def _transport(ufrag: str) -> list[str]:
    return [f"a=ice-ufrag:{ufrag}", "a=ice-pwd:a-password-of-24-letters", FINGERPRINT, "a=setup:actpass"]


def _media_lines(kind: str, mid: str, track_id: str, is_sending: bool, ufrag: str) -> list[str]:
    lines = [f"m={kind} 9 UDP/TLS/RTP/SAVPF {'111 63' if kind == 'audio' else '96 97 102'}", "c=IN IP4 0.0.0.0"]
    lines += [f"a=mid:{mid}", *_transport(ufrag), "a=rtcp-mux", "a=sendonly" if is_sending else "a=inactive"]
    if is_sending:
        lines.append(f"a=msid:stream {track_id}")
    if kind == "audio":
        lines += ["a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1", "a=rtcp-fb:111 transport-cc"]
        return [*lines, "a=rtpmap:63 red/48000/2", f"a=extmap:1 {sdp.EXTENSION_URIS['audio-level']}"]
    lines += ["a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 transport-cc"]
    lines += ["a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", "a=rtpmap:102 H264/90000"]
    lines.append("a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")
    return [*lines, f"a=extmap:4 {sdp.EXTENSION_URIS['mid']}", f"a=extmap:10 {sdp.EXTENSION_URIS['rid']}"]


def answer_to(offer: str, *, setup: str = "active", refuse_mid: str = "", refuse_port: bool = False) -> str:
    """What a client answers to an offer of ours: the same sections, receiving; `refuse_port` as Firefox refuses."""
    if refuse_port:
        head, *bodies = offer.split("\r\nm=")
        bodies = [b.replace(" 9 ", " 0 ", 1) if f"a=mid:{refuse_mid}\r\n" in b else b for b in bodies]
        offer = "\r\nm=".join([head, *bodies])
    lines: list[str] = []
    mid = ""
    for line in offer.split("\r\n"):
        if line.startswith("m="):
            lines.append(line)
            continue
        if line.startswith("a=mid:"):
            mid = line[6:]
        if line.startswith(("a=ssrc", "a=msid:", "a=candidate", "a=end-of", "a=ice-lite", "a=fingerprint")):
            continue
        line = line.replace("a=sendonly", "a=inactive" if mid == refuse_mid else "a=recvonly")
        line = line.replace("a=setup:actpass", f"a=setup:{setup}")
        lines.append(line)
        if line.startswith("t="):
            lines.append(FINGERPRINT)
    return "\r\n".join(lines)


def listener(**rights: bool) -> Permission:
    """Rights of somebody who may only do what is named."""
    nothing = Permission(can_publish=False, can_subscribe=True, can_publish_data=False)
    return replace(nothing, **rights)  # type: ignore[arg-type]  # only its truth values are passed


def _run_now(coroutine: Coroutine[Any, Any, None]) -> None:
    """Fake transports close without waiting."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    asyncio.get_running_loop().create_task(coroutine)  # pragma: no cover
