"""Merge proposals in the admin: both accounts side by side, what would go over, and the act with its way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.merging.merging import merge, preview
from accounts.merging.refusals import MayNotMerge
from accounts.merging.undoing import undo
from accounts.models import Employment, Membership, MergeProposal, SignInIdentity, User
from accounts.models.identity import MergeState
from accounts.models.user import is_placeholder
from accounts.provisioning.undoing import NotUndoable
from accounts.services.identities import decline_merge

# Generic for the type checker only.
if TYPE_CHECKING:
    _ProposalModelAdmin = admin.ModelAdmin[MergeProposal]
else:
    _ProposalModelAdmin = admin.ModelAdmin

# Of each kind in an account, the newest.
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Account:
    """What an administrator compares."""

    person: User
    address: str
    email: str
    identities: list[SignInIdentity]
    memberships: list[Membership]
    hr_records: list[Employment]


@admin.register(MergeProposal)
class MergeProposalAdmin(_ProposalModelAdmin):
    list_display = ("known", "fresh_name", "reason", "state", "created_at")
    list_filter = ("state", "reason")
    search_fields = ("known__email", "run")
    list_select_related = ("known", "fresh")
    actions = ("decline",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: MergeProposal | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: MergeProposal | None = None) -> bool:
        return False  # kept: what was decided, and when

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Who may change proposals by their rights; the form itself changes none."""
        return super().has_change_permission(request)

    @admin.display(description=_("new account"))
    def fresh_name(self, proposal: MergeProposal) -> str:
        return proposal.fresh.display_name

    @admin.action(description=_("Two people: leave both accounts as they are"), permissions=["decide"])
    def decline(self, request: HttpRequest, queryset: QuerySet[MergeProposal]) -> None:
        count = sum(decline_merge(proposal, acting_user=_acting(request)) for proposal in queryset)
        messages.success(request, gettext("%(count)d proposals are declined.") % {"count": count})

    def get_urls(self) -> list[URLPattern]:
        acts = {"merge": self._merge, "separate": self._separate, "undo": self._undo}
        made = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(require_POST(self._deciding(act))),
                name=f"accounts_mergeproposal_{name}",
            )
            for name, act in acts.items()
        ]
        return [*made, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What is there to be compared, and what would follow."""
        proposal = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, proposal):
            raise PermissionDenied
        if proposal is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]  # Django's own answer
        is_open = proposal.state == MergeState.OPEN
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Merge proposal"),
            "opts": self.opts,
            "proposal": proposal,
            "known": _account(proposal.known),
            "fresh": _account(proposal.fresh),
            "preview": preview(proposal.fresh, proposal.known) if is_open else None,
            "may_decide": self.has_decide_permission(request),
        }
        return TemplateResponse(request, "admin/accounts/mergeproposal/change_form.html", context)

    def _deciding(self, act: Callable[[HttpRequest, MergeProposal], None]) -> Callable[..., HttpResponse]:
        def decide(request: HttpRequest, pk: int) -> HttpResponse:
            if not self.has_decide_permission(request):
                raise PermissionDenied
            proposal = MergeProposal.objects.select_related("fresh", "known").filter(pk=pk).first()
            if proposal is None:
                raise Http404
            act(request, proposal)
            return HttpResponseRedirect(reverse("admin:accounts_mergeproposal_change", args=[pk]))

        return decide

    def _merge(self, request: HttpRequest, proposal: MergeProposal) -> None:
        if request.POST.get("same_person") != "on":
            messages.error(request, gettext("Not merged: say that you made sure that it is one person."))
            return
        if proposal.state != MergeState.OPEN:
            messages.error(request, gettext("Not merged: somebody decided on this proposal before."))
            return
        try:
            run, _counts = merge(proposal.fresh, proposal.known, acting_user=_acting(request))
        except MayNotMerge as error:
            words = gettext("Not merged."), error.refusal.text, error.refusal.remedy
            messages.error(request, " ".join(words))
            return
        messages.success(request, gettext("Merged. The run is %(run)s.") % {"run": run.key})

    def _separate(self, request: HttpRequest, proposal: MergeProposal) -> None:
        if decline_merge(proposal, acting_user=_acting(request)):
            messages.success(request, gettext("Both accounts stay as they are."))
        else:
            messages.error(request, gettext("Somebody decided on this proposal before."))

    def _undo(self, request: HttpRequest, proposal: MergeProposal) -> None:
        try:
            undone = undo(proposal.run, acting_user=_acting(request))
        except NotUndoable as error:
            messages.error(request, str(error))
            return
        messages.success(request, gettext("Undone: both accounts are as before, and signed out."))
        for _email, reason in undone.left:
            messages.warning(request, reason)


def _acting(request: HttpRequest) -> User:
    acting: Any = request.user  # staff is signed in
    return acting  # type: ignore[no-any-return]  # see above


def _account(person: User) -> Account:
    return Account(
        person=person,
        address=reverse("admin:accounts_user_change", args=[person.pk]),
        email="" if is_placeholder(person.email) else person.email,
        identities=list(person.identities.all()[:_SHOWN]),
        memberships=list(person.memberships.select_related("organisation")[:_SHOWN]),
        hr_records=list(person.employments.all()[:_SHOWN]),
    )
