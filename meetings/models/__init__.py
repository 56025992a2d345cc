"""The rows of a meeting: rooms, who may be in them, and what the media engine told us."""

from meetings.models.chat import ChatMessage
from meetings.models.engine import Attendance, CallSession, EngineEvent, Outbox, WebhookDelivery
from meetings.models.participant import Participant
from meetings.models.report import CallReport
from meetings.models.room import Room

__all__ = [
    "Attendance",
    "CallReport",
    "CallSession",
    "ChatMessage",
    "EngineEvent",
    "Outbox",
    "Participant",
    "Room",
    "WebhookDelivery",
]
