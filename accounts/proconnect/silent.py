"""Who signed in here by the provider before, and comes back without a session, is signed in again without a click.

The browser is sent to the provider with `prompt=none`, which asks nobody anything, and comes back either way. Once an
hour at most, so that nobody runs in circles, and never after a sign-out. The two cookies name nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse

from accounts.proconnect.configuration import is_configured

KNOWN_COOKIE = "visio_returning"
TRIED_COOKIE = "visio_silent"
_KNOWN_SECONDS = 90 * 86400
_TRIED_SECONDS = 3600
# Where it makes a difference whether one is signed in. Never in the middle of a form or of a script's request.
_PAGES = frozenset({"meetings:home", "meetings:call", "account_login"})


class SilentSignInMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _should_try(request):
            return self.get_response(request)
        wanted = request.get_full_path()
        if _view_name(request) == "account_login":
            wanted = request.GET.get("next", settings.LOGIN_REDIRECT_URL)
        answer = redirect(f"{reverse('proconnect:sign_in')}?{urlencode({'silent': 1, 'next': wanted})}")
        answer["Cache-Control"] = "no-store"
        # Written before it is known what becomes of it: a provider that never answers is not asked again, either.
        _set(answer, TRIED_COOKIE, _TRIED_SECONDS)
        return answer


def remember(response: HttpResponse) -> None:
    _set(response, KNOWN_COOKIE, _KNOWN_SECONDS)


def forget(response: HttpResponse) -> None:
    """Who signs out wants to be out."""
    response.delete_cookie(KNOWN_COOKIE, samesite="Lax")


def _should_try(request: HttpRequest) -> bool:
    return (
        request.method == "GET"
        and request.COOKIES.get(KNOWN_COOKIE) == "1"
        and request.COOKIES.get(TRIED_COOKIE) != "1"
        and is_configured()
        and bool(settings.OIDC_SILENT_SIGN_IN)
        and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        and request.headers.get("Sec-Fetch-Dest", "document") == "document"
        and _view_name(request) in _PAGES
        and not request.user.is_authenticated
    )


def _view_name(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""


def _set(response: HttpResponse, name: str, seconds: int) -> None:
    response.set_cookie(
        name, "1", max_age=seconds, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )
