"""Rooms and participants in the admin: to look up and to put right, never a way round the doors.

State and role of a person in a call are not edited here: hosts decide them, with an order to the engine and an audit
line. What an administrator may do is close a room and lift a removal.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Min, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.exact_time import day_of, exact_time
from accounts.models import User
from accounts.people_search import people_matching
from meetings import departure_words
from meetings.departure_page import CALL_LOOKUP, departure_context
from meetings.departure_story import figures
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
    list_display = ("office_name", "owner", "is_locked", "has_lobby", "created_at", "closed_at")
    list_filter = ("is_locked", "has_lobby", "closed_at")
    list_select_related = ("owner",)
    # The slug opens the door: found when somebody gives it, not listed for browsing.
    search_fields = ("name", "=slug", "^owner__email")
    fields = ("name", "owner", "is_locked", "has_lobby", "created_at", "call_ended_at", "closed_at")
    readonly_fields = ("owner", "is_locked", "created_at", "call_ended_at", "closed_at")
    show_full_result_count = False
    actions = ("close",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # people make rooms of their own

    def has_delete_permission(self, request: HttpRequest, obj: Room | None = None) -> bool:
        return False  # closed, not deleted: who met there is on record

    @admin.display(description=_("room"), ordering="name")
    def office_name(self, room: Room) -> str:
        return room.office_name

    @admin.action(description=_("Close for good"), permissions=["change"])
    def close(self, request: HttpRequest, queryset: QuerySet[Room]) -> None:
        rooms = list(queryset.filter(closed_at__isnull=True))
        for room in rooms:
            close_room(room, acting_user=_staff(request))
        messages.success(request, gettext("%(count)d rooms are closed.") % {"count": len(rooms)})


class AttendanceInline(_AttendanceInline):
    model = Attendance
    fields = readonly_fields = ("came", "went", "end")
    extra = 0
    can_delete = False

    @admin.display(description=_("joined at"))
    def came(self, attendance: Attendance) -> str:
        return exact_time(attendance.joined_at)

    @admin.display(description=_("left at"))
    def went(self, attendance: Attendance) -> str:
        return exact_time(attendance.left_at)

    @admin.display(description=_("reason"))
    def end(self, attendance: Attendance) -> str:
        return said(departure_words.ENGINE, attendance.reason)

    def has_add_permission(self, request: HttpRequest, obj: Participant | None = None) -> bool:
        return False


def who_has(word: str) -> Q:
    """People in calls, by a word of their name or the room's, the room's code, or how their address begins."""
    rooms = Room.objects.filter(Q(name__icontains=word) | Q(slug=word.lower()))
    found = Q(name__icontains=word) | Q(room__in=rooms.order_by().values("pk"))
    if "@" in word or "." in word:
        found |= Q(user__in=people_matching(word).order_by().values("pk"))
    return found


@admin.register(Participant)
class ParticipantAdmin(_ParticipantAdmin):
    list_display = ("name", "in_room", "user", "role", "state", "came", "went")
    list_filter = ("state", "role")
    list_select_related = ("room__owner", "user")
    search_fields = ("name",)  # shows the field; `get_search_results` does the search
    ordering = ("-created_at",)
    show_full_result_count = False
    list_per_page = 50
    fields = ("name", "in_room", "user", "identity", "role", "state", "came", "let_in", "went")
    readonly_fields = fields
    inlines = (AttendanceInline,)
    actions = ("forgive",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Participant | None = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Participant], search_term: str
    ) -> tuple[QuerySet[Participant], bool]:
        for word in search_term.split():
            queryset = queryset.filter(who_has(word) | Q(identity=word))
        return queryset, False

    @admin.display(description=_("room"), ordering="room__name")
    def in_room(self, participant: Participant) -> str:
        return participant.room.office_name

    @admin.display(description=_("came at"), ordering="created_at")
    def came(self, participant: Participant) -> str:
        return exact_time(participant.created_at)

    @admin.display(description=_("admitted at"))
    def let_in(self, participant: Participant) -> str:
        return exact_time(participant.admitted_at)

    @admin.display(description=_("left at"), ordering="ended_at")
    def went(self, participant: Participant) -> str:
        return exact_time(participant.ended_at)

    @admin.action(description=_("Lift the removal"), permissions=["change"])
    def forgive(self, request: HttpRequest, queryset: QuerySet[Participant]) -> None:
        for participant in queryset.filter(state=State.REMOVED).select_related("room", "user"):
            forgive(participant, acting_user=_staff(request))


@admin.register(CallSession)
class CallAdmin(_CallAdmin):
    list_display = ("in_room", "began", "ended")
    list_filter = ("started_at",)
    list_select_related = ("room__owner",)
    search_fields = ("room__name", "=room__slug")
    show_full_result_count = False
    fields = readonly_fields = ("in_room", "sid", "began", "ended", "seen")

    @admin.display(description=_("room"), ordering="room__name")
    def in_room(self, call: CallSession) -> str:
        return call.room.office_name

    @admin.display(description=_("started at"), ordering="started_at")
    def began(self, call: CallSession) -> str:
        return exact_time(call.started_at)

    @admin.display(description=_("ended at"), ordering="ended_at")
    def ended(self, call: CallSession) -> str:
        return exact_time(call.ended_at)

    @admin.display(description=_("last seen at"))
    def seen(self, call: CallSession) -> str:
        return exact_time(call.last_seen_at)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CallSession | None = None) -> bool:
        return False


# "at about 10:14": what people say when they complain.
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:h]([0-5]\d)")
_ABOUT = timedelta(minutes=5)
_MOST_DAYS = 400  # departures are kept for REPORT_RETENTION_DAYS; this many ranges a database still takes


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

    list_display = ("went", "person", "room", "engine_reason", "network", "device", "rating")
    list_select_related = ("participant__room__owner", "attendance")
    list_filter = (HowItEnded, "rating", "ended_at")
    search_fields = ("participant__name",)  # shows the field; `get_search_results` does the search
    search_help_text = _("Name, e-mail address, room or its code, a day such as 2026-11-25, a time such as 10:14.")
    show_full_result_count = False  # one count of the whole table less
    list_per_page = 50  # and no `date_hierarchy`, which walks through all of it
    fields = readonly_fields = (
        "person",
        "room",
        "came",
        "went",
        "engine_reason",
        "told",
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
        return report.participant.room.office_name

    @admin.display(description=_("joined at"), ordering="began_at")
    def came(self, report: CallReport) -> str:
        return exact_time(report.began_at)

    @admin.display(description=_("left at"), ordering="ended_at")
    def went(self, report: CallReport) -> str:
        return exact_time(report.ended_at)

    @admin.display(description=_("page's report"))
    def told(self, report: CallReport) -> str:
        return exact_time(report.reported_at)

    @admin.display(description=_("network"), ordering="loss_percent")
    def network(self, report: CallReport) -> str:
        """All that one line has room for; the page of the departure has each apart."""
        return ", ".join(filter(None, (self.way(report), *figures(report))))

    @admin.display(description=_("browser"), ordering="browser")
    def device(self, report: CallReport) -> str:
        return report.browser

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
        """Days and times of day among the words are taken as ends then, or at about that time."""
        for word in search_term.split():
            clock, day = _CLOCK.fullmatch(word), day_of(word)
            if clock is not None:
                queryset = queryset.filter(_ended_about(int(clock[1]), int(clock[2])))
            elif day is not None:
                queryset = queryset.filter(ended_at__gte=day[0], ended_at__lt=day[1])
            else:
                people = Participant.objects.filter(who_has(word)).order_by().values("pk")
                queryset = queryset.filter(Q(participant__in=people) | Q(browser__istartswith=word))
        return queryset, False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: CallReport | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CallReport | None = None) -> bool:
        return False


def _ended_about(hour: int, minute: int) -> Q:
    """Ends within some minutes of a time of day, in the portal's time zone, on any day from which there are some.

    Day by day, which an index finds; the time of day alone is asked of each row.
    """
    oldest = CallReport.objects.aggregate(oldest=Min("ended_at"))["oldest"]
    today = timezone.localdate()
    days = min((today - timezone.localtime(oldest).date()).days, _MOST_DAYS) if oldest is not None else 0
    about = Q()
    for back in range(-1, days + 2):  # midnight is within some minutes of two days
        clock = datetime.combine(today - timedelta(days=back), time(hour, minute))
        at = timezone.make_aware(clock)
        about |= Q(ended_at__range=(at - _ABOUT, at + _ABOUT))
    return about


def _staff(request: HttpRequest) -> User:
    if not isinstance(request.user, User):  # the admin lets only staff in
        raise TypeError("an administrator is needed here")
    return request.user
