"""What administrators do in the administration: each form, deletion and action with what was there before and after.

`PortalAdminSite` puts this before every ModelAdmin that is registered, so that none can be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms.formsets import DELETION_FIELD_NAME
from django.http import HttpRequest
from django.template.response import TemplateResponse

from accounts.audit.parties import Party, party_of, person
from accounts.audit.record import record

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object  # stands before the ModelAdmin among its bases

_SHOWN_IDS = 50


class AuditedAdmin(_Admin):
    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        request.audit_diff = _diff(form, formsets, add)  # type: ignore[attr-defined]  # for log_… right after
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        if obj.pk is not None:
            self._record("admin_added", request, obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record("admin_changed", request, obj)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            record("admin_deleted", actor=person(request.user), target=_target(row), before=_concrete_values(row))
        return super().log_deletions(request, queryset)

    def get_actions(self, request: HttpRequest) -> Any:
        """Each in one transaction with its entry. Deletions write their own, and so does what a service changes."""
        found: dict[str, Any] = super().get_actions(request) or {}
        return {
            name: (function if name == "delete_selected" else self._audited(name, function), *rest)
            for name, (function, *rest) in found.items()
        }

    def _audited(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def act(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
            with transaction.atomic():
                count, ids = queryset.count(), [str(key) for key in queryset.values_list("pk", flat=True)[:_SHOWN_IDS]]
                response = function(model_admin, request, queryset)
                if not isinstance(response, TemplateResponse):  # a page that asks first has done nothing yet
                    target = Party(kind=self.opts.model_name or "", label=str(self.opts.verbose_name_plural))
                    after = {"action": name, "count": count, "ids": ids}
                    record("admin_acted", actor=person(request.user), target=target, after=after)
            return response

        return act

    def _record(self, action: str, request: HttpRequest, row: Model) -> None:
        before, after = getattr(request, "audit_diff", ({}, {}))
        record(action, actor=person(request.user), target=_target(row), before=before, after=after)


def _target(row: Model) -> Party:
    return party_of(row)


def _diff(form: Any, formsets: Any, add: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of what was changed, in the form and in the rows beside it (inlines), before and after."""
    before, after = _form_diff(form, is_new=add)
    for formset in formsets or ():
        for row in formset.forms:
            if not row.has_changed():
                continue
            is_deleted = row in formset.deleted_forms
            was, became = _form_diff(row, is_new=row in formset.extra_forms, is_deleted=is_deleted)
            name = f"{formset.model._meta.model_name} {_key_of(row, formset)}"
            before |= {name: was} if was else {}
            after |= {name: became} if became else {}
    return before, after


def _form_diff(form: Any, *, is_new: bool, is_deleted: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """A row that is deleted is told with all that its form shows of it."""
    shown = form.fields if is_deleted else form.changed_data
    names = [name for name in shown if name in form.cleaned_data and name != DELETION_FIELD_NAME]
    before = {} if is_new else {name: form.initial.get(name) for name in names}
    return before, {} if is_deleted else {name: form.cleaned_data[name] for name in names}


def _key_of(row: Any, formset: Any) -> str:
    """A deleted row has forgotten its key; the form's hidden field has not."""
    key = row.instance.pk or row.fields[formset.model._meta.pk.name].initial
    return str(key or "")


def _concrete_values(row: Model) -> dict[str, Any]:
    return {field.name: field.value_from_object(row) for field in row._meta.concrete_fields}
