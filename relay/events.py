"""Events for the portal (LiveKit's webhooks), numbered and kept until web says they are committed."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from livekit.protocol import models, webhook

from relay import clock, sids

logger = logging.getLogger(__name__)

# A meeting of 200 with cameras makes about 1,000 events; ten of them may happen while web is away.
MAX_KEPT_EVENTS = 10_000
# Above this, events of tracks are not kept any more: who came and went is what the portal cannot do without.
MAX_KEPT_WITH_TRACKS = 8_000


class KeptEvent(NamedTuple):
    """A numbered event. Numbers rise by one over all rooms of the worker, so they also order each room's events."""

    sequence: int
    payload: bytes


class EventLog:
    """What happened, in order, until acknowledged."""

    def __init__(self) -> None:
        self._kept: deque[KeptEvent] = deque()
        self._last_sequence = 0
        self.overflowed = 0
        self.on_event: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def add(
        self,
        name: str,
        room: models.Room,
        *,
        participant: models.ParticipantInfo | None = None,
        track: models.TrackInfo | None = None,
        end_reason: int = 0,
    ) -> None:
        """Keeps one event and tells the links. One of a track is dropped before any other when web is away."""
        if track is not None and len(self._kept) >= MAX_KEPT_WITH_TRACKS:
            self._count_dropped()
            return
        event = webhook.WebhookEvent(
            event=name,
            id=sids.new_sid(sids.EVENT),
            created_at=int(clock.wall()),
            room=room,
            participant=participant,
            track=track,
            num_dropped=self.overflowed,
        )
        if end_reason:
            event.room_end_reason = end_reason  # type: ignore[assignment]  # the stub wants the enum's class
        self._last_sequence += 1
        self._kept.append(KeptEvent(self._last_sequence, event.SerializeToString()))
        if len(self._kept) > MAX_KEPT_EVENTS:
            self._kept.popleft()
            self._count_dropped()
        if self.on_event is not None:
            self.on_event()

    def _count_dropped(self) -> None:
        self.overflowed += 1
        if self.overflowed % 1000 == 1:
            logger.error("events dropped: web has not acknowledged", extra={"dropped": self.overflowed})

    def acknowledge(self, sequence: int) -> None:
        """Forgets everything up to and including `sequence`."""
        while self._kept and self._kept[0].sequence <= sequence:
            self._kept.popleft()

    def after(self, sequence: int) -> Iterator[KeptEvent]:
        """The kept events above `sequence`, oldest first."""
        if not self._kept:
            return iter(())
        skip = max(0, sequence - self._kept[0].sequence + 1)
        return (self._kept[index] for index in range(skip, len(self._kept)))
