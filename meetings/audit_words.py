"""Rooms and people in calls as the audit log names them, and the words for what happens there."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.audit.actions import register
from accounts.audit.parties import Party
from meetings.models import Participant, Room

register(
    {
        "room_created": _("Room created"),
        "room_changed": _("Room’s settings changed"),
        "room_closed": _("Room closed for good"),
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
