"""Before each page of a manager: who they are, what they lead, and where they act a second factor."""

from __future__ import annotations

from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _

from accounts.factors.door import View, needs_second_factor
from accounts.managers.reach import Reach, reach_of
from accounts.models import Organisation, User

_ACTING = _("Who acts for others does it with a second factor. Set one up here: it takes a minute.")


def for_managers(view: View) -> View:
    """Gives the view the `Reach` of who asks. For whoever leads nothing there is no such page."""

    @login_required
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        reach = reach_of(request.user) if isinstance(request.user, User) else None
        if not reach:
            raise Http404
        answer = view(request, reach, *args, **kwargs)
        add_never_cache_headers(answer)
        return answer

    return checked


def with_second_factor(view: View) -> View:
    """Behind `for_managers`: for whoever changes something for others, as in the administration."""
    return needs_second_factor(view, home="/organisation/", why=_ACTING)


def organisation_or_404(reach: Reach, public_id: UUID) -> Organisation:
    """The same answer where there is none and where it is not theirs."""
    found = reach.organisations().select_related("parent").filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


def person_or_404(reach: Reach, public_id: UUID) -> User:
    found = reach.people().filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found
