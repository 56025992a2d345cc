"""Rows for tests of the engine's side: a room and people in it, in whatever state."""

from __future__ import annotations

import secrets
from typing import Any

from django.utils import timezone

from accounts.models import User
from meetings.models import Participant, Room
from meetings.models.participant import State
from meetings.tokens import Claims, sign


def make_user(name: str) -> User:
    return User.objects.create_user(f"{name}@example.org", first_name=name.capitalize())


def make_room(owner: User | None = None, **fields: Any) -> Room:
    return Room.objects.create(owner=owner or make_user("alice"), **fields)


def make_participant(room: Room, name: str = "Charlie", **fields: Any) -> Participant:
    fields = {"state": State.ADMITTED, **fields}
    if fields["state"] == State.ADMITTED:
        fields.setdefault("admitted_at", timezone.now())
    return Participant.objects.create(room=room, name=name, session_key_hash=secrets.token_hex(32), **fields)


def token(room_name: str, identity: str, *, seconds: int = 600, kind: str = "", **grants: Any) -> str:
    """A token that claims everything: what counts is what is made of it."""
    everything = {
        "roomJoin": True,
        "room": room_name,
        "canPublish": True,
        "canPublishData": True,
        "canUpdateOwnMetadata": True,
        "hidden": True,
        **grants,
    }
    return sign(
        Claims(identity=identity, name="Claimed name", metadata="claimed", kind=kind, grants=everything),
        seconds=seconds,
    )


def service(**grants: Any) -> dict[str, str]:
    """The header of an API call with these video grants."""
    return {"Authorization": "Bearer " + sign(Claims(identity="portal", grants=grants), seconds=60)}
