"""The figures that the administration begins with, of each only what the reader may see.

Whether they may is asked of the same `ModelAdmin` as the list behind a figure. What the machine does (workers, disk,
versions) is for those who may see the jobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.db.models import Count, Model, Q
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs.models import Job, State
from meetings import departure_words
from meetings.departure_words import said
from meetings.models import CallReport, CallSession, Room
from meetings.models.report import WISHED
from visio_portal import health, status

RECENTLY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    text: str
    is_wrong: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and what is to be said about it. `address` leads to the list behind it; `warning`, to what is wrong."""

    title: str
    value: str
    address: str = ""
    notes: Sequence[str] = ()
    rows: Sequence[Row] = ()
    warning: str = ""
    warning_address: str = ""


class Sight:
    """What the sender of a request may see and do in the administration."""

    def __init__(self, site: AdminSite, request: HttpRequest) -> None:
        self._site = site
        self._request = request

    def may_view(self, model: type[Model]) -> bool:
        return self._site.get_model_admin(model).has_view_permission(self._request)

    def may_invite(self) -> bool:
        """Both are asked for by Django's page for a new person: who may change one may as well make one."""
        people = self._site.get_model_admin(User)
        return people.has_add_permission(self._request) and people.has_change_permission(self._request)

    @staticmethod
    def list_of(model: type[Model], query: Mapping[str, object] | None = None) -> str:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        return f"{address}?{urlencode(query)}" if query else address


def figures(see: Sight) -> tuple[list[Figure], list[str]]:
    """All figures, and sentences on what does not work. Six queries, however much there is."""
    found: list[Figure] = []
    if see.may_view(User):
        found.append(_people(see))
    if see.may_view(Room):
        found.append(_rooms(see))
    if see.may_view(CallSession):
        found.append(_calls(see))
    if see.may_view(CallReport):
        found.append(_departures(see))
    if not see.may_view(Job):
        return found, []
    document = status.collect()
    return [*found, _jobs(see, document["jobs"]), *_machine(document)], list(
        _faults({**document["checks"], **document["warnings"]})
    )


# --- People and meetings


def _people(see: Sight) -> Figure:
    active, recent, never = (
        User.objects.filter(is_active=True)
        .aggregate(
            active=Count("pk"),
            recent=Count("pk", filter=Q(last_login__gte=timezone.now() - RECENTLY)),
            never=Count("pk", filter=Q(last_login=None)),
        )
        .values()
    )
    notes = [
        ngettext(
            "%(count)d signed in within 7 days", "%(count)d signed in within 7 days", recent
        ) % {"count": recent}
    ]  # fmt: skip
    if never:
        notes.append(ngettext("%(count)d never signed in", "%(count)d never signed in", never) % {"count": never})
    if active == 1:
        notes.append(gettext("You are alone here so far: invite the first people."))
    return Figure(gettext("Active people"), number_format(active), see.list_of(User, {"is_active__exact": 1}), notes)


def _rooms(see: Sight) -> Figure:
    opened, closed = Room.objects.aggregate(
        opened=Count("pk", filter=Q(closed_at=None)), closed=Count("pk", filter=Q(closed_at__isnull=False))
    ).values()
    notes = [ngettext("%(count)d closed for good", "%(count)d closed for good", closed) % {"count": closed}]
    return Figure(gettext("Rooms"), number_format(opened), see.list_of(Room), notes if closed else ())


def _calls(see: Sight) -> Figure:
    inside = Q(attendances__left_at=None)
    calls, people = (
        CallSession.objects.filter(ended_at=None)
        .aggregate(
            calls=Count("pk", distinct=True),
            people=Count("attendances__participant", filter=inside, distinct=True),
        )
        .values()
    )
    note = ngettext("%(count)d person in them", "%(count)d people in them", people) % {"count": people}
    notes = [note if calls else gettext("Nobody is in a call.")]
    return Figure(gettext("Calls now"), number_format(calls), see.list_of(CallSession), notes)


def today() -> dict[str, object]:
    """The filter of a list of departures for today's, as the admin's own "Today" spells it."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return {"ended_at__gte": midnight, "ended_at__lt": midnight + timedelta(days=1)}


def _departures(see: Sight) -> Figure:
    counts = CallReport.objects.filter(**today()).by_reason()
    total, never = sum(counts.values()), counts.get(None, 0)
    # Who never got through has a line apart: pages alone say so, and anybody with a link can send such a page's word.
    bad = sum(count for reason, count in counts.items() if reason is not None and reason not in WISHED)
    if not total:
        notes = [gettext("Nobody has left a call today.")]
    elif not bad and not never:
        notes = [gettext("None of them ended badly.")]
    else:
        notes = []
    warning = ngettext("%(count)d ended badly (%(share)s)", "%(count)d ended badly (%(share)s)", bad) % {
        "count": bad,
        "share": f"{number_format(max(1, round(100 * bad / max(1, total - never))))}\N{NO-BREAK SPACE}%",
    }
    return Figure(
        gettext("Departures today"),
        number_format(total),
        see.list_of(CallReport, today()),
        notes,
        _reasons(counts),
        warning if bad else "",
        see.list_of(CallReport, {**today(), "end": "cut"}),
    )


def _reasons(counts: Mapping[str | None, int]) -> list[Row]:
    """By what is said of them, the most frequent first: the engine has several words for one thing."""
    by_text: dict[tuple[str, bool], int] = {}
    for reason, count in counts.items():
        unknown = gettext("never got through") if reason is None else said(departure_words.ENGINE, "unknown_reason")
        text = said(departure_words.ENGINE, reason or "") or unknown
        key = (text[:1].upper() + text[1:], reason not in WISHED)
        by_text[key] = by_text.get(key, 0) + count
    ordered = sorted(by_text.items(), key=lambda item: (-item[1], item[0]))
    return [Row(text, number_format(count), is_wrong) for (text, is_wrong), count in ordered]


# --- The machine, as `manage.py status` finds it


def _jobs(see: Sight, counts: Mapping[str, int]) -> Figure:
    waiting, running, dead = (counts.get(state, 0) for state in (State.QUEUED, State.RUNNING, State.DEAD))
    notes = [ngettext("%(count)d at work", "%(count)d at work", running) % {"count": running}] if running else []
    warning = ngettext("%(count)d given up", "%(count)d given up", dead) % {"count": dead} if dead else ""
    failed = see.list_of(Job, {"state__exact": State.DEAD.value})
    title, open_jobs = gettext("Open jobs"), number_format(waiting + running)
    return Figure(title, open_jobs, see.list_of(Job), notes, warning=warning, warning_address=failed)


def _machine(document: Mapping[str, Any]) -> Iterator[Figure]:
    parts = document["engine"]
    away = sum("error" in part for part in parts)
    warning = ngettext("%(count)d does not answer", "%(count)d do not answer", away) % {"count": away} if away else ""
    total = f"{number_format(len(parts) - away)} / {number_format(len(parts))}"
    yield Figure(gettext("Media workers"), total, rows=[_worker(part) for part in parts], warning=warning)
    is_full = document["checks"]["disk"] != health.OK
    free = filesizeformat(document["disk_free_mb"] << 20)
    yield Figure(gettext("Free disk space"), free, warning=gettext("The disk is almost full.") if is_full else "")
    versions = document["versions"]
    notes = [f"{name} {versions[name]}" for name in ("Django", "livekit-api")] + [f"Python {versions['python']}"]
    yield Figure(gettext("Version"), versions["visio"], notes=notes)


def _worker(part: Mapping[str, Any]) -> Row:
    name = f"relay-{part['slot']}" if "slot" in part else "LiveKit"
    if "error" in part:
        return Row(name, gettext("does not answer"), is_wrong=True)
    rooms, people = part["rooms"], part["participants"]
    words = [
        ngettext("%(count)d room", "%(count)d rooms", rooms) % {"count": rooms},
        ngettext("%(count)d person", "%(count)d people", people) % {"count": people},
    ]
    if "loop_lag_ms" in part:
        lag = number_format(f"{part['loop_lag_ms']['p99']:.1f}")
        words.append(gettext("loop lag %(ms)s ms") % {"ms": lag})
    if part.get("draining"):
        words.append(gettext("takes no new rooms"))
    return Row(name, ", ".join(words))


_PARTS: Mapping[str, object] = {
    "database": _("The database"),
    "cache": _("The cache"),
    "disk": _("The disk"),
    "livekit": _("The LiveKit cluster"),
    "worker": _("The process for background jobs"),
    "jobs": _("The oldest background job"),
}
_FAULTS: Mapping[str, object] = {
    "no answer": _("does not answer"),
    "almost full": _("is almost full"),
    "forgets": _("forgets what it is given"),
    "late": _("has been due for more than five minutes"),
}


def _faults(checks: Mapping[str, str]) -> Iterator[str]:
    for name, answer in checks.items():
        if answer != health.OK:
            relay = gettext("The media worker %(name)s") % {"name": name}
            yield f"{_PARTS.get(name, relay)} {_FAULTS.get(answer, answer)}."
