"""The mark of a browser in which somebody signed in before. It opens nothing: it only keeps a stranger's tries from
counting against the person there (`lockout.py`).
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from accounts.models import User

COOKIE = "visio_browser"
DAYS = 180
_SALT = "accounts.browsers.known"
# Of one browser that several use.
_MOST_PEOPLE = 5
_SIGNED_IN = "_visio_signed_in"


def mark_of(request: HttpRequest, person: User) -> str:
    """The browser's own number, if this person signed in here before; else ""."""
    told = _told(request)
    return str(told["browser"]) if str(person.public_id) in told["people"] else ""


def note_sign_in(request: HttpRequest, person: User) -> None:
    setattr(request, _SIGNED_IN, str(person.public_id))


def remember(request: HttpRequest, response: HttpResponse) -> None:
    """Gives the mark with the answer to a sign-in."""
    who = getattr(request, _SIGNED_IN, "")
    if not who:
        return
    told = _told(request)
    people = [who, *(one for one in told["people"] if one != who)][:_MOST_PEOPLE]
    response.set_cookie(
        COOKIE,
        signing.dumps({**told, "people": people}, salt=_SALT),
        max_age=DAYS * 86_400,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _told(request: HttpRequest) -> dict[str, Any]:
    try:
        told: dict[str, Any] = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=DAYS * 86_400)
    except signing.BadSignature:
        return {"browser": secrets.token_hex(16), "people": []}
    return told
