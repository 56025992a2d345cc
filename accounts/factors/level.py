"""The level that a policy lays down for signing in, where somebody signs in at the portal itself.

A second factor here is as much as that can reach. Who lacks one is led to set it up and gets no other page; who would
need more signs in elsewhere. Superusers need a second factor and never more: they mend a sign-in service that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.stagekit import clear_login
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext

from accounts.assurance import acr_of
from accounts.audit import sign_in
from accounts.audit.context import request_id
from accounts.factors.door import way_to_a_factor
from accounts.models import User
from accounts.models.policy import LOCAL_TWO_FACTORS, SignInLevel
from accounts.policies.resolution import policies_of
from accounts.proconnect.configuration import provider
from accounts.proconnect.refusals import words_of

_NEEDED = "level_needed"
# What one may do meanwhile: set a factor up, sign out, choose a language.
_OPEN = frozenset({"account_reauthenticate", "account_logout", "set_language", "javascript-catalog"})


def refuse(request: HttpRequest, person: User) -> HttpResponse | None:
    """The page for whom no sign-in at the portal will do, before any is made; None for everybody else."""
    required = policies_of(person).required_acr
    if person.is_superuser or required.value.is_reached_by(LOCAL_TWO_FACTORS):
        return None
    clear_login(request)
    sign_in.refused(request, "required_acr", person)
    service = provider()
    shown = {
        "words": words_of("required_acr"),
        "code": "required_acr",
        "origin": required.origin,
        "level": required.value.label,
        "service": service.name if service else "",
        "again": f"{reverse('proconnect:sign_in')}?{urlencode({'level': required.value})}" if service else "",
        "support": settings.SUPPORT_CONTACT,
        "reference": request_id(),
    }
    answer = render(request, "accounts/sign_in_refused.html", shown, status=403)
    add_never_cache_headers(answer)
    return answer


def note(request: HttpRequest, person: User) -> None:
    """Keeps in the session just begun what it must reach."""
    if policies_of(person).required_acr.value != SignInLevel.ANY:
        request.session[_NEEDED] = True


class LevelMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        # Who brings no session is not asked for one.
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or _NEEDED not in request.session:
            return None
        if SignInLevel.TWO_FACTORS.is_reached_by(acr_of(request.session)):
            del request.session[_NEEDED]
            return None
        name = request.resolver_match.url_name if request.resolver_match else None
        if name in _OPEN or str(name).startswith("mfa_"):
            return None
        if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
            return HttpResponse(status=403)
        return way_to_a_factor(
            request, gettext("Your organisation asks for a second factor. Set one up here: it takes a minute.")
        )
