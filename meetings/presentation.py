"""Rows as the call page gets them (docs/architecture.md: `Participant`, `RoomState`, `CallConfig`)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language

from meetings.access import Visitor
from meetings.models import Participant, Room


def participant_json(participant: Participant) -> dict[str, Any]:
    return {
        "identity": participant.identity,
        "name": participant.name,
        "role": participant.role,
        "isGuest": participant.is_guest,
    }


def room_state(own: Participant) -> dict[str, Any]:
    """What the owner of the row `own` may know of the room now: four queries at most, none for who only waits."""
    room = own.room
    waiting: list[dict[str, Any]] = []
    roles: dict[str, str] = {}
    if own.may_be_in_call:
        roles = dict(Participant.objects.filter(room=room).admitted().values_list("identity", "role"))
    if own.may_moderate:
        waiting = [participant_json(row) for row in Participant.objects.filter(room=room).waiting()]
    return {
        "me": {**participant_json(own), "state": own.state},
        "room": {"isLocked": room.is_locked, "isClosed": room.is_closed},
        "waiting": waiting,
        "roles": roles,
    }


def call_config(room: Room, visitor: Visitor) -> dict[str, Any]:
    """Everything that the call page needs to know before it asks for anything."""
    page = reverse("meetings:call", args=[room.slug])
    return {
        "room": {"slug": room.slug, "name": room.name, "hasLobby": room.has_lobby},
        "me": {"name": visitor.user.display_name if visitor.user else "", "isSignedIn": visitor.user is not None},
        "locale": (get_language() or "fr")[:2],
        "urls": {
            "api": reverse("meetings:api_enter", args=[room.slug]).removesuffix("/enter"),
            "websocket": f"/ws/rooms/{room.slug}",
            "home": reverse("meetings:home"),
            "language": reverse("set_language"),
            "signIn": f"{reverse('account_login')}?{urlencode({'next': page})}",
        },
        "assets": {"base": static("call/main.js").rpartition("/")[0] + "/"},
    }
