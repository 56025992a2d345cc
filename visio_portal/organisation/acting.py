"""What managers do: each act has a page that says what it means, and is done by its button."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from accounts.managers import acts
from accounts.managers.reach import Act, Reach
from accounts.models import User
from accounts.models.organisation import MembershipRole
from accounts.rate_limits import is_allowed
from visio_portal.organisation.entry import for_managers, organisation_or_404, person_or_404, with_second_factor
from visio_portal.organisation.forms import NewPersonForm, RoleForm

# A manager who works by hand; a stolen session is not to empty an office, nor ask for thousands of addresses.
ACTS_PER_MINUTE = 20
_METHODS = ["GET", "HEAD", "POST"]


@dataclass(frozen=True, slots=True)
class Question:
    """What the page asks before the act is done."""

    title: str
    text: str
    button: str


@require_http_methods(_METHODS)
@for_managers
@with_second_factor
def account(request: HttpRequest, reach: Reach, person_id: UUID, act: str) -> HttpResponse:
    person = person_or_404(reach, person_id)
    if act not in reach.acts_on(person):
        raise Http404
    if request.method != "POST":
        return render(request, "organisation/act.html", {"person": person, "question": _question(Act(act))})
    if not _is_in_time(reach):
        return render(request, "429.html", status=429)
    try:
        return _do(request, Act(act), person, reach.manager)
    except acts.NotAllowed:
        raise Http404 from None


@require_http_methods(_METHODS)
@for_managers
@with_second_factor
def role(request: HttpRequest, reach: Reach, person_id: UUID, organisation_id: UUID) -> HttpResponse:
    person, organisation = person_or_404(reach, person_id), organisation_or_404(reach, organisation_id)
    theirs = reach.memberships().filter(user=person, organisation=organisation).select_related("user", "organisation")
    membership = theirs.order_by("from_on", "pk").first()
    roles = reach.roles_for(membership) if membership else []
    if membership is None or not roles:
        raise Http404
    form = RoleForm(roles, request.POST or None, initial={"role": membership.role})
    if request.method == "POST" and not _is_in_time(reach):
        return render(request, "429.html", status=429)
    if request.method == "POST" and form.is_valid():
        try:
            acts.change_role(membership, MembershipRole(form.cleaned_data["role"]), acting_user=reach.manager)
        except acts.NotAllowed:
            raise Http404 from None
        messages.success(request, gettext("The role is changed."))
        return redirect("organisation:person", person.public_id)
    shown = {"person": person, "organisation": organisation, "form": form}
    return render(request, "organisation/role.html", shown, status=400 if form.errors else 200)


@require_http_methods(_METHODS)
@for_managers
@with_second_factor
def add(request: HttpRequest, reach: Reach, organisation_id: UUID) -> HttpResponse:
    organisation = organisation_or_404(reach, organisation_id)
    form = NewPersonForm(request.POST or None)
    if request.method == "POST" and not _is_in_time(reach):
        return render(request, "429.html", status=429)
    if request.method == "POST" and form.is_valid():
        try:
            person, link = acts.add_person(organisation, **form.cleaned_data, acting_user=reach.manager)
        except acts.AddressTaken:
            text = gettext("An account has this address already. Ask the portal’s administrators to make it a member.")
            form.add_error("email", text)
        except acts.NotAllowed:
            raise Http404 from None
        else:
            return _link_page(request, person, link)
    shown = {"organisation": organisation, "form": form}
    return render(request, "organisation/add.html", shown, status=400 if form.errors else 200)


def _do(request: HttpRequest, act: Act, person: User, manager: User) -> HttpResponse:
    if act == Act.LINK:
        return _link_page(request, person, acts.give_link(person, acting_user=manager))
    if act == Act.SUSPEND:
        acts.suspend(person, acting_user=manager)
        messages.success(request, gettext("The account is suspended."))
    elif act == Act.REACTIVATE:
        acts.reactivate(person, acting_user=manager)
        messages.success(request, gettext("The account is active again."))
    else:
        count = acts.sign_out(person, acting_user=manager)
        text = ngettext("Signed out of %(count)d browser.", "Signed out of %(count)d browsers.", count)
        messages.success(request, text % {"count": count})
    return redirect("organisation:person", person.public_id)


def _link_page(request: HttpRequest, person: User, link: str) -> HttpResponse:
    """The answer itself, so that the secret stands in no session."""
    return render(request, "organisation/link.html", {"person": person, "link": link})


def _is_in_time(reach: Reach) -> bool:
    return is_allowed("manager-act", str(reach.manager.public_id), per_minute=ACTS_PER_MINUTE)


def _question(act: Act) -> Question:
    if act == Act.LINK:
        text = gettext(
            "With this link the person chooses a password and signs in. It works once, for 7 days; earlier links stop "
            "working. Whoever has the link has the account: give it to nobody else."
        )
        return Question(gettext("Give a one-time link"), text, gettext("Show the link"))
    if act == Act.SUSPEND:
        text = gettext(
            "They are out at once: of the portal in each browser, and of meetings that go on. Their rooms pass to "
            "their manager. You can re-activate the account; the rooms do not come back by that."
        )
        return Question(gettext("Suspend the account"), text, gettext("Suspend"))
    if act == Act.REACTIVATE:
        text = gettext("The person can sign in again. Rooms that were passed on stay where they are.")
        return Question(gettext("Re-activate the account"), text, gettext("Re-activate"))
    text = gettext("In each browser they must sign in again: for instance when a computer or telephone was lost.")
    return Question(gettext("Sign out everywhere"), text, gettext("Sign out"))
