"""The only door to a room and to what is in it: who is asking, and which rows they may reach.

A link (slug) shows the door of one room. Everything behind it needs a row of one's own in that room, found by the
account *and* a random secret that only the browser's session holds. Ids and identities are never a right.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, replace

from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from accounts.assurance import acr_of
from accounts.models import User
from meetings.models import Participant, Room
from meetings.models.participant import Role
from meetings.models.room import SLUG_PATTERN
from meetings.refusals import NotAdmitted, NotAllowed, NotFound

_SECRET_KEY = "visitor_secret"  # noqa: S105  the name under which the session holds it
_SLUG = re.compile(SLUG_PATTERN)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever holds a browser: an account or none, the session's secret ("" before the first room), and the level that
    their sign-in reached ("" for none)."""

    user: User | None
    secret: str
    acr: str = ""

    @property
    def session_key_hash(self) -> str:
        return self._hash(str(self.user.public_id) if self.user else "")

    @property
    def guest_key_hash(self) -> str:
        """Under which the same browser's row was made before its person signed in."""
        return self._hash("")

    def _hash(self, account: str) -> str:
        return hashlib.sha256(f"{self.secret}\0{account}".encode()).hexdigest()

    def owns(self, room: Room) -> bool:
        return self.user is not None and room.owner_id == self.user.pk


def visitor(user: User | AnonymousUser, session: SessionBase) -> Visitor:
    secret = session.get(_SECRET_KEY, "")
    person = user if isinstance(user, User) else None
    acr = acr_of(session) if person else ""
    return Visitor(user=person, secret=secret if isinstance(secret, str) else "", acr=acr)


def visitor_of(request: HttpRequest) -> Visitor:
    return visitor(request.user, request.session)


def new_visitor_of(request: HttpRequest) -> Visitor:
    """Like `visitor_of`, with a new secret if there is none: entering needs one. `remember` it once they are in."""
    known = visitor_of(request)
    return known if known.secret else replace(known, secret=secrets.token_urlsafe(32))


def remember(request: HttpRequest, visitor: Visitor) -> None:
    """Keeps the visitor's secret in their session, which makes one: not for who is refused, however often they ask."""
    if request.session.get(_SECRET_KEY) != visitor.secret:
        request.session[_SECRET_KEY] = visitor.secret


def access_room(slug: str) -> Room:
    """The room behind a link: its door, not what is inside. Raises `NotFound`."""
    room = Room.objects.filter(slug=slug).first() if _SLUG.fullmatch(slug) else None
    if room is None:
        raise NotFound
    return room


def access_owned_room(user: User | AnonymousUser, slug: str) -> Room:
    """A room that this person may change. Raises `NotFound`, whether it is missing or somebody else's."""
    room = Room.objects.visible_to(user).filter(slug=slug).first()
    if room is None:
        raise NotFound
    return room


def access_own(visitor: Visitor, slug: str) -> Participant:
    """The visitor's own row in a room, with the room. Raises `NotFound`, whether room or row is missing."""
    own = None
    if visitor.secret and _SLUG.fullmatch(slug):
        own = (
            Participant.objects.select_related("room", "user")
            .filter(room__slug=slug, session_key_hash=visitor.session_key_hash)
            .first()
        )
    if own is None:
        raise NotFound
    return own


def access_admitted(visitor: Visitor, slug: str) -> Participant:
    """The visitor's own row, admitted and not of another day. Raises `NotAdmitted`, also where there is none."""
    try:
        own = access_own(visitor, slug)
    except NotFound as missing:
        raise NotAdmitted from missing
    if not own.may_be_in_call or own.room.is_closed:
        raise NotAdmitted
    return own


def access_moderated(visitor: Visitor, slug: str) -> Participant:
    """The visitor's own row, if it makes them host or moderator now. Raises `NotFound`, `NotAllowed`."""
    own = access_own(visitor, slug)
    if not own.may_moderate or own.room.is_closed:
        raise NotAllowed
    return own


def access_hosted(visitor: Visitor, slug: str) -> Participant:
    """The visitor's own row, if it makes them host now. Raises `NotFound`, `NotAllowed`."""
    own = access_moderated(visitor, slug)
    if own.role != Role.HOST:
        raise NotAllowed
    return own


def access_target(acting: Participant, identity: str) -> Participant:
    """Another (or the same) participant of the acting one's room. Raises `NotFound`."""
    target = Participant.objects.select_related("room", "user").filter(room=acting.room, identity=identity).first()
    if target is None:
        raise NotFound
    return target
