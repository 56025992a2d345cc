"""Keeps the list of a person's browser sessions, and gives a browser the mark by which it is known."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.browsers.known import remember
from accounts.models import BrowserSession

# How exact "last seen" is: each time costs a write.
SEEN_EVERY_SECONDS = 300
_NOTED = "browser_session"


class BrowserMiddleware:
    """Inside SessionMiddleware, which stores what is noted here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # A request that did not look at its session pays nothing.
        if request.session.accessed and SESSION_KEY in request.session:
            _note(request)
            remember(request, response)
        return response


def _note(request: HttpRequest) -> None:
    session = request.session
    noted = session.get(_NOTED) or {}
    key, person_id = str(session.session_key), int(session[SESSION_KEY])
    is_known = noted.get("key") == key and noted.get("person") == person_id
    if is_known and time.time() - noted["at"] < SEEN_EVERY_SECONDS:
        return
    values = {
        "session_key": key,
        "address": str(request.META.get("REMOTE_ADDR", ""))[:45],
        "user_agent": request.META.get("HTTP_USER_AGENT", "")[:200],
        "last_seen_at": timezone.now(),
    }
    row_id = int(noted.get("id", 0))
    if not BrowserSession.objects.filter(pk=row_id, user_id=person_id).update(**values):
        row, _ = BrowserSession.objects.update_or_create(session_key=key, defaults={**values, "user_id": person_id})
        row_id = row.pk
    session[_NOTED] = {"id": row_id, "key": key, "person": person_id, "at": time.time()}
