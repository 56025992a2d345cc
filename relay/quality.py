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
# Between two verdicts. A silent microphone sends a packet each 400 ms: one of a dozen lost says nothing of the link.
_FEW_PACKETS = 50
_SCORES = {"EXCELLENT": 4.5, "GOOD": 3.5, "POOR": 2.0}


def rate(losses: Iterable[float], *, is_paused: bool = False) -> int:
    """The quality of somebody whose flowing tracks lose so much, EXCELLENT without any. `is_paused`: the link is too
    narrow for a video that was asked for. Never LOST: on that, clients rejoin."""
    worst = max(losses, default=0.0)
    if worst >= _POOR_LOSS or is_paused:
        return int(models.ConnectionQuality.POOR)
    return int(models.ConnectionQuality.GOOD if worst >= _GOOD_LOSS else models.ConnectionQuality.EXCELLENT)


class RoomQuality:
    """Tells everybody how everybody's connection is, newcomers all, the others what changed."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._told: set[str] = set()  # sids of participants who have had the whole list
        self._packets: dict[tuple[str, str], int] = {}  # of a participant's tracks, at the last verdict
        self._packets_now: dict[tuple[str, str], int] = {}

    def tick(self) -> None:
        people = list(self._room.participants.values())
        self._packets, self._packets_now = self._packets_now, {}
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
        uplink, downlink = _uplink(person), _downlink(person)
        losses = [stats.loss for sid, stats in (uplink | downlink).items() if self._tells(person, sid, stats)]
        quality = rate(losses, is_paused=any(stats.paused for stats in downlink.values()))
        is_new = quality != person.quality
        person.quality = quality
        return is_new

    def _tells(self, person: Participant, track_sid: str, stats: TrackStats) -> bool:
        """Whether enough of the track was under way since the last verdict to judge by."""
        key = (person.sid, track_sid)
        self._packets_now[key] = stats.packets
        arrived = stats.packets - self._packets.get(key, 0)
        return arrived >= _FEW_PACKETS * (1 - stats.loss)


def _uplink(person: Participant) -> dict[str, TrackStats]:
    """What it sends. A muted track says nothing: what it lost last is long ago."""
    tracks = person.publishing.tracks.values()
    return {track.sid: track.up.stats() for track in tracks if track.up is not None and not track.info.muted}


def _downlink(person: Participant) -> dict[str, TrackStats]:
    """What it receives of what others send."""
    return {
        sid: subscription.down.stats()
        for sid, subscription in person.subscribing.subscriptions.items()
        if subscription.down is not None and not subscription.track.info.muted and not subscription.wanted.disabled
    }


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
