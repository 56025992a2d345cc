"""One room: who is in it, which tracks there are, who hears of what, and when it ends."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from livekit.protocol import models, rtc

from relay import clock, messages, sids
from relay.context import Context
from relay.datapackets import DataRouter, attach
from relay.errors import Refused
from relay.messages import Action, Reason
from relay.participant import JoinOptions, Participant, SignalSink, State
from relay.quality import RoomQuality
from relay.speakers import ActiveSpeakers
from relay.track import PublishedTrack
from relay.updates import Updates

logger = logging.getLogger(__name__)

# Above this one process could not even tell everybody of everybody. A room has a lower limit where CreateRoom or the
# token's `roomConfig` say `maxParticipants`; the portal's own tokens say none.
MAX_PARTICIPANTS = 1000


class Room:
    """Exists from CreateRoom or the first join until nobody was in it for its time-out."""

    def __init__(self, context: Context, name: str, config: Mapping[str, Any]) -> None:
        settings = context.settings
        self.context = context
        self.name = name
        self.sid = sids.new_sid(sids.ROOM)
        self.metadata = str(config.get("metadata") or "")
        self.empty_timeout = _seconds(config.get("empty_timeout"), settings.empty_timeout_seconds)
        self.departure_timeout = _seconds(config.get("departure_timeout"), settings.departure_timeout_seconds)
        self.max_participants = _seconds(config.get("max_participants"), 0)
        self.created_wall = clock.wall()
        self.sif_trailer = secrets.token_bytes(16)
        self.participants: dict[str, Participant] = {}  # by identity
        self.tracks: dict[str, PublishedTrack] = {}  # announced ones, by sid
        self.updates = Updates(self)
        self.data = DataRouter(self)
        self.speakers = ActiveSpeakers()
        self.quality = RoomQuality(self)
        self.selector = context.media.audio_selector()
        self.is_closed = False
        self._empty_since = clock.now()
        self._was_joined = False
        self._told_participants = 0
        self._is_recorded = False
        context.events.add("room_started", self.info())

    def info(self) -> models.Room:
        people = [p for p in self.participants.values() if not p.is_hidden and not p.is_dependent]
        return models.Room(
            sid=self.sid,
            name=self.name,
            metadata=self.metadata,
            empty_timeout=self.empty_timeout,
            departure_timeout=self.departure_timeout,
            max_participants=self.max_participants,
            creation_time=int(self.created_wall),
            creation_time_ms=int(self.created_wall * 1000),
            num_participants=len(people),
            num_publishers=sum(1 for p in self.participants.values() if p.publishing.announced),
            active_recording=any(p.is_recorder and p.was_active for p in self.participants.values()),
            enabled_codecs=[models.Codec(mime=mime) for mime in messages.PUBLISH_CODECS],
        )

    # Coming and going ------------------------------------------------------------------------------------------

    def join(self, options: JoinOptions, sink: SignalSink) -> Participant:
        """A fresh session. Raises `Refused` when the room is full. An older one of the same identity ends."""
        older = self.participants.get(options.identity)
        self._check_capacity(options, is_replacing=older is not None)
        if older is not None:
            older.leave(Reason.DUPLICATE_IDENTITY, Action.DISCONNECT)
        # What is still gathered belongs before the newcomer's snapshot (see `Updates`).
        self.updates.flush()
        participant = Participant(self, options, sink)
        self.participants[participant.identity] = participant
        self._was_joined = True
        participant.state = State.JOINED
        others = [p.info() for p in self.participants.values() if p is not participant and not p.is_hidden]
        participant.send(messages.join(participant, others))
        attach(participant, self.data.receiver(participant))
        participant.changed()
        for track in list(self.tracks.values()):
            participant.subscribing.track_announced(track)
        participant.start_subscriber()
        self.speakers.greet(participant)
        logger.info("participant joined", extra=participant.log_fields)
        return participant

    def resume(self, participant: Participant, options: JoinOptions, sink: SignalSink) -> None:
        """The same session on a new websocket (livekit-protocol D.9)."""
        self.updates.flush()
        lost_at = participant.signal_lost_at if participant.sink is None else clock.now()
        participant.attach(sink)
        participant.send(messages.reconnect(participant))
        if participant.drop_next_resume:
            participant.drop_next_resume = False
            participant.close_signal("test scenario")
            return
        participant.set_permission(options.permission)
        missed = [info for info in self.updates.missed_since(lost_at) if info.identity != participant.identity]
        present = [p.info() for p in self.participants.values() if p is participant or not p.is_hidden]
        participant.send(messages.update([*missed, *present]))
        participant.send(messages.room_update(self))
        participant.resume()
        self.speakers.greet(participant)
        self.context.counters["resumed"] += 1
        logger.info("participant resumed", extra=participant.log_fields)

    def remove(self, participant: Participant, reason: int) -> None:
        """Takes a participant out, and tells the others. Harmless for one who is gone."""
        if self.participants.get(participant.identity) is not participant:
            return
        del self.participants[participant.identity]
        was_active = participant.was_active
        self.context.on_settled(participant.sid)
        participant.close()
        participant.disconnect_reason = reason
        participant.version += 1
        self.speakers.forget(participant.sid)
        self.updates.departed(participant)
        event = "participant_left" if was_active else "participant_connection_aborted"
        self.context.events.add(event, self.info(), participant=participant.info())
        self._tell_recording()
        if self._is_deserted():
            self._empty_since = clock.now()
        logger.info("participant left", extra={**participant.log_fields, "reason": messages.reason_name(reason)})

    def became_active(self, participant: Participant) -> None:
        """Its primary connection is up."""
        self.context.on_settled(participant.sid)
        self.context.events.add("participant_joined", self.info(), participant=participant.info())
        self._tell_recording()

    def visibility_changed(self, participant: Participant) -> None:
        """It was hidden and is not any more, or the other way round."""
        for other in self.participants.values():
            if other is not participant:
                other.subscribing.review(participant.publishing.announced)
        if participant.is_hidden:
            gone = models.ParticipantInfo()
            gone.CopyFrom(participant.info())
            gone.state = models.ParticipantInfo.DISCONNECTED
            self.updates.vanished(gone)

    def close(self, reason: int, *, action: int = Action.DISCONNECT, end_reason: int = 0) -> None:
        """Ends the room for everybody."""
        if self.is_closed:
            return
        self.is_closed = True
        for participant in list(self.participants.values()):
            participant.send(messages.leave(reason, action))
        for participant in list(self.participants.values()):
            self.remove(participant, reason)
        self.updates.close()
        self.context.events.add("room_finished", self.info(), end_reason=end_reason)
        logger.info("room finished", extra={"room": self.name, "room_sid": self.sid})

    # Tracks ----------------------------------------------------------------------------------------------------

    def track_announced(self, track: PublishedTrack) -> None:
        """Media of it has arrived: it exists for the others from now on."""
        self.tracks[track.sid] = track
        owner = track.owner
        self.context.events.add("track_published", self.info(), participant=owner.info(), track=track.info)
        for participant in list(self.participants.values()):
            participant.subscribing.track_announced(track)

    def track_ended(self, track: PublishedTrack) -> None:
        """Ends all subscriptions to it. Its up track still exists during this call."""
        if self.tracks.pop(track.sid, None) is None:
            return
        for participant in list(self.participants.values()):
            participant.subscribing.track_ended(track)
        track.is_announced = False
        track.owner.changed()
        self.context.events.add("track_unpublished", self.info(), participant=track.owner.info(), track=track.info)

    # Properties ------------------------------------------------------------------------------------------------

    def set_metadata(self, metadata: str) -> None:
        self.metadata = metadata
        self.broadcast(messages.room_update(self))

    def broadcast(self, message: rtc.SignalResponse) -> None:
        """One message to everybody, serialised once."""
        payload = message.SerializeToString()
        for participant in self.participants.values():
            participant.send_bytes(payload)

    # Ticks -----------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Once a second: time-outs of participants and of the room itself."""
        for participant in list(self.participants.values()):
            participant.tick(now)
        if not self._is_deserted():
            self._empty_since = now
        elif now - self._empty_since >= (self.departure_timeout if self._was_joined else self.empty_timeout):
            self.close(Reason.ROOM_CLOSED, end_reason=models.RoomEndReason.ROOM_END_IDLE_TIMEOUT)

    def tick_speakers(self) -> None:
        """Every 400 ms."""
        payload = self.speakers.tick(self.participants.values())
        if payload is not None:
            self.broadcast(payload)

    def tick_quality(self) -> None:
        """Every 5 s: connection quality, and the number of participants if it changed."""
        self.quality.tick()
        count = self.info().num_participants
        if count != self._told_participants:
            self._told_participants = count
            self.broadcast(messages.room_update(self))

    def _is_deserted(self) -> bool:
        return all(participant.is_dependent for participant in self.participants.values())

    def _check_capacity(self, options: JoinOptions, *, is_replacing: bool) -> None:
        if is_replacing:
            return
        if len(self.participants) >= MAX_PARTICIPANTS:
            raise Refused("resource_exhausted", "room is full")
        is_counted = not options.permission.hidden and options.kind == models.ParticipantInfo.STANDARD
        if self.max_participants and is_counted and self.info().num_participants >= self.max_participants:
            raise Refused("resource_exhausted", "room is full")

    def _tell_recording(self) -> None:
        is_recorded = self.info().active_recording
        if is_recorded != self._is_recorded:
            self._is_recorded = is_recorded
            self.broadcast(messages.room_update(self))


def _seconds(value: Any, default: int) -> int:
    """A number of a room's configuration; 0 and nonsense mean the default."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else default
