"""A person's own pages: the invitation, the profile, other sessions. Signing in and out are allauth's."""

from __future__ import annotations

from allauth.account import views as allauth_views
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.views import password_change
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.browsers.address import is_confirmed
from accounts.browsers.sessions import end_sessions, sessions_of
from accounts.factors.rules import has_factor
from accounts.forms import InvitationForm, PasswordProofForm, ProfileForm
from accounts.models import HrDuty, User
from accounts.proconnect import silent
from accounts.proconnect.views import begin_sign_out
from accounts.rate_limits import is_allowed, source_of
from accounts.services.invitations import InvitationInvalid, accept_invitation, find_invitation
from accounts.services.profiles import change_name, end_other_sessions

# Generous for people behind one address, far too few for guessing 256 bits.
TRIES_PER_MINUTE = 30
# Whoever found an open browser must not guess the password in it.
PROOFS_PER_MINUTE = 5
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
    # The password was chosen this moment: nobody asks for it again before a second factor is set up.
    record_authentication(request, user, "password")
    # Of the staff, who has no second factor yet is led to one. Allauth asks here for that of others, too.
    way_on = reverse("mfa_index") if user.is_staff and not has_factor(user) else None
    response: HttpResponse = perform_login(request, Login(user=user, redirect_url=way_on))
    return response


@sensitive_post_parameters("oldpassword", "password1", "password2")
@login_required
def change_password(request: HttpRequest) -> HttpResponse:
    """allauth's page; whoever has no password (they sign in elsewhere) has none to change, and none is given here."""
    if not _person(request).has_usable_password():
        messages.info(request, gettext("You sign in to this portal without a password: there is none to change here."))
        return redirect("accounts:profile")
    answer: HttpResponse = password_change(request)
    return answer


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """The own name, language, password, and who else is signed in as oneself."""
    person = _person(request)
    # A copy: a form that refuses has written into its instance all the same, and the page's head shows the real name.
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=person.pk))
    if request.method == "POST" and form.is_valid():
        change_name(person, first_name=form.cleaned_data["first_name"], last_name=form.cleaned_data["last_name"])
        messages.success(request, gettext("Your profile is saved."))
        return redirect("accounts:profile")
    return _profile_page(request, form=form)


@sensitive_post_parameters("password")
@login_required
@require_POST
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """Ends each session of this person but this one, for the price of the password."""
    person = _person(request)
    if not is_allowed("password-proof", str(person.public_id), per_minute=PROOFS_PER_MINUTE):
        return render(request, "429.html", status=429)
    proof = PasswordProofForm(person, request.POST)
    if not proof.is_valid():
        return _profile_page(request, proof=proof, status=400)
    end_other_sessions(person, password=proof.cleaned_data["password"])
    update_session_auth_hash(request, person)  # this one goes on
    end_sessions(person, but=request.session.session_key, acting_user=person)
    messages.success(request, gettext("You are signed out everywhere but here."))
    return redirect("accounts:profile")


@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """Also at the sign-in service, where one came from there: else the next click would sign in again."""
    ended = begin_sign_out(request) if request.method == "POST" else None
    response: HttpResponse = ended or allauth_views.logout(request)
    if request.method == "POST":
        silent.forget(response)
    return response


def _profile_page(
    request: HttpRequest, *, form: ProfileForm | None = None, proof: PasswordProofForm | None = None, status: int = 200
) -> HttpResponse:
    person = _person(request)
    shown = {
        "form": form or ProfileForm(instance=person),
        "proof": proof or PasswordProofForm(person),
        "sessions": sessions_of(person, here=request.session.session_key),
        "is_address_confirmed": is_confirmed(person),
        "brings_hr_files": HrDuty.objects.may_enter(person),
    }
    return _private(render(request, "accounts/profile.html", shown, status=status))


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):  # login_required stands before
        raise TypeError("a signed-in person is needed here")
    return request.user


def _private(response: HttpResponse) -> HttpResponse:
    # (A Referrer-Policy of no-referrer would make browsers send `Origin: null`, which the CSRF check refuses.)
    add_never_cache_headers(response)
    return response
