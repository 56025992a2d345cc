"""What the administration begins with: what is wrong, figures, and shortcuts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import AuditEntry, MergeProposal, Organisation
from accounts.models.identity import MergeState
from meetings.models import CallReport, CallSession, Room
from visio_portal.figures import Sight, figures, today


@dataclass(frozen=True, slots=True)
class Shortcut:
    text: str
    address: str


def start_page(site: AdminSite, request: HttpRequest) -> dict[str, Any]:
    """The page's context."""
    see = Sight(site, request)
    found, faults = figures(see)
    return {"figures": found, "faults": faults, "shortcuts": list(_shortcuts(see, request))}


def _shortcuts(see: Sight, request: HttpRequest) -> Iterator[Shortcut]:
    if see.may_invite():
        yield Shortcut(gettext("Invite a person"), reverse("admin:accounts_user_add"))
    if see.may_view(Room):
        yield Shortcut(gettext("All rooms"), see.list_of(Room))
    if see.may_view(CallReport):
        bad = {**today(), "end": "cut"}
        yield Shortcut(gettext("Today’s departures"), see.list_of(CallReport, today()))
        yield Shortcut(gettext("Today’s departures that ended badly"), see.list_of(CallReport, bad))
    if see.may_view(CallSession):
        yield Shortcut(gettext("Usage by organisation"), reverse("admin:usage"))
    if see.may_view(Organisation):
        yield Shortcut(gettext("Organisations"), see.list_of(Organisation))
    if see.may_view(MergeProposal):
        yield Shortcut(gettext("Merge proposals"), see.list_of(MergeProposal, {"state": MergeState.OPEN}))
    if see.may_view(AuditEntry):
        yield Shortcut(gettext("Audit log"), see.list_of(AuditEntry))
    if request.user.is_superuser:
        yield Shortcut(gettext("Check the settings"), reverse("admin:settings_check"))
