"""Jobs for operators: which are dead, why, and once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from jobs import leases
from jobs import mail_admin as mail_admin  # registers itself
from jobs.models import Job, JobQuerySet, Schedule, State

if TYPE_CHECKING:
    _JobAdmin = admin.ModelAdmin[Job]
    _ScheduleAdmin = admin.ModelAdmin[Schedule]
else:
    _JobAdmin = _ScheduleAdmin = admin.ModelAdmin


@admin.register(Job)
class JobAdmin(_JobAdmin):
    list_display = ("kind", "state", "attempt", "progress_percent", "step", "run_after", "created_at", "error")
    list_filter = ("state", "kind")
    actions = ("run_again", "cancel")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # rows are the worker's, but for the actions below

    @admin.action(description=_("Run again what was given up or cancelled"), permissions=["delete"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        # Attempts are counted on: whoever still is at the cancelled one would hold the next, by the same number.
        count = queryset.filter(state__in=[State.DEAD, State.CANCELLED]).update(
            state=State.QUEUED,
            max_attempts=F("attempt") + F("max_attempts"),
            run_after=timezone.now(),
            finished_at=None,
        )
        text = ngettext("%(count)d job waits again.", "%(count)d jobs wait again.", count) % {"count": count}
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(description=_("Cancel what waits or is at work"), permissions=["delete"])
    def cancel(self, request: HttpRequest, queryset: JobQuerySet) -> None:
        count = leases.cancel(queryset, timezone.now())
        text = ngettext("%(count)d job was cancelled.", "%(count)d jobs were cancelled.", count) % {"count": count}
        self.message_user(request, text, messages.SUCCESS)


@admin.register(Schedule)
class ScheduleAdmin(_ScheduleAdmin):
    list_display = ("kind", "cron", "is_enabled", "next_run_at")
    readonly_fields = ("kind", "cron", "next_run_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
