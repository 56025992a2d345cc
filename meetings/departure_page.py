"""What the administration shows of one departure above its fields: the answer, and links that the reader may follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from meetings import departure_words
from meetings.departure_story import call_of, company, others_of, sentence
from meetings.departure_words import said
from meetings.models import CallReport

CALL_LOOKUP = "attendance__call__id__exact"
# Departures of the same call that are listed; the link leads to all of them.
MAX_OTHERS = 50


@dataclass(frozen=True, slots=True)
class Link:
    """`address` is "" where the reader may not go there."""

    label: str
    text: str
    address: str


@dataclass(frozen=True, slots=True)
class Other:
    """Somebody else's departure from the same call."""

    time: str
    name: str
    reason: str
    address: str


def departure_context(site: AdminSite, request: HttpRequest, report: CallReport) -> dict[str, Any]:
    """Four queries beside the report's own, whoever asks."""
    call = call_of(report)
    others = list(others_of(call, report)[:MAX_OTHERS]) if call is not None else []
    every = f"{reverse('admin:meetings_callreport_changelist')}?{urlencode({CALL_LOOKUP: call.pk})}" if call else ""
    return {
        "sentence": sentence(report),
        "company": company(report, call),
        "is_silent": report.reported_at is None,
        "links": _links(site, request, report),
        "others": [_other(other) for other in others],
        "all_of_call": every,
    }


def _links(site: AdminSite, request: HttpRequest, report: CallReport) -> list[Link]:
    person, user, room = report.participant, report.participant.user, report.participant.room
    account = Link(gettext("Account"), str(user), _address(site, request, user)) if user else None
    return [
        Link(gettext("Person"), person.name, _address(site, request, person)),
        account or Link(gettext("Account"), gettext("none: a guest"), ""),
        # Not by its slug: that opens the door.
        Link(gettext("Room"), room.office_name, _address(site, request, room)),
    ]


def _address(site: AdminSite, request: HttpRequest, row: Model) -> str:
    if not site.get_model_admin(type(row)).has_view_permission(request, row):
        return ""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def _other(report: CallReport) -> Other:
    reason = report.attendance.reason if report.attendance is not None else ""
    return Other(
        time=f"{timezone.localtime(report.ended_at):%H:%M:%S}",  # so close that minutes are too long
        name=report.participant.name,
        reason=said(departure_words.ENGINE, reason) or gettext("still in the call"),
        address=reverse("admin:meetings_callreport_change", args=[report.pk]),
    )
