"""The pages of the second factor: allauth's views at our addresses, each change whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import path
from django.utils.cache import add_never_cache_headers
from django.views.generic import RedirectView

View = Callable[..., HttpResponseBase]


def _whole(view: View) -> View:
    """In one transaction with its entry of the audit log; and nothing of it stays in a cache."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST":
            with transaction.atomic():
                answer = view(request, *args, **kwargs)
        else:
            answer = view(request, *args, **kwargs)
        add_never_cache_headers(answer)
        return answer

    return wrapped


urlpatterns = [
    path("", _whole(factors.index), name="mfa_index"),
    path("code/", _whole(factors.authenticate), name="mfa_authenticate"),
    path("confirm/", _whole(account.reauthenticate), name="account_reauthenticate"),
    path("confirm/code/", _whole(factors.reauthenticate), name="mfa_reauthenticate"),
    path("confirm/passkey/", _whole(passkeys.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    path("app/add/", _whole(totp.activate_totp), name="mfa_activate_totp"),
    path("app/remove/", _whole(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("recovery-codes/", _whole(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("recovery-codes/new/", _whole(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("recovery-codes/download/", _whole(codes.download_recovery_codes), name="mfa_download_recovery_codes"),
    path("passkeys/", RedirectView.as_view(pattern_name="mfa_index"), name="mfa_list_webauthn"),
    path("passkeys/add/", _whole(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("passkeys/<int:pk>/remove/", _whole(passkeys.remove_webauthn), name="mfa_remove_webauthn"),
    path("passkeys/sign-in/", _whole(passkeys.login_webauthn), name="mfa_login_webauthn"),
]
