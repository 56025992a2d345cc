"""The portal's administration: Django's own, which begins with figures and shortcuts."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from accounts.audit.admin_acts import AuditedAdmin
from visio_portal.settings_check import findings
from visio_portal.start_page import start_page


class PortalAdminSite(AdminSite):
    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Whatever is registered writes the audit log."""
        base: Any = admin_class or ModelAdmin
        if not issubclass(base, AuditedAdmin):
            base = type(base)(base.__name__, (AuditedAdmin, base), {"__module__": base.__module__})
        super().register(model_or_iterable, base, **options)

    def get_urls(self) -> list[URLResolver | URLPattern]:
        check = path("settings-check/", self.admin_view(require_GET(self.settings_check)), name="settings_check")
        return [check, *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {**start_page(self, request), **(extra_context or {})})

    def settings_check(self, request: HttpRequest) -> TemplateResponse:
        """For superusers: the findings name addresses and paths of the server."""
        if not request.user.is_superuser:
            raise PermissionDenied
        context = {**self.each_context(request), "title": gettext("Settings check"), "findings": findings()}
        return TemplateResponse(request, "admin/settings_check.html", context)
