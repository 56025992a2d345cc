"""What somebody before the door may know: who is inside already, who waits, and whether they will be let in at all.

The rule is here, and only here. Who is inside: names for whom the door would let straight in and who is known (signed
in, or admitted before); for a guest whom it would let in, whether the meeting has begun; nothing for who must wait, or
is refused. Who waits: names for the room's owner and who moderates. A refusal: to whom it concerns, before they ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Min, QuerySet

from accounts.rate_limits import is_allowed
from meetings.access import Visitor
from meetings.models import CallSession, Participant, Room
from meetings.models.participant import State
from meetings.refusals import Closed, Refused, TooManyRequests
from meetings.services import lobby

# The page asks every quarter of a minute (a host's every five seconds): a ministry behind one address, all before the
# door of one room.
LOOKS_PER_MINUTE = 1200
# More than these are a number.
MAX_NAMES = 4


class View(StrEnum):
    NAMES = "names"
    BEGUN = "begun"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class People:
    """`names`: of those who came first; `count`: of all."""

    count: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inside:
    """`people` is empty unless `view` is `NAMES`."""

    view: View
    has_begun: bool = False
    people: People = People()


@dataclass(frozen=True, slots=True)
class Doorway:
    """`refusal`: what entering would be answered, where somebody decided so. `waiting`: None for who may not know."""

    inside: Inside
    refusal: Refused | None = None
    waiting: People | None = None


def look(room: Room, *, visitor: Visitor, source: str) -> Doorway:
    """What the page before the door asks again and again. Raises `Closed`, `TooManyRequests`."""
    if not is_allowed("doorway", room.slug, source, per_minute=LOOKS_PER_MINUTE):
        raise TooManyRequests
    if room.is_closed:
        raise Closed
    return doorway(room, visitor=visitor)


def doorway(room: Room, *, visitor: Visitor) -> Doorway:
    """Ten queries at most."""
    expected = lobby.expected(room, visitor=visitor)
    waiting = None
    if visitor.owns(room) or (expected.own is not None and expected.own.may_moderate):
        waiting = _first_of(Participant.objects.filter(room=room).waiting().in_order_of_asking())
    return Doorway(_inside(room, visitor, _view(expected, visitor)), expected.refusal, waiting)


def _view(expected: lobby.Expected, visitor: Visitor) -> View:
    if expected.state != State.ADMITTED:
        return View.NOTHING
    is_known = visitor.user is not None or (expected.own is not None and expected.own.may_be_in_call)
    return View.NAMES if is_known else View.BEGUN


def _inside(room: Room, visitor: Visitor, view: View) -> Inside:
    if view == View.NOTHING:
        return Inside(view)
    others = _people(room, visitor)
    if view == View.BEGUN:
        return Inside(view, has_begun=others.exists())
    people = _first_of(others)
    return Inside(view, has_begun=people.count > 0, people=people)


def _first_of(rows: QuerySet[Participant]) -> People:
    first = tuple(rows.values_list("name", flat=True)[: MAX_NAMES + 1])
    # One name too many is taken to see whether there is anything left to count.
    return People(rows.count() if len(first) > MAX_NAMES else len(first), first[:MAX_NAMES])


def _people(room: Room, visitor: Visitor) -> QuerySet[Participant]:
    """Whom the engine names in the call that goes on, first come first; not the visitor's own other window."""
    going_on = CallSession.objects.filter(room=room, ended_at=None)
    rows = Participant.objects.admitted().filter(attendances__call__in=going_on, attendances__left_at=None)
    others = rows.exclude(session_key_hash=visitor.session_key_hash)
    return others.annotate(came_at=Min("attendances__joined_at")).order_by("came_at", "pk")
