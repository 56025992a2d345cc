"""The audit log in the administration: read, filtered, exported; changed by nobody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.audit import export
from accounts.audit.actions import actions, label_of
from accounts.audit.parties import Party, person
from accounts.audit.record import record
from accounts.models import AuditEntry, User

if TYPE_CHECKING:
    _AuditAdmin = admin.ModelAdmin[AuditEntry]
else:
    _AuditAdmin = admin.ModelAdmin

_FORMATS = {
    "jsonl": (export.json_lines, "", "application/jsonl; charset=utf-8"),
    "csv": (export.csv_lines, export.csv_head(), "text/csv; charset=utf-8"),
}


class _Action(admin.SimpleListFilter):
    title = _("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """From the code, not from the table: that would be a walk through all of it."""
        return sorted(((name, str(label)) for name, label in actions.items()), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class _ActorType(admin.SimpleListFilter):
    title = _("kind of actor")
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("person", _("Person with an account")),
            ("participant", _("Guest in a call")),
            ("server", _("The server itself")),
            ("nobody", _("Without an account")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(actor_type=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(_AuditAdmin):
    change_list_template = "admin/accounts/auditentry/change_list.html"
    list_display = ("seq", "at", "what", "who", "address", "whom", "where", "request_id")
    list_display_links = ("seq", "at")
    list_filter = (_Action, _ActorType, "at")
    date_hierarchy = "at"
    ordering = ("-seq",)
    show_full_result_count = False
    list_per_page = 50
    # Whole ids, which indexes find; `get_search_results` adds e-mail addresses and names.
    search_fields = ("=actor_id", "=object_id", "=scope", "=request_id", "=address")
    search_help_text = _("Name, e-mail address, id of a person, room or request, or network address.")
    fields = readonly_fields = (
        "seq",
        "at",
        "what",
        "who",
        "actor_id",
        "address",
        "whom",
        "object_id",
        "where",
        "was",
        "became",
        "request_id",
        "previous_hash",
        "hash",
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_GET(self.export))
        return [path("export/<str:kind>/", view, name="accounts_auditentry_export"), *super().get_urls()]

    def export(self, request: HttpRequest, kind: str) -> StreamingHttpResponse:
        """The entries that the list shows, with the same filters in the address. Itself an act that is recorded."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if kind not in _FORMATS:
            raise Http404
        write, head, content_type = _FORMATS[kind]
        entries: QuerySet[AuditEntry] = self.get_changelist_instance(request).get_queryset(request)
        filters = {name: request.GET[name] for name in request.GET}
        seq = record(
            "audit_exported", actor=person(request.user), target=_LOG, after={"format": kind, "filters": filters}
        )
        stream = export.async_chunks if isinstance(request, ASGIRequest) else export.chunks
        response = StreamingHttpResponse(stream(entries, seq, write, head), content_type=content_type)
        name = f"audit-{timezone.localtime():%Y-%m-%d-%H%M}.{kind}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        whole = Q()
        for field in self.search_fields:
            whole |= Q(**{field.removeprefix("="): term})
        if "@" in term:
            ids = [str(key) for key in User.objects.filter(email=term.lower()).values_list("public_id", flat=True)]
            return queryset.filter(whole | Q(actor_id__in=ids) | Q(object_id__in=ids)), False
        named = Q(actor_label__istartswith=term) | Q(object_label__istartswith=term)
        return queryset.filter(whole | named), False

    @admin.display(description=_("action"), ordering="action")
    def what(self, entry: AuditEntry) -> str:
        return label_of(entry.action)

    @admin.display(description=_("actor"))
    def who(self, entry: AuditEntry) -> str:
        return entry.actor_label or entry.actor_type

    @admin.display(description=_("object"))
    def whom(self, entry: AuditEntry) -> str:
        return entry.object_label or entry.object_id[:8]

    @admin.display(description=_("where"))
    def where(self, entry: AuditEntry) -> str:
        return entry.scope[:8]

    @admin.display(description=_("before"))
    def was(self, entry: AuditEntry) -> SafeString:
        return _table(entry.values_before)

    @admin.display(description=_("after"))
    def became(self, entry: AuditEntry) -> SafeString:
        return _table(entry.values_after)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False


_LOG = Party("audit_log")


def _table(values: dict[str, Any]) -> SafeString:
    return format_html("<pre>{}</pre>", json.dumps(values, ensure_ascii=False, indent=2) if values else "–")
