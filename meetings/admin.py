"""Rooms and participants in the admin: to look up and to put right, never a way round the doors.

State and role of a person in a call are not edited here: hosts decide them, with an order to the engine and an audit
line. What an administrator may do is close a room and lift a removal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from meetings.models import Attendance, CallSession, Participant, Room
from meetings.models.participant import State
from meetings.services.moderation import forgive
from meetings.services.rooms import close_room

# Generic for the type checker only.
if TYPE_CHECKING:
    _RoomAdmin = admin.ModelAdmin[Room]
    _ParticipantAdmin = admin.ModelAdmin[Participant]
    _CallAdmin = admin.ModelAdmin[CallSession]
    _AttendanceInline = admin.TabularInline[Attendance, Participant]
else:
    _RoomAdmin = _ParticipantAdmin = _CallAdmin = admin.ModelAdmin
    _AttendanceInline = admin.TabularInline


@admin.register(Room)
class RoomAdmin(_RoomAdmin):
    list_display = ("__str__", "owner", "is_locked", "has_lobby", "created_at", "closed_at")
    list_filter = ("is_locked", "has_lobby", "closed_at")
    list_select_related = ("owner",)
    # The slug opens the door: found when somebody gives it, not listed for browsing.
    search_fields = ("name", "=slug", "owner__email")
    fields = ("name", "owner", "is_locked", "has_lobby", "created_at", "call_ended_at", "closed_at")
    readonly_fields = ("owner", "is_locked", "created_at", "call_ended_at", "closed_at")
    date_hierarchy = "created_at"
    actions = ("close",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # people make rooms of their own

    def has_delete_permission(self, request: HttpRequest, obj: Room | None = None) -> bool:
        return False  # closed, not deleted: who met there is on record

    @admin.action(description=_("Close for good"), permissions=["change"])
    def close(self, request: HttpRequest, queryset: QuerySet[Room]) -> None:
        rooms = list(queryset.filter(closed_at__isnull=True))
        for room in rooms:
            close_room(room, acting_user=_staff(request))
        messages.success(request, gettext("%(count)d rooms are closed.") % {"count": len(rooms)})


class AttendanceInline(_AttendanceInline):
    model = Attendance
    fields = readonly_fields = ("joined_at", "left_at", "reason")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Participant | None = None) -> bool:
        return False


@admin.register(Participant)
class ParticipantAdmin(_ParticipantAdmin):
    list_display = ("name", "room", "user", "role", "state", "created_at", "ended_at")
    list_filter = ("state", "role")
    list_select_related = ("room", "user")
    search_fields = ("name", "=identity", "room__name", "user__email")
    fields = ("name", "room", "user", "identity", "role", "state", "created_at", "admitted_at", "ended_at")
    readonly_fields = fields
    inlines = (AttendanceInline,)
    actions = ("forgive",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Participant | None = None) -> bool:
        return False

    @admin.action(description=_("Lift the removal"), permissions=["change"])
    def forgive(self, request: HttpRequest, queryset: QuerySet[Participant]) -> None:
        for participant in queryset.filter(state=State.REMOVED).select_related("room", "user"):
            forgive(participant, acting_user=_staff(request))


@admin.register(CallSession)
class CallAdmin(_CallAdmin):
    list_display = ("room", "started_at", "ended_at")
    list_select_related = ("room",)
    search_fields = ("room__name",)
    fields = readonly_fields = ("room", "sid", "started_at", "ended_at", "last_seen_at")
    date_hierarchy = "started_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CallSession | None = None) -> bool:
        return False


def _staff(request: HttpRequest) -> User:
    if not isinstance(request.user, User):  # the admin lets only staff in
        raise TypeError("an administrator is needed here")
    return request.user
