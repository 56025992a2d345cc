"""Who may enter the media engine, decided from the row at every door: `/rtc`, token refresh, `participant_joined`.

Reading only: a long write lock on SQLite must not hold anybody up at the door.
"""

from __future__ import annotations

import uuid

from meetings import house_rules, temporary_rooms, tokens
from meetings.engine_errors import Denied
from meetings.models import Participant, Room
from meetings.models.participant import State
from meetings.tokens import Claims

NAME_MAX_LENGTH = 256


def claims_of_token(token: str) -> Claims:
    """What the token says, if it opens a room at all. No query. Raises `Denied` (401, 400)."""
    if not token:
        raise Denied(401, "no token")
    try:
        claims = tokens.verify(token)
    except tokens.TokenInvalid as error:
        raise Denied(401, str(error)) from error
    if not claims.grants_all("roomJoin"):
        raise Denied(401, "permissions denied")
    if not claims.identity or not claims.room:
        raise Denied(400, "the token names no participant or no room")
    if len(claims.room) > NAME_MAX_LENGTH or len(claims.identity) > NAME_MAX_LENGTH:
        raise Denied(400, f"a name is longer than {NAME_MAX_LENGTH} characters")
    return claims


def admit(claims: Claims) -> Claims:
    """The claims with name and grants of the row, where the room is one of the portal's. Raises `Denied` (403).

    Six queries at most. Programs of ours (agent, egress) and rooms without a row go by their token alone, until the end
    of a room that says when it ends. A name as only ours have it, without a row, is that of a deleted room.
    """
    if temporary_rooms.is_over(claims.room):
        raise Denied(403, "this room is over")
    room = None if claims.is_service else portal_room(claims.room)
    if room is None:
        if not claims.is_service and _room_id(claims.room) is not None:
            raise Denied(403, "this room is gone")
        return claims
    participant = admitted_participant(room, claims.identity)
    if participant is None:
        raise Denied(403, "not admitted to this room")
    # Metadata and attributes of an old token may say what is no longer true; the row has none.
    return Claims(
        identity=participant.identity, name=participant.name, grants=tokens.grants_of(participant, claims.room)
    )


def portal_room(media_name: str) -> Room | None:
    """The portal's room with this name on the engine, or None if it is somebody else's."""
    room_id = _room_id(media_name)
    return Room.objects.filter(pk=room_id).first() if room_id is not None else None


def _room_id(media_name: str) -> uuid.UUID | None:
    """The key of the row by which a room of the portal has this name, or None for a name of another form."""
    try:
        room_id = uuid.UUID(hex=media_name)
    except ValueError:
        return None
    # UUID() also reads capitals, braces and hyphens: those are other names to the engine.
    return room_id if room_id.hex == media_name else None


def admitted_participant(room: Room, identity: str) -> Participant | None:
    """The row by which `identity` may be in `room` now, or None."""
    participant = (
        Participant.objects.select_related("room", "user").filter(room=room, identity=identity, state=State.ADMITTED)
    ).first()
    if participant is None or room.is_closed or participant.is_stale:
        return None
    if participant.user is not None and not participant.user.is_active:
        return None  # a suspended account
    if not house_rules.reaches_level(participant):
        return None
    return participant
