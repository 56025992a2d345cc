"""To the sign-in service and back again, and out of it. All that talks to the network is outside of transactions."""

from __future__ import annotations

import json
from urllib.parse import urlencode, urlsplit

import structlog
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from accounts.assurance import SESSION_KEY
from accounts.audit import sign_in as audit
from accounts.audit.context import request_id
from accounts.browsers.known import note_sign_in
from accounts.models import User
from accounts.models.policy import SignInLevel
from accounts.policies.enforcement import Forbidden, require_sign_in
from accounts.proconnect import silent, states
from accounts.proconnect.backend import PATH as BACKEND
from accounts.proconnect.configuration import Provider, callback_url, provider, signed_out_url
from accounts.proconnect.discovery import endpoints
from accounts.proconnect.refusals import ProviderUnavailable, SignInRefused, words_of
from accounts.rate_limits import is_allowed, source_of
from accounts.services.identities import Entered, Known, NoAccount, Suspended, enter

# A ministry behind one address comes at nine o'clock; each costs us one row of a session.
STARTS_PER_MINUTE = 600
_LOGOUT_STATE = "oidc_logout_state"

log = structlog.get_logger(__name__)


@require_GET
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sends the browser to the provider: `?next=` a path of ours, `?level=` a `SignInLevel`, `?silent=1` asks nobody.

    A link and never a form: the content security policy keeps forms from being sent on to other hosts.
    """
    service = _provider()
    wanted = _next_of(request)
    if not _is_at_portal_url(request):
        # The session of another name of this portal would not be there when the provider leads back.
        return redirect(f"{settings.PORTAL_URL}{request.get_full_path()}")
    is_silent = "silent" in request.GET
    if not is_allowed("oidc-start", source_of(request), per_minute=STARTS_PER_MINUTE):
        return _refused(request, SignInRefused("too_many"), service, wanted)
    try:
        found = endpoints(service)
    except SignInRefused as refusal:
        return redirect(wanted) if is_silent else _refused(request, refusal, service, wanted)
    acr_values = _acr_values(service, request.GET.get("level", ""))
    state, journey = states.begin(request.session, acr_values=acr_values, next_path=wanted, is_silent=is_silent)
    asked = _request_parameters(service, state, journey)
    joint = "&" if urlsplit(found.authorization).query else "?"
    return _private(redirect(f"{found.authorization}{joint}{urlencode(asked)}"))


@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Where the provider leads back to, with a code or an error. Without a state of ours nothing happens at all."""
    service = _provider()
    if not is_allowed("oidc-callback", source_of(request), per_minute=STARTS_PER_MINUTE):
        return _refused(request, SignInRefused("too_many"), service, settings.LOGIN_REDIRECT_URL)
    try:
        journey = states.take(request.session, request.GET.get("state", ""))
    except SignInRefused as refusal:
        if request.user.is_authenticated:
            return redirect(settings.LOGIN_REDIRECT_URL)  # the Back button, or somebody's forged link: they are in
        return _refused(request, refusal, service, settings.LOGIN_REDIRECT_URL)
    try:
        return _come_in(request, service, journey)
    except SignInRefused as refusal:
        if journey.is_silent:
            return redirect(journey.next)  # nobody had asked for it
        return _refused(request, refusal, service, journey.next)


def _come_in(request: HttpRequest, service: Provider, journey: states.Journey) -> HttpResponse:
    """Raises `SignInRefused`."""
    # Slow to import, and needed by nobody who is signed in already.
    from accounts.proconnect.entry import known_of
    from accounts.proconnect.exchange import redeem

    if request.GET.get("iss", service.issuer) != service.issuer:  # RFC 9207
        raise SignInRefused("token.iss")
    if "error" in request.GET:
        raise SignInRefused(request.GET["error"], description=request.GET.get("error_description", "")[:500])
    told = redeem(service, request.GET.get("code", ""), journey)
    known = known_of(service, told)
    entered = _enter(request, known, service)
    _require_level(request, entered.user, known.acr)
    with transaction.atomic():  # with the entry that the signal's receiver writes
        # Locked before it: Django notes the sign-in in the account after it, which a merge that goes on may have.
        User.objects.select_for_update(no_key=True).get(pk=entered.user.pk)
        # Makes the session's key anew; whatever was another person's in it goes.
        entered.user.backend = BACKEND  # Django's own attribute, which the audit log reads, too
        if request.user != entered.user:  # half a sign-in with a password leaves its mark in a session that is nobody's
            request.session.pop(AUTHENTICATION_METHODS_SESSION_KEY, None)
        login(request, entered.user)
        request.session[SESSION_KEY] = {"acr": known.acr, "amr": list(told.amr), "id_token": told.id_token}
    note_sign_in(request, entered.user)
    _tell(request, entered)
    response = _private(redirect(journey.next))
    silent.remember(response)
    return response


def _enter(request: HttpRequest, known: Known, service: Provider) -> Entered:
    try:
        return enter(known, creates_accounts=service.creates_accounts)
    except Suspended as suspended:
        audit.refused(request, "suspended", suspended.user)
        raise SignInRefused("suspended", is_recorded=True) from suspended
    except NoAccount as nobody:
        raise SignInRefused("no_account") from nobody


def _require_level(request: HttpRequest, user: User, acr: str) -> None:
    try:
        require_sign_in(user, acr)
    except Forbidden as forbidden:
        audit.refused(request, "required_acr", user)
        raise SignInRefused(
            "required_acr", origin=forbidden.origin, level=SignInLevel(forbidden.value), is_recorded=True
        ) from forbidden


def _tell(request: HttpRequest, entered: Entered) -> None:
    if not entered.stands_apart:
        return
    text = gettext(
        "Your e-mail address belongs to another account here already, so you have a new one: you may enter meetings, "
        "but the other account’s rooms and rights are not yours."
    )
    if entered.is_proposed:
        text += " " + gettext("An administrator has been asked whether both are you.")
    messages.warning(request, text)


# --- signing out


def begin_sign_out(request: HttpRequest) -> HttpResponse | None:
    """Ends the session here and answers with the page that leads on to the provider's end of it.

    None where there is nothing to end there: then the caller signs out as ever.
    """
    told = request.session.get(SESSION_KEY)
    service = provider()
    if service is None or not isinstance(told, dict) or not told.get("id_token"):
        return None
    try:
        end_session = endpoints(service).end_session
    except SignInRefused:
        end_session = ""  # it does not answer: out of here all the same
    if not end_session:
        return None
    with transaction.atomic():
        logout(request)
    state = states.random_text()
    # In a new session that is nobody's.
    request.session[_LOGOUT_STATE] = state
    asked = {"id_token_hint": told["id_token"], "state": state, "post_logout_redirect_uri": signed_out_url()}
    joint = "&" if urlsplit(end_session).query else "?"
    shown = {"address": f"{end_session}{joint}{urlencode(asked)}", "service": service.name}
    # No redirect: it would be one after a form's POST, which `form-action 'self'` blocks, however far it leads on.
    return _private(render(request, "accounts/signing_out.html", shown))


@require_GET
def signed_out(request: HttpRequest) -> HttpResponse:
    service = _provider()
    expected = request.session.pop(_LOGOUT_STATE, "")
    if not expected or not constant_time_compare(request.GET.get("state", ""), expected):
        if request.user.is_authenticated:
            return redirect(settings.LOGOUT_REDIRECT_URL)
        return _refused(request, SignInRefused("state"), service, settings.LOGOUT_REDIRECT_URL)
    messages.success(request, gettext("You are signed out, here and at %(service)s.") % {"service": service.name})
    return redirect(settings.LOGOUT_REDIRECT_URL)


# --- what both ways need


def _provider() -> Provider:
    service = provider()
    if service is None:
        raise Http404("no sign-in service is set up")
    return service


def _is_at_portal_url(request: HttpRequest) -> bool:
    """Compared as browsers do: any case, and a default port is none."""
    own = urlsplit(settings.PORTAL_URL)
    default = {"http": 80, "https": 443}.get(own.scheme)
    asked = urlsplit(f"//{request.get_host()}")
    return (asked.hostname, asked.port or default) == (own.hostname, own.port or default)


def _next_of(request: HttpRequest) -> str:
    """A path of this portal, whatever was asked for."""
    path = request.GET.get("next", "")
    is_ours = path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if is_ours and len(path) <= 2000 else str(settings.LOGIN_REDIRECT_URL)


def _acr_values(service: Provider, level: str) -> list[str]:
    """With which levels somebody may come back; all of them are named, since ProConnect knows no order of them."""
    stricter = SignInLevel(level).acr_values if level in SignInLevel.values else []
    if not stricter:
        return list(service.acr_values)
    return [value for value in stricter if value in service.acr_values] or stricter


def _request_parameters(service: Provider, state: str, journey: states.Journey) -> dict[str, str]:
    """What ProConnect takes, and nothing else: it refuses any other parameter."""
    asked = {
        "response_type": "code",
        "client_id": service.client_id,
        "redirect_uri": callback_url(),
        "scope": service.scopes,
        "state": state,
        "nonce": journey.nonce,
    }
    if journey.acr_values:
        acr = {"essential": True, "values": journey.acr_values}
        asked["claims"] = json.dumps({"id_token": {"amr": None, "acr": acr}}, separators=(",", ":"))
    if service.uses_pkce:
        asked |= {"code_challenge": states.challenge_of(journey.code_verifier), "code_challenge_method": "S256"}
    if journey.is_silent:
        asked["prompt"] = "none"
    return asked


def _refused(request: HttpRequest, refusal: SignInRefused, service: Provider, next_path: str) -> HttpResponse:
    """The page that says what happened, the code, whom to ask, and the way into the meeting all the same."""
    log.warning("oidc_sign_in_refused", code=refusal.code, said=refusal.description)
    if not refusal.is_recorded and not isinstance(refusal, ProviderUnavailable):
        audit.refused(request, f"oidc:{refusal.code}")
    level = refusal.level
    again = urlencode({"next": next_path, **({"level": str(level)} if level else {})})
    shown = {
        "words": words_of(refusal.code, refusal.description),
        "code": refusal.code,
        "origin": refusal.origin,
        "level": level.label if level else "",
        "service": service.name,
        "again": f"{reverse('proconnect:sign_in')}?{again}",
        "meeting": next_path if next_path.startswith("/r/") else "",
        "support": settings.SUPPORT_CONTACT,
        "reference": request_id(),
    }
    return _private(render(request, "accounts/sign_in_refused.html", shown, status=refusal.status))


def _private(response: HttpResponse) -> HttpResponse:
    add_never_cache_headers(response)
    return response
