"""Chat, reactions and hands: what people in a call say beside their voice.

Through the portal and never from client to client: tokens of people may not send data. A line of chat is a row first;
the engine then carries it to everybody as a packet of the server. Who misses the packet finds the row in the history.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.audit.record import record
from accounts.rate_limits import is_allowed
from jobs.queue import enqueue
from meetings import media, outbox
from meetings.audit_words import actor_of, participant_party, room_party
from meetings.chat_text import clean_message
from meetings.engine_errors import EngineError, Unavailable
from meetings.models import Attendance, ChatMessage, Participant, Room
from meetings.models.chat import KEY_MAX_LENGTH
from meetings.models.participant import State
from meetings.presentation import message_json
from meetings.refusals import BadRequest, NoMessage, NotAdmitted, NotAllowed, TooManyRequests

CHAT_TOPIC = "portal.chat"
REACTION_TOPIC = "portal.reaction"
REACTIONS = ("thumbs-up", "clap", "heart", "laugh", "surprised", "celebrate")
PAGE_SIZE = 100
# What a page that was away is told of: far more than anybody takes back in a call.
MAX_DELETED = 500

# A minute's worth of one person: more than anybody types or applauds, too little to drown the others.
MESSAGES_PER_MINUTE = 30
REACTIONS_PER_MINUTE = 30
HANDS_PER_MINUTE = 20
DELETIONS_PER_MINUTE = 60
READS_PER_MINUTE = 120
# Of a room together: each is a packet to everybody in it.
ROOM_PACKETS_PER_MINUTE = 600

CARRY_JOB = "meetings.carry_message"
_CARRY_AGAIN_AFTER = timedelta(seconds=3)

_KEY = re.compile(rf"[\w-]{{1,{KEY_MAX_LENGTH}}}", re.ASCII)
# What the engine says of a connection whose person is in the call by a newer one.
_REPLACED = "duplicate_identity"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class History:
    """Some messages of the present call, oldest first. `deleted`: which of the call's are gone, the last one first."""

    messages: list[ChatMessage]
    has_more: bool
    deleted: list[int]


def post_message(own: Participant, *, text: str, key: str) -> ChatMessage:
    """One line to everybody in the call. The same key again sends the same line again, as it was.

    Raises `TooManyRequests`, `BadRequest`, `LongMessage`, `EmptyMessage`, `NotAdmitted`.
    """
    _limit("message", own, MESSAGES_PER_MINUTE)
    _limit_room(own.room)
    if not _KEY.fullmatch(key):
        raise BadRequest
    text = clean_message(text)
    with transaction.atomic():
        message = _kept(own, text, key)
        transaction.on_commit(lambda: _deliver(message))
    return message


def delete_message(own: Participant, message_id: int) -> None:
    """Takes a line back, for everybody and for good: one's own, or anyone's for who moderates.

    Raises `NoMessage`, `NotAllowed`, `TooManyRequests`.
    """
    _limit("deletion", own, DELETIONS_PER_MINUTE)
    message = ChatMessage.objects.of_present_call(own.room).filter(pk=message_id).select_related("author").first()
    if message is None:
        raise NoMessage
    if message.author_id != own.pk and not own.may_moderate:
        raise NotAllowed
    now = timezone.now()
    with transaction.atomic():
        if ChatMessage.objects.filter(pk=message.pk, deleted_at=None).update(text="", deleted_at=now):
            room = own.room.media_name
            record(
                "message_deleted",
                actor=actor_of(own),
                target=participant_party(message.author),
                after={"number": message.pk},
                scope=room,
                room=room,
                author=message.author.identity,
            )
        message.text, message.deleted_at = "", now
        # Also where it was deleted before: who pressed again saw it still.
        transaction.on_commit(lambda: _deliver(message))


def history(own: Participant, *, after: int | None = None, before: int | None = None) -> History:
    """The newest page, or the one after or before a message. Raises `TooManyRequests`."""
    _limit("history", own, READS_PER_MINUTE)
    call = ChatMessage.objects.of_present_call(own.room)
    rows = call.select_related("author")
    if after is not None:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: PAGE_SIZE + 1])
        messages = found[:PAGE_SIZE]
    else:
        rows = rows if before is None else rows.filter(pk__lt=before)
        found = list(rows.order_by("-pk")[: PAGE_SIZE + 1])
        messages = found[:PAGE_SIZE][::-1]
    deleted = call.filter(deleted_at__isnull=False).order_by("-deleted_at").values_list("pk", flat=True)
    return History(messages, len(found) > PAGE_SIZE, list(deleted[:MAX_DELETED]))


def react(own: Participant, reaction: str) -> None:
    """Shows a sign to everybody for a moment; kept nowhere. Raises `BadRequest`, `TooManyRequests`, `Unavailable`."""
    if reaction not in REACTIONS:
        raise BadRequest
    _limit("reaction", own, REACTIONS_PER_MINUTE)
    _limit_room(own.room)
    _send(own.room, REACTION_TOPIC, {"identity": own.identity, "reaction": reaction})


def set_hand(own: Participant, *, is_raised: bool) -> None:
    """One's own hand. Raised again it keeps its place in the order. Raises `TooManyRequests`."""
    _limit("hand", own, HANDS_PER_MINUTE)
    with transaction.atomic():
        if not is_raised:
            changed = _lower(own.room, own)
        else:
            # The row itself says whether it is up: of two tabs that raise at once, the first gives the place.
            is_down = Q(hand_raised_at__isnull=True) | Q(hand_raised_at__lt=F("admitted_at"))
            down = Participant.objects.filter(is_down, pk=own.pk).admitted()
            changed = down.update(hand_raised_at=timezone.now())
        if changed:
            outbox.notify_room(own.room)


def lower_hand(target: Participant, *, acting: Participant) -> None:
    with transaction.atomic():
        if _lower(target.room, target):
            outbox.notify_room(target.room)
            room = target.room.media_name
            record("hand_lowered", actor=actor_of(acting), target=participant_party(target), scope=room, room=room)


def lower_hands(*, acting: Participant) -> None:
    room = acting.room
    with transaction.atomic():
        if _lower(room):
            outbox.notify_room(room)
            record("hands_lowered", actor=actor_of(acting), target=room_party(room), scope=room.media_name)


def carry(message: ChatMessage) -> None:
    """Sends the line as it is now to everybody in the call. Raises `Unavailable`, `EngineError`."""
    content = {"id": str(message.pk), "isDeleted": True} if message.is_deleted else message_json(message)
    _send(message.room, CHAT_TOPIC, content)


def stay_ended(attendance: Attendance) -> None:
    """The hand falls with the person's last connection to the call; a page that connects anew keeps it up."""
    own = attendance.participant
    if own.hand_raised_at is None or attendance.reason == _REPLACED:
        return
    if not own.attendances.filter(left_at__isnull=True).exists() and _lower(own.room, own):
        outbox.notify_room(own.room)


def _kept(own: Participant, text: str, key: str) -> ChatMessage:
    """The row of this key, made if it is new. Within a transaction."""
    # Locked in this order everywhere: the person, so that who is being put out says nothing more; then the room, so
    # that numbers become visible in their order and `after` misses none.
    author = Participant.objects.select_for_update(no_key=True).filter(pk=own.pk).first()
    if author is None or author.state != State.ADMITTED:
        raise NotAdmitted
    before = ChatMessage.objects.filter(author=author, key=key).select_related("author").first()
    if before is not None:
        before.room = own.room
        return before
    Room.objects.select_for_update(no_key=True).get(pk=own.room.pk)
    return ChatMessage.objects.create(
        room=own.room, author=author, name=author.name, role=author.role, text=text, key=key
    )


def _lower(room: Room, target: Participant | None = None) -> int:
    rows = Participant.objects.filter(room=room, hand_raised_at__isnull=False)
    if target is not None:
        rows = rows.filter(pk=target.pk)
    return rows.update(hand_raised_at=None)


def _deliver(message: ChatMessage) -> None:
    """After the commit. The line is kept, so nobody is told of an engine that does not answer: a job asks it again."""
    try:
        carry(message)
    except (Unavailable, EngineError) as error:
        log.warning("message_not_carried", room=message.room.media_name, message=message.pk, error=str(error))
        enqueue(CARRY_JOB, {"message": message.pk}, run_after=timezone.now() + _CARRY_AGAIN_AFTER)


def _send(room: Room, topic: str, content: Mapping[str, Any]) -> None:
    media.send_data(room.media_name, json.dumps(content, ensure_ascii=False).encode(), topic=topic)


def _limit(action: str, own: Participant, per_minute: int) -> None:
    if not is_allowed(action, own.identity, per_minute=per_minute):
        raise TooManyRequests


def _limit_room(room: Room) -> None:
    if not is_allowed("room-packet", room.media_name, per_minute=ROOM_PACKETS_PER_MINUTE):
        raise TooManyRequests
