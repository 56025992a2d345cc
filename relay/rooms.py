"""All rooms of one worker: creation, look-up, time."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from livekit.protocol import models

from relay import messages
from relay.context import Context
from relay.errors import Refused
from relay.messages import Action, Reason
from relay.participant import JoinOptions, Participant, SignalSink
from relay.room import Room

logger = logging.getLogger(__name__)

MAX_ROOMS = 2000
MAX_ROOM_NAME_BYTES = 256


class Rooms:
    """The rooms by name. A draining worker takes no new room, and keeps those it has to their end."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.by_name: dict[str, Room] = {}
        self.is_draining = False

    @property
    def participant_count(self) -> int:
        return sum(len(room.participants) for room in self.by_name.values())

    def open(self, options: JoinOptions, sink: SignalSink) -> Participant | None:
        """A client's websocket: a fresh join, or a resume; None for a resume of nobody we know, who was told.

        Raises `Refused` when the websocket must not be accepted.
        """
        if not options.is_reconnect:
            return self.get_or_create(options.room, options.room_config).join(options, sink)
        participant = self._find(options)
        if participant is None:
            self.context.counters["resumes_unknown"] += 1
            sink.send(messages.leave(Reason.STATE_MISMATCH, Action.RECONNECT).SerializeToString())
            sink.close("unknown session")
            return None
        participant.room.resume(participant, options, sink)
        return participant

    def get_or_create(self, name: str, config: Mapping[str, Any]) -> Room:
        """The room called `name`. Raises `Refused` when it would be a new one and none may be made."""
        room = self.by_name.get(name)
        if room is not None:
            return room
        if self.is_draining:
            raise Refused("unavailable", "this worker takes no new rooms")
        if len(self.by_name) >= MAX_ROOMS:
            raise Refused("unavailable", "too many rooms")
        if not name or len(name.encode()) > MAX_ROOM_NAME_BYTES:
            raise Refused("invalid_argument", f"a room needs a name of at most {MAX_ROOM_NAME_BYTES} bytes")
        room = self.by_name[name] = Room(self.context, name, config)
        logger.info("room started", extra={"room": name, "room_sid": room.sid})
        return room

    def get(self, name: str) -> Room:
        """Raises `Refused` for a room that does not exist."""
        room = self.by_name.get(name)
        if room is None:
            raise Refused("not_found", "requested room does not exist")
        return room

    def delete(self, name: str) -> None:
        self.get(name).close(Reason.ROOM_DELETED, end_reason=models.RoomEndReason.ROOM_END_API_DELETE)
        del self.by_name[name]

    def tick(self, now: float) -> None:
        """Once a second."""
        for room in list(self.by_name.values()):
            room.tick(now)
            if room.is_closed:
                self.by_name.pop(room.name, None)

    def tick_speakers(self) -> None:
        for room in self.by_name.values():
            room.tick_speakers()

    def tick_quality(self) -> None:
        for room in self.by_name.values():
            room.tick_quality()

    def shut_down(self) -> None:
        """The worker ends: clients rejoin, wherever they are sent then."""
        self.is_draining = True
        for room in list(self.by_name.values()):
            room.close(
                Reason.SERVER_SHUTDOWN,
                action=Action.RECONNECT,
                end_reason=models.RoomEndReason.ROOM_END_SERVER_SHUTDOWN,
            )
        self.by_name.clear()

    def _find(self, options: JoinOptions) -> Participant | None:
        room = self.by_name.get(options.room)
        participant = room.participants.get(options.identity) if room is not None else None
        return participant if participant is not None and participant.sid == options.sid else None
