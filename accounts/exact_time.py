"""Times as the administration writes them: to the second, the same in every language ("why did it cut at 10:14")."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils import timezone

NEVER = "–"


def exact_time(at: datetime | None) -> str:
    """Such as `2026-11-25 10:14:32`, in the portal's time zone."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}" if at is not None else NEVER


def day_of(word: str) -> tuple[datetime, datetime] | None:
    """From when until when a day lasts that is written as `2026-11-25`; None for any other word."""
    try:
        day = date.fromisoformat(word)
    except ValueError:
        return None
    if len(word) != 10 or day.year < 1970 or day.year > 2999:  # others overflow somewhere
        return None
    midnights = (datetime.combine(one, time.min) for one in (day, day + timedelta(days=1)))
    first, next_day = (timezone.make_aware(midnight) for midnight in midnights)
    return first, next_day
