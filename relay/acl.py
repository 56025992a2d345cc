"""A publisher's own list of who may receive its tracks (`subscription_permission`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.protocol import rtc

from relay.errors import ProtocolError

if TYPE_CHECKING:
    from relay.participant import Participant

# One entry a participant; more is a client gone wrong.
MAX_ENTRIES = 2000


class SubscriptionAcl:
    """Everybody may, until the publisher says otherwise."""

    def __init__(self) -> None:
        self._allows_all = True
        self._tracks_of: dict[str, frozenset[str] | None] = {}  # by sid or identity; None = all tracks

    def replace(self, message: rtc.SubscriptionPermission) -> bool:
        """Takes a new list over. Whether it says anything else than the old one. Raises `ProtocolError` when it is too
        long; nothing changes then."""
        if len(message.track_permissions) > MAX_ENTRIES:
            raise ProtocolError("too many entries in a list of subscribers")
        old = (self._allows_all, self._tracks_of)
        self._allows_all = message.all_participants
        self._tracks_of = {}
        for entry in message.track_permissions:
            tracks = None if entry.all_tracks else frozenset(entry.track_sids)
            for key in (entry.participant_sid, entry.participant_identity):
                if key:
                    self._tracks_of[key] = tracks
        return (self._allows_all, self._tracks_of) != old

    def allows(self, subscriber: Participant, track_sid: str) -> bool:
        """Whether `subscriber` may receive the track."""
        if self._allows_all:
            return True
        for key in (subscriber.sid, subscriber.identity):
            if key in self._tracks_of:
                tracks = self._tracks_of[key]
                return tracks is None or track_sid in tracks
        return False
