"""The second door of the administration and of HR's pages: none opens without a second factor, and whoever has none is
led to one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.audit import sign_in
from accounts.factors.rules import has_factor, is_strong
from accounts.models import User

View = Callable[..., HttpResponseBase]


_ADMINISTRATION = _("The administration opens with a second factor. Set one up here: it takes a minute.")


def needs_second_factor(view: View, *, home: str = "/admin/", why: str | Promise = _ADMINISTRATION) -> View:
    """Behind a check of its own: whoever comes here is signed in and may, but for the factor.

    After a form that was sent, the way leads back to `home`; `why` is read by who has no factor yet.
    """

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_strong(request):
            return view(request, *args, **kwargs)
        sign_in.refused(request, "no_second_factor", request.user if isinstance(request.user, User) else None)
        return way_to_a_factor(request, str(why), home=home)

    return checked


def way_to_a_factor(request: HttpRequest, text: str, *, home: str = "/admin/") -> HttpResponseBase:
    """To showing a second factor, or, with this text, to setting the first one up."""
    if has_factor(request.user):
        back = request.get_full_path() if request.method == "GET" else home
        way = get_adapter().get_reauthentication_methods(request.user)[0]["url"]
        return redirect(f"{way}?{urlencode({'next': back})}")
    messages.warning(request, text)
    return redirect("mfa_index")
