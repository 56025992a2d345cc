"""Acts on the profile: signing one browser out, and confirming the address."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.browsers.address import LinkInvalid, check_link, confirm, send_link
from accounts.browsers.sessions import end_session
from accounts.models import User
from accounts.rate_limits import is_allowed

LINKS_PER_MINUTE = 2


@login_required
@require_POST
def end(request: HttpRequest, public_id: UUID) -> HttpResponse:
    person = _person(request)
    if end_session(person, public_id, acting_user=person):
        messages.success(request, gettext("That browser is signed out."))
    else:
        messages.info(request, gettext("That browser was signed out already."))
    return redirect("accounts:profile")


@login_required
@require_POST
def send_address_link(request: HttpRequest) -> HttpResponse:
    person = _person(request)
    if not is_allowed("address-link", str(person.public_id), per_minute=LINKS_PER_MINUTE):
        return render(request, "429.html", status=429)
    send_link(person)
    messages.success(request, gettext("A mail is on its way. Its link works for one day."))
    return redirect("accounts:profile")


@sensitive_post_parameters("token")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_address(request: HttpRequest) -> HttpResponse:
    """GET asks, so that a scanner of mails confirms nothing."""
    person = _person(request)
    try:
        if request.method == "POST":
            confirm(request.POST.get("token", ""), person)
            messages.success(request, gettext("Your address is confirmed."))
            return redirect("accounts:profile")
        token = request.GET.get("token", "")
        check_link(token, person)
        answer = render(request, "accounts/confirm_address.html", {"token": token})
    except LinkInvalid:
        answer = render(request, "accounts/confirm_address.html", status=404)
    add_never_cache_headers(answer)
    return answer


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):  # login_required stands before
        raise TypeError("a signed-in person is needed here")
    return request.user
