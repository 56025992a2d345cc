"""The audit log in the administration: read, filtered, exported; changed by nobody."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.audit import export, places
from accounts.audit.actions import actions, label_of
from accounts.audit.parties import Party, person
from accounts.audit.record import record
from accounts.exact_time import NEVER, day_of, exact_time
from accounts.models import AuditEntry, Policy
from accounts.policies.table import KINDS, is_open

if TYPE_CHECKING:
    _AuditAdmin = admin.ModelAdmin[AuditEntry]
else:
    _AuditAdmin = admin.ModelAdmin

_FORMATS = {
    "jsonl": (export.json_lines, "", "application/jsonl; charset=utf-8"),
    "csv": (export.csv_lines, export.csv_head(), "text/csv; charset=utf-8"),
}


_ACTORS = {
    "person": _("Person with an account"),
    "participant": _("Guest in a call"),
    "server": _("The server itself"),
    "nobody": _("Without an account"),
}
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]+", re.IGNORECASE)
# Of a person, a room, somebody in a call, or a request: no name looks like it.
_ID = re.compile(r"(?=.*\d)[0-9a-f-]{8,36}", re.IGNORECASE)


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
        return list(_ACTORS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(actor_type=self.value()) if self.value() else queryset


class NamedChangeList(ChangeList):
    """A page of entries with what their rooms and organisations are called today: a query for each kind."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        _name(list(self.result_list))

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Entries of some days by the index of days; by number, the database would sort all of them for each page."""
        is_of_days = bool(_days_in(self.query)) or any(name.startswith("at__") for name in self.params)
        if is_of_days and ORDER_VAR not in self.params:
            return ["-at", "-seq"]
        return list(super().get_ordering(request, queryset))


def _name(entries: list[AuditEntry]) -> None:
    """Gives each `names`, by the ids in it."""
    names = places.names_of({key for entry in entries for key in (entry.scope, _named_object(entry))})
    for entry in entries:
        entry.names = names  # type: ignore[attr-defined]  # for the columns below


def _named_object(entry: AuditEntry) -> str:
    """The object's id, unless the log has a name for it: a room without one stands there with a piece of its id."""
    return "" if entry.object_label and not entry.object_id.startswith(entry.object_label) else entry.object_id


@admin.register(AuditEntry)
class AuditEntryAdmin(_AuditAdmin):
    change_list_template = "admin/accounts/auditentry/change_list.html"
    list_display = ("time", "what", "who", "whom", "where", "address")
    # No `date_hierarchy`: it walks through the whole log for each page.
    list_filter = (_Action, _ActorType, "at")
    ordering = ("-seq",)
    show_full_result_count = False
    list_per_page = 50
    search_fields = ("=actor_id",)  # shows the field; `get_search_results` does the search
    search_help_text = _(
        "Name, e-mail address, a room’s name, link or code, id of a person, room or request, network address, "
        "or a day such as 2026-11-25."
    )
    fields = readonly_fields = (
        "seq",
        "time",
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
        """Days among the words narrow it; the rest is one thing: an address, an id, or how a name begins."""
        for first, next_day in _days_in(search_term):
            queryset = queryset.filter(at__gte=first, at__lt=next_day)
        words = [word for word in search_term.split() if day_of(word) is None]
        return (queryset.filter(_about(" ".join(words))) if words else queryset), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamedChangeList

    @admin.display(description=_("time"), ordering="seq")
    def time(self, entry: AuditEntry) -> str:
        return exact_time(entry.at)

    @admin.display(description=_("action"), ordering="action")
    def what(self, entry: AuditEntry) -> str:
        return label_of(entry.action)

    @admin.display(description=_("actor"))
    def who(self, entry: AuditEntry) -> str:
        return entry.actor_label or str(_ACTORS.get(entry.actor_type, entry.actor_type))

    @admin.display(description=_("object"))
    def whom(self, entry: AuditEntry) -> str:
        known = _names(entry).get(_named_object(entry))
        return known or entry.object_label or (entry.object_id if len(entry.object_id) < 20 else entry.object_id[:8])

    @admin.display(description=_("where"))
    def where(self, entry: AuditEntry) -> str:
        """The room’s or organisation’s name of today; a piece of the id where it is gone."""
        return _names(entry).get(entry.scope) or entry.scope[:8]

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


def _names(entry: AuditEntry) -> dict[str, str]:
    if not hasattr(entry, "names"):
        _name([entry])
    found: dict[str, str] = entry.names  # type: ignore[attr-defined]  # just given
    return found


def _days_in(words: str) -> list[tuple[datetime, datetime]]:
    return [day for day in map(day_of, words.split()) if day is not None]


def _about(words: str) -> Q:
    """Entries with one of the ids that the words may mean, by indexes; and those with such a name, by reading on."""
    if _ADDRESS.fullmatch(words):
        return Q(address=words.lower())
    ids = places.ids_of(words) | {words, words.lower()}
    # In the words of the index's own condition: SQLite takes it for nothing less.
    found = Q(actor_id__in=ids) | Q(object_id__in=ids) | (~Q(scope="") & Q(scope__in=ids))
    if _ID.fullmatch(words):
        # Requests are in no index: asked for last.
        return found if AuditEntry.objects.filter(found).exists() else Q(request_id=words.lower())
    if places.is_code(words):
        return found
    return found | Q(actor_label__istartswith=words) | Q(object_label__istartswith=words)


def _table(values: dict[str, Any]) -> SafeString:
    """A line each; rules of policies as their form calls them. Exports have the names and values as they are kept."""
    rows = format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", (_words(*item) for item in values.items()))
    return format_html('<dl class="audit-values">{}</dl>', rows) if values else SafeString("–")


def _words(name: str, value: Any) -> tuple[str, str]:
    kind = KINDS.get(name)
    if kind is None:
        return name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    label = str(Policy._meta.get_field(name).verbose_name)  # type: ignore[union-attr]  # a column of its own
    try:
        return label, NEVER if is_open(value) else kind.words(kind.read(value))
    except ValueError:  # of a version that knew other values
        return label, str(value)
