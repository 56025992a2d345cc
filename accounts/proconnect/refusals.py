"""Why somebody could not be signed in: a code for the support desk, and for people what happened and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models.policy import SignInLevel

Text = str | Promise
# Shown and written to the log: no longer than any code there is, and nothing but a code.
_MAX_CODE = 64


class SignInRefused(Exception):
    """`code` is the provider's, or one of ours (`token.aud`, `acr`, …).

    `description` is the provider's, never shown. Of a policy's refusal: `origin` is who laid it down, `level` what it
    asks for. `is_recorded`: the audit log tells of it already.
    """

    status = 403

    def __init__(
        self,
        code: str,
        *,
        description: str = "",
        origin: str = "",
        level: SignInLevel | None = None,
        is_recorded: bool = False,
    ) -> None:
        super().__init__(code)
        self.code = clean_code(code)
        self.description = description
        self.origin = origin
        self.level = level
        self.is_recorded = is_recorded


class ProviderUnavailable(SignInRefused):
    """It does not answer, or not in time. Nothing is wrong with the person, who may try again, or come as a guest."""

    status = 503


@dataclass(frozen=True, slots=True)
class Words:
    """`may_retry`: trying again may help."""

    happened: Text
    remedy: Text
    may_retry: bool = True


_DOWN = Words(
    _("The sign-in service does not answer at the moment."),
    _("Nothing is wrong with your account. Try again in a few minutes, or enter your meeting as a guest."),
)
_FAILED_CHECK = Words(
    _("The answer of the sign-in service failed a security check, so we did not sign you in."),
    _("Try again. If it happens again, tell the support: the set-up of this portal may have to be corrected."),
)
_STALE = Words(
    _("This sign-in was begun too long ago, in another browser, or is over already."),
    _("Begin again from here. Your browser must accept this site’s cookies."),
)
_SET_UP = Words(
    _("The sign-in service refused this portal’s request: its registration there is not as it should be."),
    _("You can do nothing about it. Tell the support, with the code below."),
    may_retry=False,
)
_SESSION = Words(
    _("Your session at the sign-in service was lost or is over."),
    _("Close the other windows of the sign-in service and begin again."),
)
_IDENTITY_PROVIDER = Words(
    _("Your organisation’s own sign-in service did not work as it should."),
    _("Try again later. If it stays so, tell your organisation’s IT department, with the code below."),
)
_ACR = Words(
    _("Your sign-in was not strong enough for this portal."),
    _("Sign in again with a second factor, or with the means that your organisation gives you for it."),
)
_IDENTITY = Words(
    _("The sign-in service could not confirm your identity or your organisation."),
    _("Check your details at your organisation, and ask the support what is missing."),
)
_NOT_FOR_YOU = Words(
    _("This portal is for certain organisations, and yours is none of them."),
    _("You may enter meetings as a guest. If you think that you should have an account here, ask the support."),
    may_retry=False,
)
_SUSPENDED = Words(
    _("Your account on this portal is suspended."),
    _("Ask the support or your administrator. Signing in again does not help until then."),
    may_retry=False,
)
_NO_ACCOUNT = Words(
    _("You have no account on this portal yet, and accounts are made by its administrators only."),
    _("Ask the support for an account. You may enter meetings as a guest until then."),
    may_retry=False,
)
_INCOMPLETE = Words(
    _("The sign-in service told us too little about you, or something that cannot be right."),
    _("Ask your organisation’s IT department to check your e-mail address and SIRET, with the code below."),
)
_PRIVATE_SECTOR = Words(
    _("This portal is for public services, and you signed in for a company or an association."),
    _("Choose a public organisation at the sign-in service if you belong to one, or enter your meeting as a guest."),
)
_CANCELLED = Words(
    _("You were not signed in: it was refused or cancelled at the sign-in service."),
    _("Try again, or enter your meeting as a guest."),
)
_UNKNOWN = Words(
    _("The sign-in service refused to sign you in and gave a reason that this portal does not know."),
    _("Try again. If it happens again, tell the support the code below."),
)

_WORDS: Mapping[str, Words] = {
    # What the provider sends back to us.
    "access_denied": _CANCELLED,
    "login_required": _SESSION,
    "interaction_required": _SESSION,
    "consent_required": _SESSION,
    "invalid_scope": _SET_UP,
    "invalid_request": _SET_UP,
    "invalid_client": _SET_UP,
    "invalid_redirect_uri": _SET_UP,
    "unauthorized_client": _SET_UP,
    "unsupported_response_type": _SET_UP,
    "idp_hint_not_found": _SET_UP,
    "server_error": _DOWN,
    "temporarily_unavailable": _DOWN,
    # What ProConnect shows on its own pages, and people read out to the support.
    "Y000400": _SET_UP,
    "Y000404": _SET_UP,
    "Y030110": _SESSION,
    "Y030111": _SET_UP,
    "Y030031": _SET_UP,
    "Y04A586": _SET_UP,
    "Y500015": _PRIVATE_SECTOR,
    "500001": _IDENTITY_PROVIDER,
    "500006": _IDENTITY,
    "500024": _SUSPENDED,
    "500025": _NOT_FOR_YOU,
    "500027": _NOT_FOR_YOU,
    # Ours.
    "unavailable": _DOWN,
    "timeout": _DOWN,
    "state": _STALE,
    "code": _STALE,
    "acr": _ACR,
    "required_acr": _ACR,
    "suspended": _SUSPENDED,
    "no_account": _NO_ACCOUNT,
    "not_allowed": _NOT_FOR_YOU,
    "not_configured": _SET_UP,
    "too_many": Words(
        _("Too many people are signing in from your network at once."), _("Wait a minute and try again.")
    ),
}
# By how the code begins, where there are many of a kind.
_KINDS: tuple[tuple[str, Words], ...] = (
    ("token.", _FAILED_CHECK),
    ("userinfo.", _FAILED_CHECK),
    ("discovery.", _SET_UP),
    ("claim.", _INCOMPLETE),
    ("190", _SESSION),
    ("Y190", _SESSION),
    ("0200", _IDENTITY_PROVIDER),
    ("Y0200", _IDENTITY_PROVIDER),
    ("oidc-provider-rendered-error:", _SET_UP),
)
_ACR_WORDS = "acr"
_IDENTITY_WORDS = "invalid identity"


def words_of(code: str, description: str = "") -> Words:
    """What people read for a code. `description` is the provider's, which tells some refusals of one code apart."""
    if code == "access_denied":
        if _ACR_WORDS in description.lower():
            return _ACR
        if _IDENTITY_WORDS in description.lower():
            return _IDENTITY
    # ProConnect writes the same code with and without its letter.
    known = _WORDS.get(code) or _WORDS.get(code.removeprefix("Y"))
    if known is not None:
        return known
    return next((words for start, words in _KINDS if code.startswith(start)), _UNKNOWN)


def clean_code(text: str) -> str:
    """A code as it may be shown and logged: what came with the address is anybody's text."""
    kept = "".join(letter for letter in text if letter.isascii() and (letter.isalnum() or letter in "._:-"))
    return kept[:_MAX_CODE] or "unknown"
