"""`/test`: can this browser, machine and network hold a call? For anybody, without an account; nothing is kept."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from accounts.rate_limits import is_allowed, source_of
from meetings.own_address import websocket_url
from meetings.refusals import TooManyRequests
from meetings.services import connection_tests
from meetings.views.api import json_api

# Each sends some megabits for some seconds. A training room behind one address tests at once; a flood does not. Counted
# over the life of a test's room, so that one address has no more than these open.
TESTS_PER_MINUTE = 7
LIFE_MINUTES = int(connection_tests.ENDS_AFTER.total_seconds()) // 60
# From everywhere together: calls that are going on come first.
ALL_TESTS_PER_MINUTE = 60


@require_GET
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    config = {"locale": (get_language() or "fr")[:2], "api": reverse("meetings:api_test")}
    return render(request, "meetings/connection_test.html", {"config": config})


@require_POST
@json_api
def tokens(request: HttpRequest) -> HttpResponse:
    """Where the relay is, and two tokens of a room that nobody else knows."""
    if not is_allowed("test", source_of(request), per_minute=TESTS_PER_MINUTE, minutes=LIFE_MINUTES):
        raise TooManyRequests
    if not is_allowed("test-all", per_minute=ALL_TESTS_PER_MINUTE):
        raise TooManyRequests
    return JsonResponse({"url": websocket_url(request), "tokens": connection_tests.open_test()})
