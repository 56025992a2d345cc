"""Why somebody's call ended, as a sentence: "Bob Petit left at 10:14 because the network was lost (after 12 min …)"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from meetings import departure_words
from meetings.departure_words import said
from meetings.models import CallReport, CallSession
from meetings.models.report import WISHED

# Cuts so close together have one cause, which is not one person's network.
TOGETHER = timedelta(minutes=1)

_LEFT = _("%(person)s left at %(time)s of their own accord")
_OVER = _("%(person)s left at %(time)s because the meeting was over")
_ENGINE: Mapping[str, object] = {
    "client_initiated": _LEFT,
    "duplicate_identity": _("%(person)s left at %(time)s because the page was reloaded or opened elsewhere"),
    "participant_removed": _("%(person)s left at %(time)s because a host removed them"),
    "room_deleted": _OVER,
    "room_closed": _OVER,
    "room_finished": _OVER,
    "user_rejected": _("%(person)s left at %(time)s because nobody let them in"),
    "connection_timeout": _("%(person)s left at %(time)s because the network was lost"),
    "signal_close": _("%(person)s left at %(time)s because the connection to the server was cut"),
    "media_failure": _("%(person)s left at %(time)s because sound and picture did not get through"),
    "join_failure": _("%(person)s left at %(time)s because coming in did not succeed"),
    "state_mismatch": _("%(person)s left at %(time)s because they were asked to come in again after a disturbance"),
    "server_shutdown": _("%(person)s left at %(time)s because the server was stopped or restarted"),
    "migration": _("%(person)s left at %(time)s because the call was moved to another server"),
    "lost": _("%(person)s left at %(time)s because the server stopped unexpectedly"),
    "unknown_reason": _("%(person)s left at %(time)s; no reason is known"),
}
# The engine then knows only that nobody answers any more; the page may have known why.
_VAGUE = frozenset({"connection_timeout", "signal_close", "unknown_reason"})
_PAGE: Mapping[str, object] = {
    "left": _LEFT,
    "page-closed": _("%(person)s left at %(time)s because the page was closed or reloaded"),
    "offline": _("%(person)s left at %(time)s because the device had no network"),
}
_OTHER = _("%(person)s left at %(time)s: %(words)s")
_NEVER_IN = _("%(person)s never got into the call and gave up at %(time)s")
_NEVER_IN_BECAUSE = _("%(person)s never got into the call and gave up at %(time)s: %(words)s")


def sentence(report: CallReport) -> str:
    """Who left when and why, with the figures that there are, in the reader's language."""
    name = report.participant.name
    if report.attendance is not None and report.attendance.left_at is None:
        return gettext("%(person)s is still in the call.") % {"person": name}
    text, words = _cause(report)
    told = str(text) % {"person": name, "time": f"{timezone.localtime(report.ended_at):%H:%M}", "words": words}
    return f"{told} ({', '.join(_details(report))})."


def _cause(report: CallReport) -> tuple[object, str]:
    """The sentence, and the words that belong into it where it has room for some."""
    if report.attendance is None:
        words = said(departure_words.PAGE, report.reason)
        return (_NEVER_IN_BECAUSE if words else _NEVER_IN), words
    reason = report.attendance.reason
    if reason in _VAGUE and report.reason in _PAGE:
        return _PAGE[report.reason], ""
    return _ENGINE.get(reason or "unknown_reason", _OTHER), reason


def _details(report: CallReport) -> Iterator[str]:
    yield gettext("after %(duration)s") % {"duration": _duration(report.ended_at - report.began_at)}
    yield from figures(report)
    if report.path:
        yield report.path.upper()
    if report.browser:
        yield report.browser


def figures(report: CallReport) -> Iterator[str]:
    """Loss, round-trip time and reconnections, as far as the page told them."""
    if report.loss_percent is not None:
        yield gettext("loss %(percent)s %%") % {"percent": number_format(f"{report.loss_percent:g}")}
    if report.rtt_ms is not None:
        yield gettext("RTT %(ms)d ms") % {"ms": report.rtt_ms}
    if report.reconnects:
        yield ngettext("%(count)d reconnection", "%(count)d reconnections", report.reconnects) % {
            "count": report.reconnects
        }


def _duration(length: timedelta) -> str:
    """`40 s`, `12 min`, `2 h 05 min`: the same in each of our languages."""
    seconds = round(length.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def call_of(report: CallReport) -> CallSession | None:
    """The call that was left; for who never got in, the one that went on in the room. One query at most."""
    if report.attendance is not None:
        return report.attendance.call
    went_on = Q(ended_at=None) | Q(ended_at__gte=report.began_at)
    return report.participant.room.calls.filter(went_on, started_at__lte=report.ended_at).first()


def others_of(call: CallSession, report: CallReport) -> QuerySet[CallReport]:
    """All other departures of the call, the first one first."""
    found = CallReport.objects.filter(attendance__call=call).exclude(pk=report.pk)
    return found.select_related("participant", "attendance").order_by("ended_at", "pk")


def company(report: CallReport, call: CallSession | None) -> str:
    """Whether others were cut off at the same moment: whose fault it was. "" where nobody was cut off. One query."""
    stay = report.attendance
    if call is None or stay is None or stay.left_at is None or stay.reason in WISHED:
        return ""
    moment = (report.ended_at - TOGETHER, report.ended_at + TOGETHER)
    count = CallReport.objects.cut_off().filter(attendance__call=call, ended_at__range=moment).count() - 1
    if not count:
        return gettext("Nobody else of this call was cut off within a minute: the cause was with this person alone.")
    text = ngettext(
        "%(count)d other person of this call was cut off within a minute: the cause was not with one person alone.",
        "%(count)d other people of this call were cut off within a minute: the cause was not with one person alone.",
        count,
    )
    return text % {"count": count}
