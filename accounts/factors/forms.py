"""allauth's forms in the DSFR, and a code of the authenticator app that is worth something once."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as allauth_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _
from dsfr.forms import DsfrBaseForm

from accounts.audit import sign_in
from accounts.browsers.lockout import begin_try

# A code is taken for the thirty seconds before, of and after its own: longer than allauth remembers it.
_CODE_LIFE_SECONDS = 120
_CREDENTIAL_BYTES = 16_384
_CODE_ATTRIBUTES = {"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": "32"}


class _OnceForm:
    """Before an allauth form with a code: what somebody saw over a shoulder is of no use to them."""

    user: Any
    authenticator: Any

    def clean_code(self) -> str:
        attempt = begin_try(context.request, "code", self.user.email)
        if attempt.over:
            sign_in.refused(context.request, "too_many_attempts", self.user)
            raise get_account_adapter().validation_error("too_many_login_attempts")
        code: str = super().clean_code()  # type: ignore[misc]  # of the allauth form behind
        if self.authenticator.type == Authenticator.Type.TOTP:
            digits = "".join(filter(str.isdigit, code))
            if not cache.add(f"totp-used:{self.user.pk}:{digits}", 1, timeout=_CODE_LIFE_SECONDS):
                raise get_adapter().validation_error("incorrect_code")
        attempt.give_back()
        return code


class AuthenticateForm(_OnceForm, DsfrBaseForm, allauth_forms.AuthenticateForm):  # type: ignore[misc]  # no types
    code = forms.CharField(label=_("Code"), max_length=32, widget=forms.TextInput(attrs=_CODE_ATTRIBUTES))


class ReauthenticateForm(_OnceForm, DsfrBaseForm, allauth_forms.ReauthenticateForm):  # type: ignore[misc]  # no types
    code = forms.CharField(label=_("Code"), max_length=32, widget=forms.TextInput(attrs=_CODE_ATTRIBUTES))


class ActivateForm(DsfrBaseForm, ActivateTOTPForm):  # type: ignore[misc]  # no types
    code = forms.CharField(
        label=_("The six digits that the app shows now"),
        max_length=32,
        widget=forms.TextInput(attrs=_CODE_ATTRIBUTES),
    )


class _CredentialField(forms.JSONField):
    """What a browser's passkey answered: some kilobytes, never nested deeply enough to exhaust the parser."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.HiddenInput, **options)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and (len(value) > _CREDENTIAL_BYTES or value.count("[") + value.count("{") > 100):
            raise get_adapter().validation_error("incorrect_code")
        told = super().to_python(value)
        if told is not None and not isinstance(told, dict):
            raise get_adapter().validation_error("incorrect_code")
        return told


class _Hostile:
    """Before an allauth form with a credential: what is no credential is refused, in whatever way it is none."""

    def clean_credential(self) -> Any:
        return self._refused_if_odd(super().clean_credential)  # type: ignore[misc]  # of the allauth form behind

    @staticmethod
    def _refused_if_odd(clean: Callable[[], Any]) -> Any:
        try:
            return clean()
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, struct.error) as error:
            raise get_adapter().validation_error("incorrect_code") from error


class SignInPasskeyForm(_Hostile, LoginWebAuthnForm):  # type: ignore[misc]  # no types
    credential = _CredentialField()


class AuthenticatePasskeyForm(_Hostile, AuthenticateWebAuthnForm):  # type: ignore[misc]  # no types
    credential = _CredentialField()


class ReauthenticatePasskeyForm(_Hostile, ReauthenticateWebAuthnForm):  # type: ignore[misc]  # no types
    credential = _CredentialField()


class AddPasskeyForm(DsfrBaseForm, AddWebAuthnForm):  # type: ignore[misc]  # no types
    credential = _CredentialField()
    name = forms.CharField(
        label=_("Name of this passkey"),
        help_text=_("For example the device or key on which it is."),
        required=False,
        max_length=60,
    )
    passwordless = forms.BooleanField(
        label=_("Sign in with it alone, without e-mail address and password"),
        help_text=_("The device asks for your finger, your face or a PIN. Untick it for a key that has none of these."),
        required=False,
        initial=True,
    )

    def clean(self) -> Any:
        return _Hostile._refused_if_odd(super().clean)
