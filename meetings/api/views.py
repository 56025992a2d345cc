"""The owner's rooms. What may be done is decided where the pages ask, too: services, house rules, form."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.api import idempotency
from accounts.api.errors import ApiError, invalid
from accounts.api.pages import Order
from accounts.api.serializers import PageQuery
from accounts.api.views import ApiView, ListView, found, owner_of
from accounts.models import User
from meetings.api.scopes import CALLS_READ, ROOMS_READ, ROOMS_WRITE
from meetings.api.serializers import (
    CallSerializer,
    ParticipantSerializer,
    RoomChangeSerializer,
    RoomSerializer,
    RoomsQuery,
)
from meetings.engine_errors import EngineError, Unavailable
from meetings.forms import RoomSettingsForm
from meetings.house_rules import level_laid_down
from meetings.models import Attendance, CallSession, Participant, Room
from meetings.models.room import RoomQuerySet
from meetings.refusals import MayNotOpenRooms, Refused, TooManyRequests
from meetings.services.rooms import change_settings, close_room, create_room

_SETTINGS = ("name", "has_lobby", "lobby_message", "is_locked", "required_acr")
_FORM_ONLY = ("has_lobby", "lobby_message", "is_locked", "required_acr")


class RoomApiView(ApiView):
    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(_as_api_error(exc))


def _as_api_error(exc: Exception) -> Exception:
    """What the services refuse, in the API's shape."""
    if isinstance(exc, Refused):
        message = exc.sentence if isinstance(exc, MayNotOpenRooms) else str(exc.text)
        return ApiError(exc.status, exc.code, message)
    if isinstance(exc, Unavailable):
        message = gettext("The change is made; the media server, which ends the call, does not answer.")
        return ApiError(503, "unavailable", message, remedy=gettext("Nobody new gets in. Look after the media server."))
    if isinstance(exc, EngineError):
        return ApiError(502, "engine", gettext("The media server refused the order."))
    return exc


def _rooms(request: Request) -> RoomQuerySet:
    return Room.objects.visible_to(owner_of(request)).with_people_inside().select_related("owner")


def _room(request: Request, key: UUID) -> Room:
    room: Room = found(_rooms(request), pk=key)
    return room


class Rooms(RoomApiView, ListView):
    scopes: ClassVar = {"GET": ROOMS_READ, "POST": ROOMS_WRITE}
    tag, operation = "rooms", "rooms"
    order = Order(("created_at", "id"), is_descending=True)
    serializer_class: type[BaseSerializer[Any]] = RoomSerializer

    @property
    def query_class(self) -> Any:  # type: ignore[override]  # by method
        return RoomsQuery if self.request.method in ("GET", "HEAD") else super().query_class

    def rows(self) -> QuerySet[Room]:
        rooms = _rooms(self.request).matching(self.query["q"])
        state = self.query["state"]
        return rooms if state == "all" else rooms.filter(closed_at__isnull=state == "open")

    @extend_schema(summary="Rooms", parameters=[RoomsQuery])
    def get(self, request: Request) -> Response:
        """The owner's rooms, newest first."""
        return super().get(request)

    @extend_schema(
        summary="Open a room",
        parameters=[idempotency.PARAMETER],
        request=RoomChangeSerializer,
        responses={201: RoomSerializer, 200: RoomSerializer},
    )
    def post(self, request: Request) -> Response:
        """Of the owner, as far as the policies of their organisation let them. 200: it was made before, under the same
        `Idempotency-Key`."""
        wish = self.checked_body(RoomChangeSerializer)
        key, is_new = idempotency.once(request, lambda: _open(owner_of(request), wish))
        return Response(RoomSerializer(_room(request, key)).data, status=201 if is_new else 200)


class OneRoom(RoomApiView):
    scopes: ClassVar = {"GET": ROOMS_READ, "PATCH": ROOMS_WRITE, "DELETE": ROOMS_WRITE}
    tag, operation = "rooms", "room"
    serializer_class: type[BaseSerializer[Any]] = RoomSerializer

    @extend_schema(summary="One room")
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002  as documented
        return Response(RoomSerializer(_room(request, id)).data)

    @extend_schema(summary="Change a room", request=RoomChangeSerializer)
    def patch(self, request: Request, id: UUID) -> Response:  # noqa: A002  as documented
        """What is not sent stays."""
        room = _room(request, id)
        wish = self.checked_body(RoomChangeSerializer)
        _change(room, wish, owner_of(request))
        return Response(RoomSerializer(_room(request, id)).data)

    @extend_schema(summary="Close a room for good", responses={204: None})
    def delete(self, request: Request, id: UUID) -> Response:  # noqa: A002  as documented
        """Its call ends, its link answers like one that never was. Closed before: 204, too."""
        close_room(_room(request, id), acting_user=owner_of(request))
        return Response(status=204)


class Participants(ListView):
    scopes: ClassVar = {"GET": CALLS_READ}
    tag, operation = "rooms", "participants"
    order = Order(("identity",))
    serializer_class: type[BaseSerializer[Any]] = ParticipantSerializer

    def rows(self) -> QuerySet[Participant]:
        room = _room(self.request, self.kwargs["id"])
        mine = Participant.objects.visible_to(owner_of(self.request)).filter(room=room)
        inside = Attendance.objects.filter(participant=OuterRef("pk"), left_at=None, call__ended_at=None)
        here = mine.annotate(is_in_call=Exists(inside)).select_related("user")
        return here.filter(Q(pk__in=mine.waiting().values("pk")) | Q(pk__in=mine.admitted().values("pk")))

    @extend_schema(summary="Who is there now", parameters=[PageQuery])
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002  as documented
        """In the lobby and in the call. In the order of their identities."""
        return super().get(request)


class Calls(ListView):
    scopes: ClassVar = {"GET": CALLS_READ}
    tag, operation = "rooms", "calls"
    order = Order(("started_at", "sid"), is_descending=True)
    serializer_class: type[BaseSerializer[Any]] = CallSerializer

    def rows(self) -> QuerySet[CallSession]:
        room = _room(self.request, self.kwargs["id"])
        return room.calls.annotate(people=Count("attendances__participant", distinct=True))

    @extend_schema(summary="Calls in a room", parameters=[PageQuery])
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002  as documented
        """Newest first, as long as they are kept (`REPORT_RETENTION_DAYS`)."""
        return super().get(request)


def _open(owner: User, wish: dict[str, Any]) -> UUID:
    try:
        room = create_room(acting_user=owner, name=_cleaned(Room(owner=owner), {"name": wish.get("name", "")})["name"])
    except TooManyRequests as many:
        raise ApiError(
            409,
            "too_many_rooms",
            gettext("The owner has too many open rooms."),
            remedy=gettext("Close rooms that are no longer needed."),
        ) from many
    if any(name in wish for name in _FORM_ONLY):
        _change(room, wish, owner)
    return room.pk


def _change(room: Room, wish: dict[str, Any], owner: User) -> None:
    """What is not wished for stays as it is now, whatever its host changes meanwhile."""
    with transaction.atomic():
        locked = Room.objects.select_for_update(no_key=True, of=("self",)).select_related("owner").get(pk=room.pk)
        if locked.is_closed:
            raise ApiError(410, "closed", gettext("This room is closed for good."), where="path")
        change_settings(locked, **_cleaned(locked, wish), acting_user=owner)


def _cleaned(room: Room, wish: dict[str, Any]) -> dict[str, Any]:
    """By the form of the page, which knows what policies leave to choose. Raises `ApiError` 400."""
    data = {**{name: getattr(room, name) for name in _SETTINGS}, **wish}
    form = RoomSettingsForm(data, instance=room, laid_down=level_laid_down(room))
    if "required_acr" in form.errors:
        raise ApiError(
            409,
            "not_offered",
            gettext("This level is weaker than what is laid down for the owner, or nobody can reach it here."),
            where="body.required_acr",
            remedy=gettext("Take “any”, or a stricter level that the room’s settings offer."),
        )
    if not form.is_valid():
        raise invalid(form.errors.as_data(), where="body")
    return dict(form.cleaned_data)
