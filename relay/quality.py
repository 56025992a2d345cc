"""Connection quality of each participant, from what its tracks lose (livekit-protocol D.5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from livekit.protocol import models, rtc

if TYPE_CHECKING:
    from relay.participant import Participant
    from relay.room import Room
    from relay.router import TrackStats

_GOOD_LOSS = 0.02
_POOR_LOSS = 0.06
_SCORES = {"EXCELLENT": 4.5, "GOOD": 3.5, "POOR": 2.0}


def rate(stats: Iterable[TrackStats]) -> int:
    """The quality of a participant with these tracks. Never LOST: on that, clients rejoin."""
    worst, has_paused = 0.0, False
    for track in stats:
        worst = max(worst, track.loss)
        has_paused = has_paused or track.paused
    if worst >= _POOR_LOSS or has_paused:
        return int(models.ConnectionQuality.POOR)
    return int(models.ConnectionQuality.GOOD if worst >= _GOOD_LOSS else models.ConnectionQuality.EXCELLENT)


class RoomQuality:
    """Tells everybody how everybody's connection is, newcomers all, the others what changed."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._told: set[str] = set()  # sids of participants who have had the whole list

    def tick(self) -> None:
        people = list(self._room.participants.values())
        changed = [person for person in people if self._update(person)]
        visible = [person for person in people if not person.is_hidden]
        partial = _message(person for person in changed if not person.is_hidden)
        whole = _message(visible)
        for person in people:
            message = partial if person.sid in self._told else whole
            if message is not None:
                person.send_bytes(message)
        self._told = {person.sid for person in people}

    def _update(self, person: Participant) -> bool:
        uplink = [track.up.stats() for track in person.publishing.tracks.values() if track.up is not None]
        downlink = [s.down.stats() for s in person.subscribing.subscriptions.values() if s.down is not None]
        quality = rate([*uplink, *downlink])
        is_new = quality != person.quality
        person.quality = quality
        return is_new


def _message(people: Iterable[Participant]) -> bytes | None:
    updates = []
    for person in people:
        name = models.ConnectionQuality.Name(person.quality or 0)
        info = rtc.ConnectionQualityInfo(participant_sid=person.sid, quality=name, score=_SCORES[name])
        updates.append(info)
    if not updates:
        return None
    message = rtc.ConnectionQualityUpdate(updates=updates)
    return rtc.SignalResponse(connection_quality=message).SerializeToString()
