"""Rooms and people in calls as the audit log names them, and the words for what happens there."""

from __future__ import annotations

import re
from collections.abc import Collection

from django.utils.translation import gettext_lazy as _

from accounts.audit import places
from accounts.audit.actions import register
from accounts.audit.parties import Party
from meetings.models import Participant, Room
from meetings.models.room import SLUG_PATTERN

register(
    {
        "room_created": _("Room created"),
        "room_changed": _("Room’s settings changed"),
        "room_closed": _("Room closed for good"),
        "room_passed_on": _("Room passed on to another owner"),
        "room_locked": _("Room locked"),
        "room_unlocked": _("Room unlocked"),
        "lobby_message_changed": _("Message in the lobby changed"),
        "participant_entered": _("Entered, or asked to"),
        "entry_refused": _("Entry refused"),
        "act_refused": _("Moderation refused"),
        "participant_admitted": _("Let in"),
        "participant_denied": _("Not let in"),
        "all_admitted": _("All let in"),
        "participant_removed": _("Removed from the call"),
        "participant_forgiven": _("Removal lifted"),
        "participant_muted": _("Muted"),
        "others_muted": _("All others muted"),
        "role_changed": _("Role in the call changed"),
        "call_ended": _("Call ended for all"),
        "message_deleted": _("Chat message deleted"),
        "hand_lowered": _("Hand lowered"),
        "hands_lowered": _("All hands lowered"),
    }
)

# What administrators are given: a link, or its last part alone.
_SLUG = re.compile(rf"(?:.*/)?({SLUG_PATTERN})/?", re.IGNORECASE)


def _names_of(ids: Collection[str]) -> dict[str, str]:
    rooms = Room.objects.filter(pk__in=places.uuids(ids, is_hex=True)).select_related("owner")
    return {room.media_name: room.office_name for room in rooms}


def _ids_of(words: str) -> Collection[str]:
    """By the link or its code, or by how the name begins."""
    slug = _SLUG.fullmatch(words)
    found = Room.objects.filter(slug=slug[1].lower()) if slug else Room.objects.filter(name__istartswith=words)
    return [key.hex for key in found.values_list("pk", flat=True)[: places.MAX_FOUND]]


places.register("room", places.Kind(_names_of, _ids_of, _SLUG))


def room_party(room: Room) -> Party:
    return Party("room", room.media_name, room.audit_label)


def participant_party(participant: Participant) -> Party:
    """Whom an act is about: this person in this call."""
    return Party("participant", participant.identity, participant.name)


def actor_of(participant: Participant) -> Party:
    """Who acts: the account where there is one, so that all its acts are found together. The log's line has the
    identity in the call, as it is known there."""
    if participant.user is None:
        return participant_party(participant)
    return Party("person", str(participant.user.public_id), participant.name, log_id=participant.identity)
