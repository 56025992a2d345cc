"""Mail for administrators: what was written to whom, whether it went out, and its text for those who pass it on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from jobs import mail
from jobs.models import Mail, State

if TYPE_CHECKING:
    _MailAdmin = admin.ModelAdmin[Mail]
else:
    _MailAdmin = admin.ModelAdmin


@admin.register(Mail)
class MailAdmin(_MailAdmin):
    list_display = ("to", "subject", "created_at", "sent_at", "state")
    list_select_related = ("job",)
    fields = ("to", "subject", "created_at", "sent_at", "state")
    readonly_fields = fields
    ordering = ("-created_at",)
    actions = ("read", "send_again")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the nightly purge does; a deletion here would carry the text into the audit log

    def has_superuser_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    @admin.display(description=_("state"))
    def state(self, row: Mail) -> str:
        if row.sent_at:
            return gettext("sent")
        return str(State(row.job.state).label) if row.job else gettext("kept: not sent")

    # A POST, and an action: the administration notes each in the audit log before the text is shown.
    @admin.action(description=_("Read the text (is noted in the audit log)"), permissions=["superuser"])
    def read(self, request: HttpRequest, queryset: QuerySet[Mail]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": gettext("Text of mail"), "mails": queryset}
        return render(request, "admin/jobs/mail_text.html", context)

    @admin.action(description=_("Send what was not sent"), permissions=["superuser"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Mail]) -> None:
        if not settings.MAIL_DELIVERY_BACKEND:
            text = gettext("The portal cannot send mail: EMAIL_URL is not set.")
            self.message_user(request, text, messages.ERROR)
            return
        waiting = [row for row in queryset.filter(sent_at=None) if row.job is None or State(row.job.state).is_final]
        for row in waiting:
            mail.order(row)
        text = ngettext("%(count)d mail waits to be sent.", "%(count)d mails wait to be sent.", len(waiting))
        self.message_user(request, text % {"count": len(waiting)}, messages.SUCCESS)
