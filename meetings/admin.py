"""Rooms and participants in the admin: to look up and to put right, never a way round the doors.

State and role of a person in a call are not edited here: hosts decide them, with an order to the engine and an audit
line. What an administrator may do is close a room and lift a removal.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from meetings import departure_words
from meetings.departure_page import CALL_LOOKUP, departure_context
from meetings.departure_words import said
from meetings.models import Attendance, CallReport, CallSession, Participant, Room
from meetings.models.participant import State
from meetings.models.report import CallReportQuerySet
from meetings.services.moderation import forgive
from meetings.services.rooms import close_room

# Generic for the type checker only.
if TYPE_CHECKING:
    _RoomAdmin = admin.ModelAdmin[Room]
    _ParticipantAdmin = admin.ModelAdmin[Participant]
    _CallAdmin = admin.ModelAdmin[CallSession]
    _ReportAdmin = admin.ModelAdmin[CallReport]
    _AttendanceInline = admin.TabularInline[Attendance, Participant]
else:
    _RoomAdmin = _ParticipantAdmin = _CallAdmin = _ReportAdmin = admin.ModelAdmin
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
    fields = readonly_fields = ("joined_at", "left_at", "end")
    extra = 0
    can_delete = False

    @admin.display(description=_("reason"))
    def end(self, attendance: Attendance) -> str:
        return said(departure_words.ENGINE, attendance.reason)

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


# "at about 10:14": what people say when they complain.
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:h]([0-5]\d)")
_ABOUT = timedelta(minutes=5)


class HowItEnded(admin.SimpleListFilter):
    title = _("how it ended")
    parameter_name = "end"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("bad", _("Badly: cut off or never got through")),
            ("cut", _("Cut off")),
            ("wished", _("Left, removed or over")),
            ("never", _("Never got through")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CallReport]) -> QuerySet[CallReport]:
        # The queryset is one of CallReport's own, which the admin's types do not know.
        reports: CallReportQuerySet = queryset  # type: ignore[assignment]  # see above
        match self.value():
            case "bad":
                return reports.ended_badly()
            case "cut":
                return reports.cut_off()
            case "wished":
                return reports.wished()
            case "never":
                return reports.never_in()
        return queryset


@admin.register(CallReport)
class CallReportAdmin(_ReportAdmin):
    """One line a departure, to answer "why did it cut at 10:14": type the time into the search field."""

    list_display = (
        "person",
        "room",
        "ended_at",
        "engine_reason",
        "rating",
        "page_reason",
        "way",
        "loss_percent",
        "rtt_ms",
        "reconnects",
        "browser",
        "began_at",
    )
    list_select_related = ("participant__room", "attendance")
    list_filter = (HowItEnded, "rating", "ended_at")
    search_fields = (
        "participant__name",
        "participant__room__name",
        "=participant__room__slug",
        "participant__user__email",
        "=browser",
    )
    search_help_text = _("Name, e-mail address, room, or a time of day such as 10:14.")
    show_full_result_count = False  # one count of the whole table less
    list_per_page = 50
    date_hierarchy = "ended_at"
    fields = readonly_fields = (
        "person",
        "room",
        "began_at",
        "ended_at",
        "engine_reason",
        "reported_at",
        "page_reason",
        "way",
        "loss_percent",
        "rtt_ms",
        "reconnects",
        "join_ms",
        "browser",
        "rating",
    )

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Also by the call, to which each departure leads."""
        return lookup == CALL_LOOKUP or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]  # Django passes None, too

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """With the answer in one sentence above, and the way to whom and what it is about."""
        report = kwargs.get("obj")
        if report is not None:
            context |= {"departure": departure_context(self.admin_site, request, report)}
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("person"), ordering="participant__name")
    def person(self, report: CallReport) -> str:
        return report.participant.name

    @admin.display(description=_("room"), ordering="participant__room__name")
    def room(self, report: CallReport) -> str:
        return report.participant.room.name or report.participant.room.media_name[:8]  # the slug opens the door

    @admin.display(description=_("reason"), ordering="attendance__reason")
    def engine_reason(self, report: CallReport) -> str:
        if report.attendance is None:
            return gettext("never got through")
        return said(departure_words.ENGINE, report.attendance.reason) or gettext("still in the call")

    @admin.display(description=_("reason (page)"), ordering="reason")
    def page_reason(self, report: CallReport) -> str:
        return said(departure_words.PAGE, report.reason)

    @admin.display(description=_("path"), ordering="path")
    def way(self, report: CallReport) -> str:
        return said(departure_words.PATH, report.path)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[CallReport], search_term: str
    ) -> tuple[QuerySet[CallReport], bool]:
        """Times of day among the words are taken as ends at about that time."""
        words = []
        for word in search_term.split():
            clock = _CLOCK.fullmatch(word)
            if clock is None:
                words.append(word)
            else:
                queryset = queryset.filter(_ended_about(int(clock[1]), int(clock[2])))
        return super().get_search_results(request, queryset, " ".join(words))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: CallReport | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CallReport | None = None) -> bool:
        return False


def _ended_about(hour: int, minute: int) -> Q:
    """Ends within some minutes of a time of day, in the portal's time zone; also over midnight."""
    at = datetime(2000, 1, 2, hour, minute)
    first, last = (at - _ABOUT).time(), (at + _ABOUT).time()
    if first < last:
        return Q(ended_at__time__gte=first, ended_at__time__lte=last)
    return Q(ended_at__time__gte=first) | Q(ended_at__time__lte=last)


def _staff(request: HttpRequest) -> User:
    if not isinstance(request.user, User):  # the admin lets only staff in
        raise TypeError("an administrator is needed here")
    return request.user
