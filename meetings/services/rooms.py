"""Rooms: made, named, closed for good."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.audit.parties import person
from accounts.audit.record import record
from accounts.audit.values import differences
from accounts.models import User
from accounts.models.policy import SignInLevel
from meetings import enforcement, house_rules, media, outbox
from meetings.audit_words import actor_of, room_party
from meetings.chat_text import clean_text
from meetings.models import Participant, Room
from meetings.models.participant import State
from meetings.models.room import LOBBY_MESSAGE_MAX_LENGTH
from meetings.refusals import LongLobbyMessage, TooManyRequests

# One person's open rooms: far more than anybody needs, far fewer than fill a disk.
MAX_OPEN_ROOMS = 200


def create_room(*, acting_user: User, name: str = "") -> Room:
    """A new room of `acting_user`. Raises `MayNotOpenRooms`, and `TooManyRequests` when they own too many."""
    has_lobby = house_rules.check_opening(acting_user).lobby_default.value
    if Room.objects.open().filter(owner=acting_user).count() >= MAX_OPEN_ROOMS:
        raise TooManyRequests
    try:
        return _create(acting_user, name, has_lobby)
    except IntegrityError:
        # The same 47 random bits twice: draw once more; a second time is a broken random source.
        return _create(acting_user, name, has_lobby)


def _create(acting_user: User, name: str, has_lobby: bool) -> Room:
    with transaction.atomic():
        room = Room.objects.create(owner=acting_user, name=name, has_lobby=has_lobby)
        record("room_created", actor=person(acting_user), target=room_party(room), scope=room.media_name)
    return room


def ensure_first_room() -> Room | None:
    """The first administrator's first open room, made if there is none; None while there is no administrator."""
    admin = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if admin is None:
        return None
    room = Room.objects.open().filter(owner=admin).order_by("created_at").first()
    return room or create_room(acting_user=admin, name=gettext("First room"))


def change_settings(
    room: Room,
    *,
    name: str,
    has_lobby: bool,
    lobby_message: str,
    is_locked: bool,
    required_acr: str = SignInLevel.ANY,
    acting_user: User,
) -> None:
    """Raises `LongLobbyMessage`."""
    lobby_message = clean_lobby_message(lobby_message)
    with transaction.atomic():
        # Not from `room`: the form has written into it already.
        before = _settings_of(Room.objects.select_for_update(no_key=True).get(pk=room.pk))
        values: dict[str, Any] = {
            "name": name,
            "has_lobby": has_lobby,
            "lobby_message": lobby_message,
            "is_locked": is_locked,
            "required_acr": required_acr,
        }
        Room.objects.filter(pk=room.pk).update(**values)
        after = _settings_of(Room(**values))
        was, became = differences(before, after)
        outbox.notify_room(room)
        record(
            "room_changed",
            actor=person(acting_user),
            target=room_party(room),
            before=was,
            after=became,
            scope=room.media_name,
            has_lobby=has_lobby,
            has_lobby_message=bool(lobby_message),
            is_locked=is_locked,
        )


def _settings_of(room: Room) -> dict[str, object]:
    """What the audit log keeps of them. The message is what people read: only how long it is."""
    return {
        "name": room.name,
        "has_lobby": room.has_lobby,
        "is_locked": room.is_locked,
        "required_acr": str(room.required_acr),
        "lobby_message_length": len(room.lobby_message),
    }


def change_lobby_message(text: str, *, acting: Participant) -> None:
    """What those who wait read, at once; "" takes it away. Raises `LongLobbyMessage`."""
    room = acting.room
    text = clean_lobby_message(text)
    with transaction.atomic():
        if not Room.objects.filter(pk=room.pk).exclude(lobby_message=text).update(lobby_message=text):
            return  # it says so already
        outbox.notify_room(room)
        record(
            "lobby_message_changed",
            actor=actor_of(acting),
            target=room_party(room),
            after={"lobby_message_length": len(text)},
            scope=room.media_name,
            is_empty=not text,
        )


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
        outbox.notify_room(room)
        enforcement.order(room)
        record("room_closed", actor=person(acting_user), target=room_party(room), scope=room.media_name)
        transaction.on_commit(lambda: media.delete_room(room.media_name))
