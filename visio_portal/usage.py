"""How much an administration meets: rooms, calls, people and their minutes in a month, by who holds the rooms.

Counted from what is on record, which goes back as far as REPORT_RETENTION_DAYS; six queries, whatever there is. A room
counts for the organisation at the top to which its owner belongs today; of several, for the one they joined first.
Within one organisation, for which of its parts the owner belongs to, and otherwise for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import Membership, Organisation
from accounts.models.organisation import ids_of
from meetings.models import Attendance, CallSession, Room

_MOST_MONTHS = 24


@dataclass(slots=True)
class Usage:
    """Of one organisation in one month. `minutes` are those that all its participants spent in calls together."""

    name: str
    rooms: int = 0
    calls: int = 0
    people: int = 0
    minutes: int = 0


def month_of(text: str) -> date:
    """The first day of the month that is written as `2026-11`; of this one for anything else."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        found = timezone.localdate()
    return found.replace(day=1)


def months() -> list[date]:
    """Those of which something is on record, the newest first."""
    first = CallSession.objects.aggregate(first=Min("started_at"))["first"]
    month, oldest = timezone.localdate().replace(day=1), timezone.localtime(first).date() if first else None
    found = [month]
    while oldest is not None and month > oldest and len(found) < _MOST_MONTHS:
        month = (month - timedelta(days=1)).replace(day=1)
        found.append(month)
    return found


def usage(month: date, within: Organisation | None = None) -> tuple[list[Usage], Usage]:
    """By organisation, who meets most first; and all together. `within`: of the people of this one alone."""
    first, after = _midnight(month), _midnight(_next(month))
    new = Room.objects.filter(created_at__gte=first, created_at__lt=after)
    calls = CallSession.objects.filter(started_at__gte=first, started_at__lt=after)
    stays = Attendance.objects.filter(call__started_at__gte=first, call__started_at__lt=after)
    if within is not None:
        owners = _members(within).values("user")
        new, calls = new.filter(owner__in=owners), calls.filter(room__owner__in=owners)
        stays = stays.filter(call__room__owner__in=owners)
    rooms = dict(_by_owner(new, "owner", Count("pk")))
    length = ExpressionWrapper(Coalesce("left_at", "last_seen_at") - F("joined_at"), output_field=DurationField())
    counted = dict(_by_owner(calls, "room__owner", Count("pk")))
    spent = {
        owner: (people, total)
        for owner, people, total in stays.order_by()
        .values_list("call__room__owner")
        .annotate(people=Count("participant", distinct=True), total=Sum(length))
    }
    places = _places({*rooms, *counted, *spent}, within)
    found: dict[int | None, Usage] = {}
    for owner in {*rooms, *counted, *spent}:
        key, name = places.get(owner, (None, gettext("Without an organisation")))
        row = found.setdefault(key, Usage(name))
        people, total = spent.get(owner, (0, None))
        row.rooms += rooms.get(owner, 0)
        row.calls += counted.get(owner, 0)
        row.people += people
        row.minutes += round((total or timedelta()).total_seconds() / 60)
    rows = sorted(found.values(), key=lambda row: (-row.minutes, -row.calls, row.name))
    return rows, _sum(rows)


def _by_owner(rows: Any, owner: str, count: Count) -> Iterator[tuple[int, int]]:
    yield from rows.order_by().values_list(owner).annotate(count=count)


def _places(owners: Iterable[int], within: Organisation | None) -> dict[int, tuple[int, str]]:
    """By owner the key and name of the organisation at the top, or of the part of `within`."""
    memberships = Membership.objects.current() if within is None else _members(within)
    rows = memberships.filter(user__in=list(owners)).order_by("-pk")
    level = 0 if within is None else within.depth + 1
    keys = {
        owner: (*ids_of(lineage), key)[level : level + 1] or (key,)
        for owner, key, lineage in rows.values_list("user", "organisation", "organisation__lineage")
    }
    tops = {owner: key for owner, (key,) in keys.items()}
    names = dict(Organisation.objects.filter(pk__in=set(tops.values())).values_list("pk", "name"))
    return {owner: (top, names[top]) for owner, top in tops.items() if top in names}


def _members(organisation: Organisation) -> QuerySet[Membership]:
    return Membership.objects.current().within(organisation)


def _sum(rows: list[Usage]) -> Usage:
    total = Usage(gettext("All together"))
    for row in rows:
        total.rooms += row.rooms
        total.calls += row.calls
        total.people += row.people
        total.minutes += row.minutes
    return total


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
