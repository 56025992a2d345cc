"""What one participant receives: wishes, rights and the subscriptions that follow from both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

from livekit.protocol import models, rtc

from relay import clock
from relay.subscription import Subscription, WantedMedia, first_wish

if TYPE_CHECKING:
    from relay.participant import Participant
    from relay.track import PublishedTrack

Value = TypeVar("Value")

# LiveKit's `notFoundTimeout`: a track that a client names may be published a moment later.
NOT_FOUND_SECONDS = 20.0
# Wishes about tracks that do not exist (yet). A room of 200 people has fewer tracks than this.
MAX_REMEMBERED = 1024


class Subscribing:
    """The subscriptions of one participant. Everything is idempotent: clients repeat themselves after a resume."""

    def __init__(self, participant: Participant) -> None:
        self._participant = participant
        self.subscriptions: dict[str, Subscription] = {}
        self._asked: dict[str, float] = {}  # tracks asked for by sid -> until when they may still appear
        self._declined: dict[str, None] = {}
        self._settings: dict[str, WantedMedia] = {}
        self._denied: set[str] = set()

    def track_announced(self, track: PublishedTrack) -> None:
        """A track exists now: subscribe if that is wished and allowed."""
        if track.owner is self._participant or track.sid in self.subscriptions:
            return
        is_asked = track.sid in self._asked
        if not is_asked and (not self._participant.auto_subscribe or track.sid in self._declined):
            return
        if not self._may(track):
            if self._participant.permission.can_subscribe:
                self._tell_denied(track)
            return
        self._asked.pop(track.sid, None)
        self._subscribe(track)

    def track_ended(self, track: PublishedTrack) -> None:
        """Ends the subscription of a track that is not published any more, and forgets the track."""
        self._end(track)
        for memory in (self._asked, self._declined, self._settings):
            memory.pop(track.sid, None)
        self._denied.discard(track.sid)

    def update(self, track_sids: Iterable[str], *, subscribe: bool) -> None:
        """The client's or an administrator's `UpdateSubscription`."""
        for sid in track_sids:
            track = self._participant.room.tracks.get(sid)
            if subscribe:
                self._declined.pop(sid, None)
                if sid in self.subscriptions:
                    continue
                self._remember(self._asked, sid, clock.now() + NOT_FOUND_SECONDS)
                if track is not None:
                    self.track_announced(track)
            else:
                self._asked.pop(sid, None)
                self._remember(self._declined, sid, None)
                if track is not None:
                    self._end(track)

    def configure(self, track_sids: Iterable[str], wanted: WantedMedia) -> None:
        """`track_setting`, also for a track that is not subscribed yet."""
        for sid in track_sids:
            self._remember(self._settings, sid, wanted)
            subscription = self.subscriptions.get(sid)
            if subscription is not None:
                subscription.set_wanted(wanted)

    def disable(self, track_sids: Iterable[str]) -> None:
        """Tracks that a resumed client holds paused."""
        for sid in track_sids:
            known = self._settings.get(sid, WantedMedia())
            self.configure([sid], WantedMedia(True, known.quality, known.width, known.height, known.fps))

    def review(self, tracks: Iterable[PublishedTrack]) -> bool:
        """Rights to these tracks have changed, its own or their publisher's: end what is forbidden, begin what is
        allowed. Whether that changed anything."""
        has_changed = False
        for track in tuple(tracks):
            if track.owner is self._participant:
                continue
            was_subscribed, allowed = track.sid in self.subscriptions, self._may(track)
            if not allowed and was_subscribed:
                self._remember(self._asked, track.sid, float("inf"))  # comes back with the right
                self._end(track)
                self._tell_denied(track)
            elif allowed:
                if track.sid in self._denied:
                    self._denied.discard(track.sid)
                    self._tell_permission(track, allowed=True)
                self.track_announced(track)
            has_changed = has_changed or was_subscribed != (track.sid in self.subscriptions)
        return has_changed

    def refused(self, track: PublishedTrack) -> None:
        """The client cannot decode it."""
        self._end(track)
        self._remember(self._declined, track.sid, None)
        self._fail(track.sid, models.SubscriptionError.SE_CODEC_UNSUPPORTED)

    def tick(self, now: float) -> None:
        """Reports tracks that never appeared."""
        for sid, deadline in list(self._asked.items()):
            if now >= deadline and sid not in self._participant.room.tracks:
                del self._asked[sid]
                self._fail(sid, models.SubscriptionError.SE_TRACK_NOTFOUND)

    def close(self) -> None:
        """Ends everything; the peer goes with the participant."""
        for subscription in self.subscriptions.values():
            subscription.close()
            subscription.track.subscriptions.pop(self._participant.sid, None)
        self.subscriptions.clear()

    def _may(self, track: PublishedTrack) -> bool:
        owner = track.owner
        return (
            self._participant.permission.can_subscribe
            and not owner.permission.hidden
            and owner.publishing.acl.allows(self._participant, track.sid)
        )

    def _subscribe(self, track: PublishedTrack) -> None:
        participant = self._participant
        peer = participant.subscriber
        if peer is None or track.up is None or track.codec is None:
            return
        wanted = self._settings.get(track.sid)
        if wanted is None:
            wanted = first_wish(track.kind, adaptive_stream=participant.adaptive_stream)
        subscription = Subscription(participant, track, wanted)
        self.subscriptions[track.sid] = subscription
        track.subscriptions[participant.sid] = subscription
        peer.add(subscription)

    def _end(self, track: PublishedTrack) -> None:
        subscription = self.subscriptions.pop(track.sid, None)
        track.subscriptions.pop(self._participant.sid, None)
        if subscription is not None:
            subscription.close()
            if self._participant.subscriber is not None:
                self._participant.subscriber.remove(subscription)

    def _tell_denied(self, track: PublishedTrack) -> None:
        if track.sid not in self._denied:
            self._denied.add(track.sid)
            self._tell_permission(track, allowed=False)

    def _tell_permission(self, track: PublishedTrack, *, allowed: bool) -> None:
        update = rtc.SubscriptionPermissionUpdate(participant_sid=track.owner.sid, track_sid=track.sid, allowed=allowed)
        self._participant.send(rtc.SignalResponse(subscription_permission_update=update))

    def _fail(self, track_sid: str, error: models.SubscriptionError) -> None:
        response = rtc.SubscriptionResponse(track_sid=track_sid, err=error)
        self._participant.send(rtc.SignalResponse(subscription_response=response))

    def _remember(self, memory: dict[str, Value], sid: str, value: Value) -> None:
        if sid in memory or len(memory) < MAX_REMEMBERED:
            memory[sid] = value
        else:
            self._participant.context.counters["wishes_forgotten"] += 1
