"""What one participant sends: AddTrack requests, the sections of its offers, and what happens to its tracks.

A track needs both an AddTrack and a section; they come in either order (livekit-protocol B.4). Others hear of it once
media arrived, so that nobody waits for a picture that never comes.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from livekit.protocol import models, rtc

from relay import clock, sdp
from relay.acl import SubscriptionAcl
from relay.peer import UplinkSection
from relay.track import MAX_NAME_BYTES, PublishedTrack

if TYPE_CHECKING:
    from relay.participant import Participant

MAX_TRACKS = 32
# LiveKit sets no limit. Two overlap when a client publishes anew: its AddTrack comes before the offer that ends the old
# one. Whoever speaks into several microphones has a few; each of them is a section in everybody's connection.
MAX_OF_SOURCE = 4
MAX_QUEUED = 8
# A negotiated track is announced without media after this: a camera may start slowly, a muted one never sends.
ANNOUNCE_SECONDS = 1.0
_QUALITIES = (models.VideoQuality.LOW, models.VideoQuality.MEDIUM, models.VideoQuality.HIGH)


class Publishing:
    """The published tracks of one participant."""

    def __init__(self, participant: Participant) -> None:
        self._participant = participant
        self.tracks: dict[str, PublishedTrack] = {}
        self.acl = SubscriptionAcl()
        self._queued: deque[rtc.AddTrackRequest] = deque()

    @property
    def announced(self) -> list[PublishedTrack]:
        return [track for track in self.tracks.values() if track.is_announced]

    def add(self, request: rtc.AddTrackRequest) -> None:
        """An AddTrack of the client: answered at once, with the track or with the reason why not."""
        problem = self._problem_with(request)
        if problem is not None:
            self._refuse(request, *problem)
        elif any(request.cid in track.cids for track in self.tracks.values()):
            # The same media again before its old track ended: the client's offer that ends it is on its way.
            self._queued.append(request)
            self._refuse(request, rtc.RequestResponse.QUEUED, "")
        else:
            self._accept(request)

    def receive_offer(self, offer: sdp.Description) -> str:
        """The answer to a publisher offer, after tracks ended and began as it says."""
        peer = self._participant.publisher
        for track in peer.receive(offer):
            self.end(track)
        self._replace_changed()
        self._bind()
        answer = peer.answer()
        peer.update_router()
        now = clock.now()
        for track in list(self.tracks.values()):
            if track.codec is not None and not track.negotiated_at:
                track.negotiated_at = now
                if track.info.muted:
                    self._announce(track)
        return answer

    def end(self, track: PublishedTrack, *, tell_client: bool = False) -> None:
        """The track is published no more; `tell_client` when the client does not know yet."""
        if self.tracks.pop(track.sid, None) is None:
            return
        participant = self._participant
        participant.publisher.unbind(track)
        participant.publisher.update_router()
        participant.room.track_ended(track)
        if track.up is not None:
            track.up.close()
            track.up = None
        if tell_client:
            response = rtc.TrackUnpublishedResponse(track_sid=track.sid)
            participant.send(rtc.SignalResponse(track_unpublished=response))
        self._admit_queued()

    def mute(self, track_sid: str, muted: bool) -> bool:
        """A `mute` of the client itself. False for an unknown track."""
        track = self.tracks.get(track_sid)
        if track is None:
            return False
        if track.set_muted(muted) and track.is_announced:
            self._participant.changed()
        return True

    def review(self) -> None:
        """Rights have changed: end what may not be published any more."""
        permission = self._participant.permission
        for track in list(self.tracks.values()):
            if not permission.may_publish_source(track.info.source):
                self.end(track, tell_client=True)

    def subscribed(self, track: PublishedTrack) -> None:
        """Somebody receives it: agents and `LocalTrackSubscribed` wait for the first."""
        if not track.has_been_subscribed:
            track.has_been_subscribed = True
            self._participant.send(rtc.SignalResponse(track_subscribed=rtc.TrackSubscribed(track_sid=track.sid)))

    def tick(self, now: float) -> None:
        """Announces tracks whose media is late."""
        for track in list(self.tracks.values()):
            if track.negotiated_at and not track.is_announced and now - track.negotiated_at >= ANNOUNCE_SECONDS:
                self._announce(track)

    def close(self) -> None:
        """Ends every track; the participant leaves."""
        self._queued.clear()
        for track in list(self.tracks.values()):
            self.end(track)

    def _problem_with(self, request: rtc.AddTrackRequest) -> tuple[rtc.RequestResponse.Reason, str] | None:
        reasons = rtc.RequestResponse
        if request.type not in (models.TrackType.AUDIO, models.TrackType.VIDEO):
            return reasons.UNSUPPORTED_TYPE, "only audio and video tracks"
        if not self._participant.permission.may_publish(request.type, request.source):
            return reasons.NOT_ALLOWED, "publishing this source is not allowed, or not with this type of track"
        if request.sid:
            return reasons.UNSUPPORTED_TYPE, "backup codecs are not supported"
        if not request.cid or len(request.name.encode()) > MAX_NAME_BYTES:
            return reasons.INVALID_REQUEST, f"a cid is required, and a name of at most {MAX_NAME_BYTES} bytes"
        if len(self.tracks) >= MAX_TRACKS or len(self._queued) >= MAX_QUEUED:
            return reasons.LIMIT_EXCEEDED, f"at most {MAX_TRACKS} tracks"
        if request.source and self._count_of(request.source) >= MAX_OF_SOURCE:
            return reasons.LIMIT_EXCEEDED, f"at most {MAX_OF_SOURCE} tracks of one source"
        if self._participant.shares.publishing.is_spent(clock.now()):
            self._participant.context.counters["publishing_too_often"] += 1
            return reasons.LIMIT_EXCEEDED, "too many tracks in a short time"
        return None

    def _count_of(self, source: int) -> int:
        return sum(1 for track in self.tracks.values() if track.info.source == source)

    def _refuse(self, request: rtc.AddTrackRequest, reason: rtc.RequestResponse.Reason, message: str) -> None:
        self._participant.send(
            rtc.SignalResponse(request_response=rtc.RequestResponse(reason=reason, message=message, add_track=request))
        )

    def _accept(self, request: rtc.AddTrackRequest) -> None:
        self._participant.shares.publishing.spend(1, clock.now())
        track = PublishedTrack(self._participant, request)
        self.tracks[track.sid] = track
        response = rtc.TrackPublishedResponse(cid=request.cid, track=track.info)
        self._participant.send(rtc.SignalResponse(track_published=response))
        if self._bind():  # its section came first and is answered already
            self._participant.publisher.update_router()
            track.negotiated_at = clock.now()
            if track.info.muted:
                self._announce(track)

    def _admit_queued(self) -> None:
        for request in tuple(self._queued):
            if not any(request.cid in track.cids for track in self.tracks.values()):
                self._queued.remove(request)
                problem = self._problem_with(request)
                if problem is None:
                    self._accept(request)
                else:
                    self._refuse(request, *problem)
                return

    def _replace_changed(self) -> None:
        """A section that now names the cid of another AddTrack carries that one: ended and begun in one offer."""
        for section in self._participant.publisher.sections.values():
            track, new_id = section.track, section.offered.track_id
            if track is None or new_id in track.cids:
                continue
            if any(new_id in other.cids and other.codec is None for other in self.tracks.values()):
                self.end(track)
                section.spent = None

    def _bind(self) -> bool:
        """Brings AddTracks and sections together: by track id, else the first of the same kind (Firefox renames)."""
        has_bound = False
        free = [section for section in self._participant.publisher.sections.values() if section.is_free]
        waiting = [track for track in self.tracks.values() if track.codec is None]
        named = {section.offered.mid: track for section in free for track in waiting if _names(section, track)}
        for section in free:
            track = named.get(section.offered.mid) or next(
                (t for t in waiting if t.kind == section.offered.kind and t not in named.values()), None
            )
            if track is None or track not in waiting or track.kind != section.offered.kind:
                continue
            waiting.remove(track)
            if self._participant.publisher.bind(section, track):
                self._open(track, section)
                has_bound = True
        return has_bound

    def _open(self, track: PublishedTrack, section: UplinkSection) -> None:
        participant = self._participant
        track.up = participant.context.media.up_track(
            participant.publisher.transport,
            kind=track.kind,
            mime_type=track.info.mime_type.lower(),
            on_first_packet=lambda: self._announce(track),
            on_wanted=lambda quality: self._wanted(track, quality),
            selector=participant.room.selector if track.kind == "audio" else None,
            source=track.info.source,
            cname=participant.sid,
        )
        if track.kind == "video":
            track.up.set_layers(track.layers(section.offered.rids))
        track.up.set_muted(track.info.muted)

    def _announce(self, track: PublishedTrack) -> None:
        if track.is_announced or track.sid not in self.tracks:
            return
        track.is_announced = True
        self._participant.is_publisher = True
        self._participant.changed()
        self._participant.room.track_announced(track)

    def _wanted(self, track: PublishedTrack, quality: int | None) -> None:
        """Dynacast (livekit-protocol D.3): the client may stop encodings that nobody receives. The up track waits
        before it lowers."""
        if track.kind != "video" or track.sid not in self.tracks:
            return
        highest = -1 if quality is None else quality
        qualities = [rtc.SubscribedQuality(quality=level, enabled=level <= highest) for level in _QUALITIES]
        codec = track.info.mime_type.rpartition("/")[2].lower()
        update = rtc.SubscribedQualityUpdate(
            track_sid=track.sid,
            subscribed_qualities=qualities,
            subscribed_codecs=[rtc.SubscribedCodec(codec=codec, qualities=qualities)],
        )
        self._participant.send(rtc.SignalResponse(subscribed_quality_update=update))


def _names(section: UplinkSection, track: PublishedTrack) -> bool:
    return section.offered.track_id in track.cids and section.offered.kind == track.kind
