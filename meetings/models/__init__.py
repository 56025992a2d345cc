"""The rows of a meeting: rooms and who may be in them."""

from meetings.models.participant import Participant
from meetings.models.room import Room

__all__ = ["Participant", "Room"]
