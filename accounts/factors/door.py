"""The administration's second door: no page of it without a second factor, and whoever has none is led to one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext

from accounts.audit import sign_in
from accounts.factors.rules import has_factor, is_strong
from accounts.models import User

View = Callable[..., HttpResponseBase]


def needs_second_factor(view: View) -> View:
    """Behind the admin's own check: whoever comes here is signed in and of the staff."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_strong(request):
            return view(request, *args, **kwargs)
        sign_in.refused(request, "no_second_factor", request.user if isinstance(request.user, User) else None)
        text = gettext("The administration opens with a second factor. Set one up here: it takes a minute.")
        return way_to_a_factor(request, text)

    return checked


def way_to_a_factor(request: HttpRequest, text: str) -> HttpResponseBase:
    """To showing a second factor, or, with this text, to setting the first one up."""
    if has_factor(request.user):
        back = request.get_full_path() if request.method == "GET" else "/admin/"
        way = get_adapter().get_reauthentication_methods(request.user)[0]["url"]
        return redirect(f"{way}?{urlencode({'next': back})}")
    messages.warning(request, text)
    return redirect("mfa_index")
