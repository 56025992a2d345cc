"""Whose the pages are: who has an HR duty, with a second factor; each source for those to whom it was given."""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _

from accounts.factors.door import View, needs_second_factor
from accounts.models import HrDuty, ProvisioningRun
from accounts.models.hr_file import Visitor
from accounts.models.provisioning import RunKind

HOME = "/accounts/hr/"
# Organisations and accounts suspended by command are the administrators' own.
_KINDS = (RunKind.FILE, RunKind.DATES)


def hr_page(view: View) -> View:
    """Who has no duty finds no page here, as if there were none."""
    behind = needs_second_factor(
        view, home=HOME, why=_("HR files need a second factor. Set one up here: it takes a minute.")
    )

    @login_required
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not HrDuty.objects.may_enter(request.user):
            raise Http404
        answer = behind(request, *args, **kwargs)
        add_never_cache_headers(answer)
        return answer

    return checked


def runs_visible_to(person: Visitor) -> QuerySet[ProvisioningRun]:
    return ProvisioningRun.objects.filter(source__in=HrDuty.objects.sources_of(person), kind__in=_KINDS)
