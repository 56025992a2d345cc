"""The media half without sockets: links whose packets go into memory, and a clock turned by hand."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence

from pylibsrtp import Error, Policy, Session

from relay.audio import AudioSelector
from relay.batch import Batch
from relay.config import Settings
from relay.link import Link, Path
from relay.metrics import Metrics
from relay.router import DownTrack, ReceiveSlot, Router, UpSection, UpTrack
from relay.tests.rtc_client import rtp_packet, vp8_payload

OUT_EXTENSIONS = {"abs-send-time": 2, "transport-cc": 3, "audio-level": 4, "orientation": 5}
PROFILE = Policy.SRTP_PROFILE_AEAD_AES_128_GCM


def session(key: bytes, kind: int) -> Session:
    policy = Policy(key=key, ssrc_type=kind, srtp_profile=PROFILE)
    policy.allow_repeat_tx = True
    policy.window_size = 1024
    return Session(policy)


class Packet:
    """A packet as a subscriber sees it."""

    def __init__(self, data: bytes) -> None:
        first, second, self.sequence, self.timestamp, self.ssrc = struct.unpack_from("!BBHII", data)
        self.marker, self.payload_type = bool(second & 128), second & 127
        self.data = data
        self.payload = data[28 : len(data) - data[-1]] if first & 32 else data[28:]
        self.extension = data[16:28]
        self.number = int.from_bytes(data[22:24], "big")

    @property
    def picture_id(self) -> int:
        return int.from_bytes(self.payload[2:4], "big") & 0x7FFF

    @property
    def tl0(self) -> int:
        return self.payload[4]


class Peer:
    """A link with the other end's keys; what is sent to it is decrypted into `rtp` and `rtcp`."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        keys = os.urandom(28), os.urandom(28)
        self.link = Link()
        ours = session(keys[0], Policy.SSRC_ANY_INBOUND), session(keys[1], Policy.SSRC_ANY_OUTBOUND)
        self.link.rx, self.link.tx, self.link.sessions = ours[0]._srtp[0], ours[1]._srtp[0], ours
        self._out = session(keys[0], Policy.SSRC_ANY_OUTBOUND)
        self._in = session(keys[1], Policy.SSRC_ANY_INBOUND)
        self.link.selected = Path(self.link, "memory")
        self.link.selected.stream = self
        self.rtp: list[Packet] = []
        self.rtcp: list[bytes] = []
        self.rejected: list[str] = []  # by SRTP: clear text, or the same packet again
        self.lose = False

    def send_frame(self, datagram: memoryview, *, is_droppable: bool) -> bool:
        """Called by the batch, as for a TCP path."""
        if self.lose:
            return True
        data = bytes(datagram)
        if 191 < data[1] < 224:
            self.rtcp.append(self._in.unprotect_rtcp(data))
            return True
        try:
            self.rtp.append(Packet(self._in.unprotect(data)))
        except Error as error:
            self.rejected.append(str(error))
        return True

    def send(self, packet: bytes) -> None:
        """One RTP packet towards the relay, sent on at once."""
        self.queue(packet)
        self.plane.router.flush()

    def queue(self, packet: bytes, slot: ReceiveSlot | None = None) -> None:
        """One RTP packet towards the relay that waits for the end of the drain."""
        data = self._out.protect(packet)
        slot = slot or ReceiveSlot()
        slot.packet[: len(data)] = data
        self.plane.router.on_rtp(self.link, slot, len(data))

    def send_rtcp(self, packet: bytes) -> None:
        """One compound towards the relay."""
        data = self._out.protect_rtcp(packet)
        slot = ReceiveSlot()
        slot.packet[: len(data)] = data
        self.plane.router.on_rtcp(self.link, slot, len(data))

    def audio(self, sequence: int, *, ssrc: int = 50, level: int | None = None, text: bytes = b"opus") -> None:
        """An Opus packet of 20 ms."""
        extensions = {1: bytes((level,))} if level is not None else None
        self.send(rtp_packet(ssrc, sequence, 960 * sequence, text, payload_type=111, extensions=extensions))

    def video(
        self,
        sequence: int,
        *,
        ssrc: int = 10,
        rid: str = "",
        key: bool = False,
        picture: int | None = None,
        size: int = 100,
    ) -> None:
        """A VP8 frame in one packet."""
        number = sequence if picture is None else picture
        self.send(
            rtp_packet(
                ssrc,
                sequence,
                3000 * sequence,
                vp8_payload(number, number, key=key, size=size),
                payload_type=96,
                marker=True,
                extensions={2: rid.encode()} if rid else None,
            )
        )

    def take(self) -> list[Packet]:
        """What came since the last call."""
        found, self.rtp = self.rtp, []
        return found

    def feedback(self, kind: int, format_: int) -> list[bytes]:
        """The RTCP packets of one kind that came, whole."""
        found = []
        for compound in self.rtcp:
            at = 0
            while at < len(compound):
                end = at + 4 + 4 * int.from_bytes(compound[at + 2 : at + 4], "big")
                if compound[at + 1] == kind and (format_ < 0 or compound[at] & 31 == format_):
                    found.append(compound[at:end])
                at = end
        return found


class Plane:
    """A router and its peers."""

    def __init__(self, *, batch: Batch | None = None) -> None:
        self.metrics = Metrics()
        self.router = Router(Settings(), self.metrics, batch=batch or Batch(self.metrics))
        self.now = 1000.0
        self.wanted: list[int | None] = []
        self.paused: list[bool] = []
        self.first_packets = 0
        self._begin()

    def _begin(self) -> None:
        self.router.begin(int(self.now * 1e9))

    def peer(self) -> Peer:
        return Peer(self)

    def advance(self, seconds: float) -> None:
        """Time passes, ticks happen."""
        for _ in range(max(1, round(seconds / 0.02))):
            self.now += 0.02
            self._begin()
            self.router.tick(self.now)

    def _count_first(self) -> None:
        self.first_packets += 1

    def publish(
        self,
        peer: Peer,
        kind: str = "audio",
        *,
        mime: str = "",
        payload_types: Mapping[int, str] | None = None,
        selector: AudioSelector | None = None,
        source: int = 0,
        rids: Sequence[str] = (),
        extensions: Mapping[str, int] | None = None,
        **section: object,
    ) -> UpTrack:
        mime = mime or ("audio/opus" if kind == "audio" else "video/vp8")
        track = UpTrack(
            self.router,
            peer.link,
            kind=kind,
            mime_type=mime,
            on_first_packet=self._count_first,
            on_wanted=self.wanted.append,
            selector=selector,
            source=source,
            cname="alice",
        )
        known = peer.link.sections
        made = UpSection(
            mid=str(len(known)),
            track=track,
            payload_types=payload_types or {111 if kind == "audio" else 96: mime},
            extensions=extensions or ({"audio-level": 1} if kind == "audio" else {"rid": 2}),
            rids=tuple(rids),
            **section,  # type: ignore[arg-type]  # tests give what the section has
        )
        self.router.set_sections(peer.link, [*known, made])
        return track

    def subscribe(
        self,
        track: UpTrack,
        peer: Peer,
        *,
        payload_type: int = 0,
        extensions: Mapping[str, int] = OUT_EXTENSIONS,
        ssrc: int = 0,
    ) -> DownTrack:
        down = DownTrack(
            track,
            peer.link,
            payload_type=payload_type or (111 if track.kind == "audio" else 96),
            extensions=extensions,
            on_paused=self.paused.append,
            ssrc=ssrc,
        )
        down.start()
        return down
