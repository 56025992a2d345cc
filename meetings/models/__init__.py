"""The rows of a meeting: rooms, who may be in them, and what the media engine told us."""

from meetings.models.engine import Attendance, CallSession, EngineEvent, Outbox, WebhookDelivery
from meetings.models.participant import Participant
from meetings.models.room import Room

__all__ = ["Attendance", "CallSession", "EngineEvent", "Outbox", "Participant", "Room", "WebhookDelivery"]
