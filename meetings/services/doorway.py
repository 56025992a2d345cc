"""Who is inside already, as far as somebody before the door may know it. The rule is here, and only here:

names for whom the door would let straight in and who is known (signed in, or admitted before); for a guest whom it
would let in, whether the meeting has begun; nothing for who must wait, or is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Min, QuerySet

from accounts.rate_limits import is_allowed
from meetings.access import Visitor
from meetings.models import CallSession, Participant, Room
from meetings.models.participant import State
from meetings.refusals import Closed, TooManyRequests
from meetings.services import lobby

# The page asks every quarter of a minute: a ministry behind one address, all before the door of one room.
LOOKS_PER_MINUTE = 1200
# More than these are a number.
MAX_NAMES = 4


class View(StrEnum):
    NAMES = "names"
    BEGUN = "begun"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Inside:
    """`names`: of those who came first; `count`: of all. Both empty unless `view` is `NAMES`."""

    view: View
    has_begun: bool = False
    count: int = 0
    names: tuple[str, ...] = ()


def look(room: Room, *, visitor: Visitor, source: str) -> Inside:
    """What the page before the door asks again and again. Raises `Closed`, `TooManyRequests`."""
    if not is_allowed("doorway", room.slug, source, per_minute=LOOKS_PER_MINUTE):
        raise TooManyRequests
    if room.is_closed:
        raise Closed
    return inside(room, visitor=visitor)


def inside(room: Room, *, visitor: Visitor) -> Inside:
    """Eight queries at most."""
    view = _view(room, visitor)
    if view == View.NOTHING:
        return Inside(view)
    others = _people(room, visitor)
    if view == View.BEGUN:
        return Inside(view, has_begun=others.exists())
    first = tuple(others.values_list("name", flat=True)[: MAX_NAMES + 1])
    # One name too many is taken to see whether there is anything left to count.
    count = others.count() if len(first) > MAX_NAMES else len(first)
    return Inside(view, has_begun=bool(first), count=count, names=first[:MAX_NAMES])


def _view(room: Room, visitor: Visitor) -> View:
    if lobby.expected_state(room, visitor=visitor) != State.ADMITTED:
        return View.NOTHING
    if visitor.user is not None:
        return View.NAMES
    own = lobby.own_row(room, visitor)
    return View.NAMES if own is not None and own.may_be_in_call else View.BEGUN


def _people(room: Room, visitor: Visitor) -> QuerySet[Participant]:
    """Whom the engine names in the call that goes on, first come first; not the visitor's own other window."""
    going_on = CallSession.objects.filter(room=room, ended_at=None)
    rows = Participant.objects.admitted().filter(attendances__call__in=going_on, attendances__left_at=None)
    others = rows.exclude(session_key_hash=visitor.session_key_hash)
    return others.annotate(came_at=Min("attendances__joined_at")).order_by("came_at", "pk")
