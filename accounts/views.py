"""The invitation's page: set a password once, then be signed in. Signing in and out are allauth's."""

from __future__ import annotations

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.forms import InvitationForm
from accounts.rate_limits import is_allowed, source_of
from accounts.services.invitations import InvitationInvalid, accept_invitation, find_invitation

# Generous for people behind one address, far too few for guessing 256 bits.
TRIES_PER_MINUTE = 30
_SESSION_KEY = "invitation_token"


@sensitive_post_parameters("new_password1", "new_password2", "token")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    """GET with `?token=` moves the secret out of the address bar; the page itself reads it from the session.

    Only POST spends the link, so that a mail scanner that opens it does no harm.
    """
    if not is_allowed("invitation", source_of(request), per_minute=TRIES_PER_MINUTE):
        return render(request, "429.html", status=429)
    if "token" in request.GET:
        request.session[_SESSION_KEY] = request.GET["token"][:128]
        return _private(redirect("accounts:invitation"))
    token = request.session.get(_SESSION_KEY, "")
    try:
        return _private(_set_password(request, token))
    except InvitationInvalid:
        request.session.pop(_SESSION_KEY, None)
        return _private(render(request, "accounts/invitation_invalid.html", status=404))


def _set_password(request: HttpRequest, token: str) -> HttpResponse:
    found = find_invitation(token)
    form = InvitationForm(found.user, request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/invitation.html", {"form": form, "person": found.user})
    user = accept_invitation(
        token,
        password=form.cleaned_data["new_password1"],
        first_name=form.cleaned_data["first_name"],
        last_name=form.cleaned_data["last_name"],
    )
    # Whoever was signed in here is not the invited person: nothing of that session is taken over.
    request.session.flush()
    # allauth signs in with a fresh session key, and later asks here for the second factor too.
    response: HttpResponse = perform_login(request, Login(user=user))
    return response


def _private(response: HttpResponse) -> HttpResponse:
    # (A Referrer-Policy of no-referrer would make browsers send `Origin: null`, which the CSRF check refuses.)
    add_never_cache_headers(response)
    return response
