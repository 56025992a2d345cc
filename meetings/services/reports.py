"""One row and one log line at each departure, so that "why did it cut at 10:14" has an answer.

Two tell of it: the engine, with its reason, whatever became of the page; and the page, with what only it knows. Which
comes first depends on how the call ended. What the page sends is typed, bounded and never believed further than that.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.rate_limits import is_allowed
from meetings.browser_names import browser_of
from meetings.models import Attendance, CallReport, Participant
from meetings.models.report import PATH_MAX_LENGTH, REASON_MAX_LENGTH, Rating
from meetings.refusals import BadRequest, NoDeparture, NotAdmitted, TooManyRequests

# A page that is reloaded again and again reports each time; more is no page.
REPORTS_PER_MINUTE = 10
RATINGS_PER_MINUTE = 10
# A ministry's call with hundreds of people ends for all of them in one moment, perhaps behind one address.
REPORTS_OF_SOURCE_PER_MINUTE = 600
# Of a stay that the engine knows nothing of, the page's word is all there is, and anybody with a link can send one:
# what a flood may say, and leave on the disk. Each person has one such row a call.
UNSEEN_OF_SOURCE_PER_MINUTE = 30
UNSEEN_OF_ROOM_PER_MINUTE = 60
UNSEEN_OF_ROOM_PER_DAY = 500
MAX_BROWSER_LENGTH = 512

_DAY = timedelta(days=1)
_LONGEST_S = 7 * 86_400
# A page that was left open over lunch may still say how the call was; one of last week speaks of another call.
_RATE_WITHIN = timedelta(hours=12)
# The page's clock starts before the engine's, and the engine hears of some ends later than the page.
_SLACK = timedelta(minutes=2)
# What may be said of a departure before the engine's word comes: it waits a minute for who might resume.
_ADOPT_WITHIN = timedelta(minutes=10)
_REASON = re.compile(rf"[a-z0-9_-]{{1,{REASON_MAX_LENGTH}}}")
_PATH = re.compile(rf"[a-z0-9+/-]{{1,{PATH_MAX_LENGTH}}}")
_REPLACED = "duplicate_identity"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What a page said, checked. None or "": not said."""

    reason: str
    browser: str
    path: str
    loss_percent: float | None
    rtt_ms: int | None
    reconnects: int | None
    join_ms: int | None


def report(own: Participant, body: Mapping[str, Any], *, source: str) -> None:
    """The page's word at leaving, from the network `source`. Raises `BadRequest`, `NotAdmitted`, `TooManyRequests`."""
    if own.admitted_at is None:
        raise NotAdmitted
    now = timezone.now()
    if not is_allowed("report", own.identity, per_minute=REPORTS_PER_MINUTE):
        raise TooManyRequests
    if not is_allowed("report-source", source, per_minute=REPORTS_OF_SOURCE_PER_MINUTE):
        raise TooManyRequests
    told = told_by(body)
    duration_s = round(_number(body, "durationS", _LONGEST_S) or 0)
    began_at = now - timedelta(seconds=duration_s)
    with transaction.atomic():
        row = _row_for(own, told, began_at, now, source)
        CallReport.objects.filter(pk=row.pk).update(**asdict(told), reported_at=now)
    log.info(
        "call_report",
        room=own.room.media_name,
        participant=own.identity,
        stay="" if row.attendance is None else row.attendance.sid,
        duration_s=duration_s,
        **asdict(told),
    )


def rate(own: Participant, rating: str) -> None:
    """How the call was, in one click after it: kept with the stay that just ended, or the departure told of last.

    One that was told of before this person was let in last is of another call: better no rating than a wrong one.

    Raises `BadRequest`, `NotAdmitted`, `NoDeparture`, `TooManyRequests`.
    """
    if own.admitted_at is None:
        raise NotAdmitted
    if not is_allowed("rating", own.identity, per_minute=RATINGS_PER_MINUTE):
        raise TooManyRequests
    if rating not in Rating.values:
        raise BadRequest
    row = _row_to_rate(own, own.admitted_at)
    CallReport.objects.filter(pk=row.pk).update(rating=rating)
    stay = "" if row.attendance is None else row.attendance.sid
    log.info("call_rated", room=own.room.media_name, participant=own.identity, stay=stay, rating=rating)


def _row_to_rate(own: Participant, admitted_at: datetime) -> CallReport:
    """Raises `NoDeparture`."""
    # The page reports before it asks. Where that word was lost the engine's stands for it, which may still be to come.
    stay = own.attendances.filter(left_at=None).order_by("-joined_at").first()
    if stay is not None:
        return _row_of(stay)
    told_at = Coalesce("reported_at", "ended_at")
    since = max(admitted_at, timezone.now() - _RATE_WITHIN)
    row = own.reports.annotate(told_at=told_at).filter(told_at__gte=since).order_by("-told_at").first()
    if row is None:
        raise NoDeparture
    return row


def stay_ended(attendance: Attendance) -> None:
    """The engine's word. Called in the transaction that records it, again where the engine corrects it."""
    left_at = attendance.left_at
    if left_at is None:
        return
    if not CallReport.objects.filter(attendance=attendance).exists():
        _adopt(attendance)
    row = _row_of(attendance)
    CallReport.objects.filter(pk=row.pk).update(began_at=attendance.joined_at, ended_at=left_at)
    log.info(
        "call_left",
        room=attendance.call.room.media_name,
        participant=attendance.participant.identity,
        stay=attendance.sid,
        reason=attendance.reason,
        duration_s=round((left_at - attendance.joined_at).total_seconds()),
    )


def told_by(body: Mapping[str, Any]) -> Told:
    """The checked form of a page's JSON. Raises `BadRequest` on what is of the wrong type; numbers are bounded."""
    return Told(
        reason=_word(body, "reason", _REASON),
        browser=browser_of(_string(body, "browser")[:MAX_BROWSER_LENGTH]),
        path=_word(body, "path", _PATH),
        loss_percent=_rounded(_number(body, "lossPercent", 100)),
        rtt_ms=_whole(_number(body, "rttMs", 600_000)),
        reconnects=_whole(_number(body, "reconnects", 10_000)),
        join_ms=_whole(_number(body, "joinMs", 3_600_000)),
    )


def _row_for(own: Participant, told: Told, began_at: datetime, now: datetime, source: str) -> CallReport:
    """The departure that the page speaks of: the engine's, if it has told of the stay already."""
    during = Q(left_at__isnull=True) | Q(left_at__gte=began_at - _SLACK)
    stays = own.attendances.filter(during).order_by("-joined_at")
    if told.reason == _REPLACED:
        stays = stays.filter(left_at__isnull=False)  # the open one is that of the page that took its place
    stay = stays.first()
    if stay is None:
        return _unseen(own, began_at, now, source)
    # A page that was hidden and came back reports twice of one stay: the later word is the truer one.
    return _row_of(stay)


def _unseen(own: Participant, began_at: datetime, now: datetime, source: str) -> CallReport:
    """The one row of who never got through to this call, from now on with these times. Raises `TooManyRequests`."""
    if not is_allowed("report-unseen-source", source, per_minute=UNSEEN_OF_SOURCE_PER_MINUTE):
        raise TooManyRequests
    if not is_allowed("report-unseen-room", own.room.media_name, per_minute=UNSEEN_OF_ROOM_PER_MINUTE):
        raise TooManyRequests
    this_call = Q(reported_at__gt=max(own.room.call_ended_at or now - _DAY, now - _DAY))
    row = CallReport.objects.never_in().filter(this_call, participant=own).order_by("-reported_at").first()
    if row is not None:
        CallReport.objects.filter(pk=row.pk).update(began_at=began_at, ended_at=now)
        return row
    of_room = CallReport.objects.never_in().filter(participant__room=own.room, created_at__gt=now - _DAY)
    if of_room.count() >= UNSEEN_OF_ROOM_PER_DAY:
        raise TooManyRequests
    return CallReport.objects.create(participant=own, began_at=began_at, ended_at=now)


def _row_of(stay: Attendance) -> CallReport:
    """The stay's one row. Of the engine's and the page's word at the same moment, one makes it."""
    row, _ = CallReport.objects.get_or_create(
        attendance=stay,
        defaults={
            "participant_id": stay.participant_id,
            "began_at": stay.joined_at,
            "ended_at": max(timezone.now(), stay.joined_at),
        },
    )
    return row


def _adopt(stay: Attendance) -> None:
    """Takes up what the page said of this stay before the engine had told of it at all."""
    told = CallReport.objects.filter(
        participant_id=stay.participant_id,
        attendance=None,
        reported_at__gt=timezone.now() - _ADOPT_WITHIN,
        reported_at__gte=stay.joined_at,
    ).first()
    if told is not None:
        CallReport.objects.filter(pk=told.pk, attendance=None).update(attendance=stay)


def _string(body: Mapping[str, Any], field: str) -> str:
    value = body.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequest
    return value


def _word(body: Mapping[str, Any], field: str, pattern: re.Pattern[str]) -> str:
    """A word of a list that is the page's: never a sentence."""
    value = _string(body, field).lower()
    if value and not pattern.fullmatch(value):
        raise BadRequest
    return value


def _number(body: Mapping[str, Any], field: str, most: int) -> float | None:
    value = body.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest
    if isinstance(value, float) and not math.isfinite(value):  # Python reads NaN and Infinity, which are no JSON
        raise BadRequest
    return min(max(value, 0), most)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
