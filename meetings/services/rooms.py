"""Rooms: made, named, closed for good."""

from __future__ import annotations

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from meetings import enforcement, house_rules, media, outbox
from meetings.chat_text import clean_text
from meetings.models import Participant, Room
from meetings.models.participant import State
from meetings.models.room import LOBBY_MESSAGE_MAX_LENGTH
from meetings.refusals import LongLobbyMessage, TooManyRequests

# One person's open rooms: far more than anybody needs, far fewer than fill a disk.
MAX_OPEN_ROOMS = 200

audit = structlog.get_logger("audit")


def create_room(*, acting_user: User, name: str = "") -> Room:
    """A new room of `acting_user`. Raises `MayNotOpenRooms`, and `TooManyRequests` when they own too many."""
    has_lobby = house_rules.check_opening(acting_user).lobby_default.value
    if Room.objects.open().filter(owner=acting_user).count() >= MAX_OPEN_ROOMS:
        raise TooManyRequests
    try:
        with transaction.atomic():
            room = Room.objects.create(owner=acting_user, name=name, has_lobby=has_lobby)
    except IntegrityError:
        # The same 47 random bits twice: draw once more; a second time is a broken random source.
        room = Room.objects.create(owner=acting_user, name=name, has_lobby=has_lobby)
    audit.info("room_created", room=room.media_name, by=str(acting_user.public_id))
    return room


def ensure_first_room() -> Room | None:
    """The first administrator's first open room, made if there is none; None while there is no administrator."""
    admin = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if admin is None:
        return None
    room = Room.objects.open().filter(owner=admin).order_by("created_at").first()
    return room or create_room(acting_user=admin, name=gettext("First room"))


def change_settings(
    room: Room, *, name: str, has_lobby: bool, lobby_message: str, is_locked: bool, acting_user: User
) -> None:
    """Raises `LongLobbyMessage`."""
    lobby_message = clean_lobby_message(lobby_message)
    with transaction.atomic():
        Room.objects.filter(pk=room.pk).update(
            name=name, has_lobby=has_lobby, lobby_message=lobby_message, is_locked=is_locked
        )
        audit.info(
            "room_changed",
            room=room.media_name,
            has_lobby=has_lobby,
            has_lobby_message=bool(lobby_message),
            is_locked=is_locked,
            by=str(acting_user.public_id),
        )
        outbox.notify_room(room)


def change_lobby_message(text: str, *, acting: Participant) -> None:
    """What those who wait read, at once; "" takes it away. Raises `LongLobbyMessage`."""
    room = acting.room
    text = clean_lobby_message(text)
    with transaction.atomic():
        if not Room.objects.filter(pk=room.pk).exclude(lobby_message=text).update(lobby_message=text):
            return  # it says so already
        audit.info("lobby_message_changed", room=room.media_name, is_empty=not text, by=acting.identity)
        outbox.notify_room(room)


def clean_lobby_message(text: str) -> str:
    """Raises `LongLobbyMessage`."""
    text = text.replace("\r\n", "\n")  # as forms send what is one line end to who counts
    if len(text) > LOBBY_MESSAGE_MAX_LENGTH:
        raise LongLobbyMessage
    return clean_text(text, max_length=LOBBY_MESSAGE_MAX_LENGTH)


def close_room(room: Room, *, acting_user: User) -> None:
    """Closes the room for good: nobody enters any more, its link answers like one that never was."""
    now = timezone.now()
    with transaction.atomic():
        # People before the room, as everywhere: PostgreSQL would end one of two transactions that lock crosswise.
        Participant.objects.filter(room=room).present().update(state=State.LEFT, ended_at=now)
        if not Room.objects.open().filter(pk=room.pk).update(closed_at=now, call_ended_at=now):
            return  # somebody was quicker: it is closed
        audit.info("room_closed", room=room.media_name, by=str(acting_user.public_id))
        outbox.notify_room(room)
        enforcement.order(room)
        transaction.on_commit(lambda: media.delete_room(room.media_name))
