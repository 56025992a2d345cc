"""HR duties, on the page of a person in the administration: given and taken by superusers, and nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import HrDuty, User

# Generic for the type checker only.
if TYPE_CHECKING:
    _HrDutyInline = admin.TabularInline[HrDuty, User]
else:
    _HrDutyInline = admin.TabularInline


class HrDutyInline(_HrDutyInline):
    """Whoever brings a source's files makes and suspends its people: no clerk gives that to themselves."""

    model = HrDuty
    extra = 0
    fields = ("source",)
    verbose_name_plural = _("HR files: sources whose files this person may bring, apply and take back")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission
