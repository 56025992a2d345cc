"""The portal's administration: Django's own, which begins with figures and shortcuts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from accounts.audit.admin_acts import AuditedAdmin
from accounts.factors.door import needs_second_factor
from meetings.models import CallSession
from visio_portal.figures import Sight
from visio_portal.settings_check import findings
from visio_portal.start_page import start_page
from visio_portal.usage import month_of, months, usage


class PortalAdminSite(AdminSite):
    # The start page has the same list; beside each other list it would take the room of two columns.
    enable_nav_sidebar = False

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Whatever is registered writes the audit log."""
        base: Any = admin_class or ModelAdmin
        if not issubclass(base, AuditedAdmin):
            base = type(base)(base.__name__, (AuditedAdmin, base), {"__module__": base.__module__})
        super().register(model_or_iterable, base, **options)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Each page asks for a second factor, but the one on which somebody signs out."""
        return super().admin_view(view if view == self.logout else needs_second_factor(view), cacheable)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        check = path("settings-check/", self.admin_view(require_GET(self.settings_check)), name="settings_check")
        figures = path("usage/", self.admin_view(require_GET(self.usage)), name="usage")
        return [check, figures, *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {**start_page(self, request), **(extra_context or {})})

    def usage(self, request: HttpRequest) -> TemplateResponse:
        """For whom the calls themselves are."""
        if not Sight(self, request).may_view(CallSession):
            raise PermissionDenied
        month = month_of(request.GET.get("month", ""))
        rows, total = usage(month)
        shown = {
            "month": month,
            "months": months(),
            "rows": rows,
            "total": total,
            "days": settings.REPORT_RETENTION_DAYS,
        }
        context = {**self.each_context(request), "title": gettext("Usage"), **shown}
        return TemplateResponse(request, "admin/usage.html", context)

    def settings_check(self, request: HttpRequest) -> TemplateResponse:
        """For superusers: the findings name addresses and paths of the server."""
        if not request.user.is_superuser:
            raise PermissionDenied
        context = {**self.each_context(request), "title": gettext("Settings check"), "findings": findings()}
        return TemplateResponse(request, "admin/settings_check.html", context)
