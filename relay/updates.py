"""Participant updates of one room, gathered for a moment so that n joins cost n messages each, not n² builds.

Order matters to clients: within a message the departed come first (an identity may be back under a new sid), and a
track is told before the offer that shows it (the offer's writer calls `flush`).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from livekit.protocol import models

from relay import clock, messages
from relay.peer import Handle

if TYPE_CHECKING:
    from relay.participant import Participant
    from relay.room import Room

# Long enough to gather a burst of joins, too short to be seen.
GATHER_SECONDS = 0.03
# Departures a resumed client may have missed: a session without signalling lives 60 s.
REMEMBER_SECONDS = 75.0
MAX_REMEMBERED = 512


class Updates:
    """Who has changed since the last `ParticipantUpdate`."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._changed: dict[str, Participant] = {}  # by identity
        self._departed: list[models.ParticipantInfo] = []
        self._recent: deque[tuple[float, models.ParticipantInfo]] = deque(maxlen=MAX_REMEMBERED)
        self._timer: Handle | None = None

    def changed(self, participant: Participant) -> None:
        """Everybody hears of it soon; the others not of a hidden one."""
        if self._room.participants.get(participant.identity) is participant:
            self._changed[participant.identity] = participant
            self._schedule()

    def departed(self, participant: Participant) -> None:
        """The participant has left the room; `participant.state` says so already."""
        if self._changed.get(participant.identity) is participant:
            del self._changed[participant.identity]
        if not participant.is_hidden:
            self.vanished(participant.info())

    def vanished(self, info: models.ParticipantInfo) -> None:
        """The others must forget a participant: it left, or became hidden."""
        self._departed.append(info)
        self._recent.append((clock.now(), info))
        self._schedule()

    def missed_since(self, moment: float) -> list[models.ParticipantInfo]:
        """Those who left after `moment`, and a little before: the message may have been lost with the websocket."""
        return [info for left_at, info in self._recent if left_at >= moment - 5.0]

    def flush(self) -> None:
        """Sends what has gathered, now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        changed, departed = self._changed, self._departed
        if not changed and not departed:
            return
        self._changed, self._departed = {}, []
        visible = [p.info() for p in changed.values() if not p.is_hidden]
        common = messages.update([*departed, *visible]).SerializeToString() if departed or visible else b""
        for participant in list(self._room.participants.values()):
            if participant.is_hidden and participant.identity in changed:
                participant.send(messages.update([*departed, *visible, participant.info()]))
            elif common:
                participant.send_bytes(common)
        self._forget()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        if self._timer is None:
            self._timer = self._room.context.later(GATHER_SECONDS, self.flush)

    def _forget(self) -> None:
        oldest = clock.now() - REMEMBER_SECONDS
        while self._recent and self._recent[0][0] < oldest:
            self._recent.popleft()
