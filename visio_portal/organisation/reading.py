"""What managers read: the tree and its usage, the people, one person, the policies."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from accounts.managers.directory import people_of
from accounts.managers.reach import Act, Barrier, Reach
from accounts.models import Organisation, User
from accounts.models.organisation import MembershipRole
from accounts.models.user import is_placeholder
from accounts.policies.resolution import policies_of_organisation
from accounts.policies.table import label_of
from visio_portal.organisation.entry import for_managers, organisation_or_404, person_or_404
from visio_portal.organisation.tree import MOST_SHOWN, tree_below, way_to
from visio_portal.usage import month_of, months, usage

_LONGEST_SEARCH = 100


@require_safe
@for_managers
def index(request: HttpRequest, reach: Reach) -> HttpResponse:
    """Who leads one organisation is there at once."""
    highest = [root for root in reach.roots if reach.root_of(root) == root]
    if len(highest) == 1:
        return redirect("organisation:overview", highest[0].public_id)
    return render(request, "organisation/index.html", {"organisations": highest})


@require_safe
@for_managers
def overview(request: HttpRequest, reach: Reach, organisation_id: UUID) -> HttpResponse:
    organisation = organisation_or_404(reach, organisation_id)
    words = request.GET.get("q", "")[:_LONGEST_SEARCH].strip()
    month = month_of(request.GET.get("month", ""))
    rows, total = usage(month, within=organisation)
    shown = {
        **_place(reach, organisation),
        "tree": tree_below(reach, organisation, words),
        "most_shown": MOST_SHOWN,
        "words": words,
        "month": month,
        "months": months(),
        "rows": rows,
        "total": total,
        "days": settings.REPORT_RETENTION_DAYS,
    }
    return render(request, "organisation/overview.html", shown)


@require_safe
@for_managers
def people(request: HttpRequest, reach: Reach, organisation_id: UUID) -> HttpResponse:
    organisation = organisation_or_404(reach, organisation_id)
    words = request.GET.get("q", "")[:_LONGEST_SEARCH].replace("\0", "").strip()
    after = request.GET.get("after", "")[:254].replace("\0", "")
    page = people_of(reach, organisation, words=words, after=after)
    shown = {
        **_place(reach, organisation),
        "page": page,
        "next_query": page.next_query(words),
        "words": words,
        "is_later_page": bool(after),
        "plain_role": MembershipRole.MEMBER,
    }
    return render(request, "organisation/people.html", shown)


@require_safe
@for_managers
def person(request: HttpRequest, reach: Reach, person_id: UUID) -> HttpResponse:
    found = person_or_404(reach, person_id)
    memberships = (
        reach.memberships().filter(user=found).select_related("organisation", "user").order_by("from_on", "pk")
    )
    shown = {
        "person": found,
        "address": "" if is_placeholder(found.email) else found.email,
        "memberships": [(one, len(reach.roles_for(one)) > 1) for one in memberships],
        "acts": [(act, _acts()[act]) for act in reach.acts_on(found)],
        "why_none": _why_none(reach, found),
    }
    return render(request, "organisation/person.html", shown)


@require_safe
@for_managers
def policies(request: HttpRequest, reach: Reach, organisation_id: UUID) -> HttpResponse:
    """Read here; laid down by the portal's administrators."""
    organisation = organisation_or_404(reach, organisation_id)
    rows = [
        (kind.name, label_of(kind), kind.words(answer.value), answer.origin)
        for kind, answer in policies_of_organisation(organisation).rows()
    ]
    return render(request, "organisation/policies.html", {**_place(reach, organisation), "rows": rows})


def _place(reach: Reach, organisation: Organisation) -> dict[str, object]:
    return {"organisation": organisation, "way": way_to(reach, organisation)}


def _acts() -> dict[Act, str]:
    return {
        Act.LINK: gettext("Give a one-time link"),
        Act.SIGN_OUT: gettext("Sign out everywhere"),
        Act.SUSPEND: gettext("Suspend the account"),
        Act.REACTIVATE: gettext("Re-activate the account"),
    }


def _why_none(reach: Reach, person: User) -> str:
    barrier = reach.barrier(person)
    if barrier is None:
        by_others = gettext(
            "This account was suspended by HR or by the portal’s administrators: only they re-activate it."
        )
        return "" if person.is_active or Act.REACTIVATE in reach.acts_on(person) else by_others
    return {
        Barrier.ONESELF: gettext("This is you: your own account is changed on your profile, your role by others."),
        Barrier.STAFF: gettext("Accounts of the portal’s administrators are looked after by them alone."),
        Barrier.ELSEWHERE: gettext("Their main organisation is another one: only it looks after this account."),
        Barrier.RANK: gettext("They lead more than you do: only who leads that looks after this account."),
    }[barrier]
