"""Rows as the call page gets them (docs/architecture.md: `Participant`, `RoomState`, `CallConfig`)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from meetings.access import Visitor
from meetings.models import ChatMessage, Participant, Room
from meetings.models.participant import State
from meetings.models.present_call import present_call
from meetings.services import lobby
from meetings.services.doorway import Doorway, Inside, People, View, doorway
from meetings.services.queue import Asking, asking


def participant_json(participant: Participant) -> dict[str, Any]:
    return {
        "identity": participant.identity,
        "name": participant.name,
        "role": participant.role,
        "isGuest": participant.is_guest,
    }


def room_state(own: Participant) -> dict[str, Any]:
    """What the owner of the row `own` may know of the room now: six queries at most, one for who only waits."""
    room = own.room
    roles: dict[str, str] = {}
    twins: list[str] = []
    hands: list[str] = []
    began_at: datetime | None = None
    if own.may_be_in_call:
        people = Participant.objects.filter(room=room)
        inside = list(people.admitted().only("identity", "role", "name", "user_id"))
        roles = {person.identity: person.role for person in inside}
        twins = [person.identity for person in inside if person.pk != own.pk and _is_twin(own, person)]
        hands = list(people.with_hand_up().values_list("identity", flat=True))
        began_at = present_call(room).began_at
    is_waiting = own.state == State.WAITING
    return {
        "me": {**participant_json(own), "state": own.state},
        "room": {
            "isLocked": room.is_locked,
            "isClosed": room.is_closed,
            "lobbyMessage": room.lobby_message if is_waiting or own.may_moderate else "",
        },
        "queue": _queue_json(own) if is_waiting else None,
        "waiting": [_asking_json(person) for person in asking(own)],
        "roles": roles,
        "twins": twins,
        "hands": hands,
        "callBeganAt": began_at and _time(began_at),
    }


def _asking_json(person: Asking) -> dict[str, Any]:
    return {**participant_json(person.row), "origin": person.origin, "askedAt": _time(person.row.asked_at)}


def _is_twin(own: Participant, other: Participant) -> bool:
    """Most likely the same person on another device: by the account, or by the name where one of the two has none."""
    if own.user_id is not None and other.user_id is not None:
        return own.user_id == other.user_id
    return own.name.casefold() == other.name.casefold()


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _queue_json(own: Participant) -> dict[str, int] | None:
    place = lobby.place_in_queue(own)
    return {"place": place[0], "length": place[1]} if place else None


def doorway_json(found: Doorway) -> dict[str, Any]:
    """Only what this person may know: the rest is not sent."""
    refusal = found.refusal
    return {
        "inside": _inside_json(found.inside),
        "refusal": {"code": refusal.code, "message": str(refusal.text)} if refusal is not None else None,
        "waiting": _people_json(found.waiting) if found.waiting is not None else None,
    }


def _people_json(people: People) -> dict[str, Any]:
    return {"count": people.count, "names": list(people.names)}


def _inside_json(found: Inside) -> dict[str, Any]:
    match found.view:
        case View.NAMES:
            return {"view": "names", **_people_json(found.people)}
        case View.BEGUN:
            return {"view": "begun", "hasBegun": found.has_begun}
        case View.NOTHING:
            return {"view": "nothing"}


def message_json(message: ChatMessage) -> dict[str, Any]:
    shown = {
        "id": str(message.pk),
        "identity": message.author.identity,
        "name": message.name,
        "role": message.role,
        "text": message.text,
        "sentAt": _time(message.sent_at),
    }
    return {**shown, "isDeleted": True} if message.is_deleted else shown


def call_config(room: Room, visitor: Visitor) -> dict[str, Any]:
    """Everything that the call page needs to know before it asks for anything."""
    page = reverse("meetings:call", args=[room.slug])
    return {
        "room": {"slug": room.slug, "title": str(room), "hasLobby": room.has_lobby},
        "me": {
            "name": visitor.user.display_name if visitor.user else "",
            "isSignedIn": visitor.user is not None,
            "isOwner": visitor.owns(room),
        },
        "doorway": doorway_json(doorway(room, visitor=visitor)),
        "locale": (get_language() or "fr")[:2],
        "now": _time(timezone.now()),
        "urls": {
            "api": reverse("meetings:api_enter", args=[room.slug]).removesuffix("/enter"),
            "websocket": f"/ws/rooms/{room.slug}",
            "home": reverse("meetings:home"),
            "language": reverse("set_language"),
            "signIn": f"{reverse('account_login')}?{urlencode({'next': page})}",
        },
        "assets": {"base": static("call/main.js").rpartition("/")[0] + "/"},
    }
