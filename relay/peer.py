"""One peer connection of a participant: its sections, its mids, and who may offer when.

The publisher peer only answers. The subscriber peer only offers: one offer at a time, debounced, and a section carries
media only after the answer to the offer that showed it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from relay import clock, sdp, sdpwriter
from relay.media import MediaPlane, TransportState
from relay.router import UpSection
from relay.track import low_to_high

if TYPE_CHECKING:
    from relay.track import PublishedTrack
    from relay.transport import Transport

logger = logging.getLogger(__name__)

# Several tracks of one person, or several people in the same moment, share one offer.
OFFER_DEBOUNCE_SECONDS = 0.02
# LiveKit's limit as well; clients give up at the same time.
ANSWER_TIMEOUT_SECONDS = 15.0
# Chromium's cost of a description grows with the square of its sections.
MAX_DOWNLINK_SECTIONS = 200


class Handle(Protocol):
    """What a scheduler returns."""

    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Handle]


def transport_lines(transport: Transport, media: MediaPlane) -> sdpwriter.TransportLines:
    """The relay's end of a connection, for the SDP writer."""
    return sdpwriter.TransportLines(transport.local_ufrag, transport.local_pwd, transport.fingerprint, media.candidates)


# Publisher ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class UplinkSection:
    """An offered media section. `spent` is the track id of a track that was taken from it while it still sent."""

    offered: sdp.Section
    codec: sdp.Codec | None = None
    track: PublishedTrack | None = None
    spent: str | None = None

    @property
    def is_free(self) -> bool:
        """Whether a track that was announced by AddTrack may be bound to it."""
        return self.track is None and self.offered.is_sending and self.spent != self.offered.track_id


class PublisherPeer:
    """The connection on which a participant sends. Clients offer, we answer at once."""

    def __init__(self, media: MediaPlane, label: str, on_state: Callable[[TransportState], None]) -> None:
        self._media = media
        self.transport = media.transport(label, on_state)
        self.sections: dict[str, UplinkSection] = {}
        self._offer: sdp.Description | None = None
        self._remote_ufrag = ""
        self._version = 0

    def receive(self, offer: sdp.Description) -> list[PublishedTrack]:
        """Takes an offer over. Returns the tracks that it no longer sends; unbind them before `answer`."""
        ufrag = offer.transport_section.ice_ufrag
        if self._remote_ufrag not in ("", ufrag):
            self.transport.restart_ice()
        self._remote_ufrag = ufrag
        self._offer = offer
        ended = []
        media = {section.mid: section for section in offer.sections if section.is_media}
        for mid, section in media.items():
            known = self.sections.setdefault(mid, UplinkSection(section))
            if known.offered.kind != section.kind:  # no stock client does that: nothing of the old kind goes on
                ended += [known.track] if known.track is not None else []
                known = self.sections[mid] = UplinkSection(section)
            known.offered = section
            if not section.is_sending:
                known.spent = None
                if known.track is not None:
                    ended.append(known.track)
            elif known.codec is None or known.codec.payload_type not in section.codecs:
                known.codec = None
        ended += [known.track for mid, known in self.sections.items() if mid not in media and known.track is not None]
        return ended

    def bind(self, section: UplinkSection, track: PublishedTrack) -> bool:
        """Gives the section to an announced track. False when it has no codec that the relay forwards."""
        if section.codec is None:
            section.codec = section.offered.choose_codec(track.preferred_codec)
        if section.codec is None:
            return False
        section.track = track
        track.set_negotiated(section.offered.mid, section.codec, section.offered.rids)
        return True

    def unbind(self, track: PublishedTrack) -> None:
        """Takes the section from a track that ended; packets on it are dropped from the next `update_router` on."""
        for section in self.sections.values():
            if section.track is track:
                section.track = None
                if section.offered.is_sending:
                    section.spent = section.offered.track_id
                else:
                    section.codec = None

    def answer(self) -> str:
        """The answer to the last offer, and the transport started with it."""
        offer = self._offer
        if offer is None:
            raise ValueError("answer without an offer")
        answers: dict[str, sdpwriter.UplinkAnswer] = {}
        for section in offer.sections:
            known = self.sections.get(section.mid)
            if known is None or not section.is_media:
                continue
            if known.codec is None:
                known.codec = section.choose_codec()
            track = known.track
            answers[section.mid] = sdpwriter.UplinkAnswer(
                codec=known.codec,
                with_dtx=track is None or track.with_dtx,
                is_stereo=track is not None and track.is_stereo,
            )
        self._version += 1
        remote = offer.transport_section
        # We are ICE-lite and reachable: let the client open DTLS, unless it insists on waiting.
        setup = "active" if remote.setup == "passive" else "passive"
        text = sdpwriter.write_answer(
            offer, transport_lines(self.transport, self._media), answers, version=self._version, setup=setup
        )
        self.transport.start(
            fingerprints=remote.fingerprints,
            remote_setup="passive" if setup == "active" else "active",
            sctp=any(section.kind == "application" for section in offer.sections),
        )
        return text

    def update_router(self) -> None:
        """Tells the router which sections carry which tracks."""
        bound = [section for section in self.sections.values() if section.track is not None and section.track.up]
        self._media.set_sections(self.transport, [_up_section(section) for section in bound])


def _up_section(section: UplinkSection) -> UpSection:
    offered, codec, track = section.offered, section.codec, section.track
    if codec is None or track is None or track.up is None:
        raise ValueError("section without a track")
    types = {codec.payload_type: track.info.mime_type.lower()}
    rtx = offered.rtx_of(codec.payload_type)
    if rtx is not None:
        types[rtx] = f"{offered.kind}/rtx"
    return UpSection(
        mid=offered.mid,
        track=track.up,
        payload_types=types,
        rtx={} if rtx is None else {rtx: codec.payload_type},
        extensions=dict(offered.extensions),
        rids=tuple(low_to_high(offered.rids)),
        ssrcs=offered.ssrcs,
        rtx_ssrcs=dict(offered.rtx_ssrcs),
        transport_cc="transport-cc" in codec.feedback and "transport-cc" in offered.extensions,
    )


# Subscriber ---------------------------------------------------------------------------------------------------


class Downlink(Protocol):
    """What the subscriber peer needs of a subscription."""

    @property
    def track(self) -> PublishedTrack: ...
    def start(self, payload_type: int, extensions: Mapping[str, int], ssrc: int) -> None: ...
    def refuse(self) -> None: ...


@dataclass(slots=True)
class DownlinkSection:
    """A section of our offers. `wanted` is what the next offer shows, `offered` what the last one showed."""

    mid: str
    kind: str
    codec: sdpwriter.DownlinkCodec
    wanted: Downlink | None = None
    offered: Downlink | None = None
    answered: Downlink | None = None
    ssrc: int = 0  # of the track that it shows, or showed last
    carried: set[str] = field(default_factory=set)  # sids of the tracks that it ever showed
    is_dead: bool = False  # a client that answers with port 0 has stopped its transceiver for good (JSEP)

    @property
    def is_reusable(self) -> bool:
        """Whether the client knows it as inactive: only then does a new track fire its events."""
        return not self.is_dead and self.wanted is None and self.offered is None and self.answered is None


class SubscriberPeer:
    """The connection on which a participant receives. We offer, the client answers."""

    def __init__(
        self,
        media: MediaPlane,
        label: str,
        *,
        later: Later,
        on_state: Callable[[TransportState], None],
        can_signal: Callable[[], bool],
        send_offer: Callable[[str, int], None],
        is_browser: bool,
    ) -> None:
        self._media = media
        self._is_browser = is_browser
        self._later = later
        self._can_signal = can_signal
        self._send_offer = send_offer
        self.transport = media.transport(label, on_state)
        self.transport.channels.create()
        self.sections: list[DownlinkSection] = []
        self._waiting: list[Downlink] = []
        self._refused_codecs: set[sdpwriter.DownlinkCodec] = set()
        self._offer_id = 0
        self._in_flight = 0  # id of the offer without an answer; 0 = none
        self._sent_at = 0.0
        self._is_dirty = False
        self._timer: Handle | None = None
        self._is_closed = False

    def add(self, downlink: Downlink) -> None:
        """Shows the track in the next offer."""
        self._waiting.append(downlink)
        self.negotiate()

    def remove(self, downlink: Downlink) -> None:
        """Its section becomes inactive in the next offer; the caller has stopped forwarding already."""
        if downlink in self._waiting:
            self._waiting.remove(downlink)
            return
        for section in self.sections:
            if section.wanted is downlink:
                section.wanted = None
                self.negotiate()

    def negotiate(self, *, delay: float = OFFER_DEBOUNCE_SECONDS) -> None:
        """Sends an offer soon: after `delay`, and not before the answer to the one in flight."""
        self._is_dirty = True
        if self._timer is None and not self._in_flight and not self._is_closed and self._can_signal():
            self._timer = self._later(delay, self._offer)

    def restart(self) -> None:
        """A resumed session: new ICE credentials, and an offer in place of any that was lost."""
        self.transport.restart_ice()
        self._in_flight = 0
        self.negotiate(delay=0)

    def receive(self, answer: sdp.Description, offer_id: int) -> bool:
        """Takes an answer over. False for one that no offer waits for."""
        if not self._in_flight or offer_id not in (0, self._in_flight):
            return False
        self._in_flight = 0
        remote = answer.transport_section
        self.transport.start(
            fingerprints=remote.fingerprints,
            remote_setup=remote.setup or "active",
            sctp=any(section.kind == "application" and section.port for section in answer.sections),
        )
        answered = {section.mid: section for section in answer.sections}
        for section in self.sections:
            self._settle(section, answered.get(section.mid))
        if self._is_dirty or self._may_place():
            self.negotiate()
        return True

    def _may_place(self) -> bool:
        """Whether a track that waits for a section could have one now."""
        free = {section.kind for section in self.sections if section.is_reusable}
        return any(downlink.track.kind in free for downlink in self._waiting)

    def _settle(self, section: DownlinkSection, answer: sdp.Section | None) -> None:
        """Starts what the offer showed and is still wanted."""
        is_new = section.offered is not section.answered
        section.answered = downlink = section.offered
        if downlink is None or not is_new or section.wanted is not downlink:
            return
        if answer is None or not answer.is_receiving or section.codec.payload_type not in answer.codecs:
            logger.info("subscriber refuses a codec", extra={"codec": section.codec.name})
            self._refused_codecs.add(section.codec)
            section.is_dead = answer is not None and answer.port == 0
            section.wanted = None
            self._is_dirty = True
            downlink.refuse()
            return
        ours = sdpwriter.DOWNLINK_EXTENSIONS[section.kind]
        accepted = {name: number for name, number in ours.items() if answer.extensions.get(name) == number}
        downlink.start(section.codec.payload_type, accepted, section.ssrc)

    def has_timed_out(self, now: float) -> bool:
        """Whether the client owes an answer for too long."""
        return bool(self._in_flight) and self._can_signal() and now - self._sent_at > ANSWER_TIMEOUT_SECONDS

    def close(self) -> None:
        """No offer is sent any more. The owner closes the transport."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _offer(self) -> None:
        self._timer = None
        if self._is_closed or not self._can_signal():
            return  # `restart` offers again when the client comes back
        self._is_dirty = False
        self._place_waiting()
        self._offer_id += 1
        self._in_flight = self._offer_id
        self._sent_at = clock.now()
        for section in self.sections:
            section.offered = section.wanted
        text = sdpwriter.write_offer(
            transport_lines(self.transport, self._media),
            [_downlink_section(section) for section in self.sections],
            version=self._offer_id,
        )
        self._send_offer(text, self._offer_id)

    def _place_waiting(self) -> None:
        for downlink in tuple(self._waiting):
            kind, codec = downlink.track.kind, downlink.track.downlink_codec
            if codec in self._refused_codecs:
                downlink.refuse()
                continue
            section = self._reusable(downlink.track)
            if section is None:
                if len(self.sections) >= MAX_DOWNLINK_SECTIONS:
                    continue  # waits for a section to become free
                section = DownlinkSection(str(len(self.sections) + 1), kind, codec)
                self.sections.append(section)
            section.codec = codec
            section.wanted = downlink
            section.ssrc = _other_ssrc(section, downlink.track)
            section.carried.add(downlink.track.sid)
            self._waiting.remove(downlink)

    def _reusable(self, track: PublishedTrack) -> DownlinkSection | None:
        """A section for a new subscription. Browsers hear of a track each time its section wakes up; the Rust core of
        the other SDKs tells its application of a (mid, stream) only once."""
        fitting = (known for known in self.sections if known.kind == track.kind and known.is_reusable)
        return next((section for section in fitting if self._is_browser or track.sid not in section.carried), None)


def _downlink_section(section: DownlinkSection) -> sdpwriter.DownlinkSection:
    track = section.wanted.track if section.wanted is not None else None
    if track is None or track.up is None:
        return sdpwriter.DownlinkSection(section.mid, section.kind, section.codec, is_dead=section.is_dead)
    owner = track.owner.sid
    return sdpwriter.DownlinkSection(
        section.mid,
        section.kind,
        section.codec,
        msid=f"{owner}|{track.sid} {track.sid}",
        cname=owner,
        ssrc=section.ssrc,
    )


def _other_ssrc(section: DownlinkSection, track: PublishedTrack) -> int:
    """One that the section did not show last: libwebrtc shows no picture of a track that comes back under the SSRC that
    its section had, although it decodes it."""
    if track.up is None:
        return 0
    return next(ssrc for ssrc in track.up.ssrcs if ssrc != section.ssrc)
