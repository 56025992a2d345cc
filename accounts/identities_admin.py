"""Sign-in identities and merge proposals in the admin: read, and decided on; never typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import MergeProposal, SignInIdentity, User
from accounts.services.identities import decline_merge

# Generic for the type checker only.
if TYPE_CHECKING:
    _IdentityInline = admin.TabularInline[SignInIdentity, User]
    _ProposalModelAdmin = admin.ModelAdmin[MergeProposal]
else:
    _IdentityInline, _ProposalModelAdmin = admin.TabularInline, admin.ModelAdmin


class IdentityInline(_IdentityInline):
    """By which keys a person signs in, as the service last told of them."""

    model = SignInIdentity
    fk_name = "user"
    extra = 0
    can_delete = False
    fields = ("issuer", "sub", "email", "siret", "organisation", "idp_id", "uid", "acr", "last_sign_in_at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(MergeProposal)
class MergeProposalAdmin(_ProposalModelAdmin):
    list_display = ("known", "fresh_name", "reason", "state", "created_at")
    list_filter = ("state", "reason")
    search_fields = ("known__email",)
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
        acting: Any = request.user  # staff is signed in
        count = sum(decline_merge(proposal, acting_user=acting) for proposal in queryset)
        messages.success(request, gettext("%(count)d proposals are declined.") % {"count": count})
