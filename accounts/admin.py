"""People and invitations in the admin. Administrators never see or set a password: they give one-time links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from allauth.account import admin as allauth_admin
from allauth.account.decorators import secure_admin_login
from allauth.mfa import admin as allauth_mfa_admin
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from dsfr import admin as dsfr_admin

from accounts import api_tokens_admin as _tokens_admin  # noqa: F401  registers them
from accounts.audit import admin as _audit_admin  # noqa: F401  registers the audit log
from accounts.browsers.sessions import end_sessions
from accounts.factors.reset import take_factors_away
from accounts.hr_desk.admin import HrDutyInline
from accounts.identities_admin import IdentityInline
from accounts.merging import admin as _merging_admin  # noqa: F401  registers the merge proposals
from accounts.models import Invitation, User
from accounts.models.user import normalise_email
from accounts.organisations_admin import EmploymentInline, MembershipInline, policies_table
from accounts.people_search import people_matching
from accounts.policies.resolution import policies_of
from accounts.services.invitations import MayNotInvite, create_invitation, revoke_invitations
from accounts.services.leavers import see_off

# The admin's own form would go round allauth's limits and its second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # allauth's documented way
admin.site.site_header = admin.site.site_title = "Visio"
# What administrators would change here has no effect, or is nobody else's: groups, allauth's addresses and factors,
# the DSFR's own page settings.
for _model in (Group, allauth_admin.EmailAddress, allauth_mfa_admin.Authenticator, dsfr_admin.DsfrConfig):
    admin.site.unregister(_model)

# Generic for the type checker only.
if TYPE_CHECKING:
    _PersonModelForm = ModelForm[User]
    _UserAdmin = UserAdmin[User]
    _UserChangeForm = UserChangeForm[User]
    _InvitationModelAdmin = admin.ModelAdmin[Invitation]
else:
    _PersonModelForm, _UserAdmin, _InvitationModelAdmin = ModelForm, UserAdmin, admin.ModelAdmin
    _UserChangeForm = UserChangeForm

_RANK_FIELDS = ("is_staff", "is_superuser", "groups", "user_permissions")


class PersonForm(_PersonModelForm):
    class Meta:
        model = User
        fields = ("email", "first_name", "last_name")


class PersonChangeForm(_UserChangeForm):
    """With the question that suspending somebody raises."""

    rooms_pass_to = forms.EmailField(
        label=_("rooms pass to"),
        required=False,
        help_text=_("On suspension: the e-mail address of the successor. Empty: the manager, as far as one is known."),
    )

    def clean_rooms_pass_to(self) -> str:
        email = normalise_email(self.cleaned_data["rooms_pass_to"])
        if email and not User.objects.filter(email=email, is_active=True).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Nobody else has an account with this address."))
        return email


@admin.register(User)
class PersonAdmin(_UserAdmin):
    form = PersonChangeForm
    add_form = PersonForm
    add_fieldsets = ((None, {"fields": ("email", "first_name", "last_name")}),)
    fieldsets = (
        (None, {"fields": ("email", "first_name", "last_name", "public_id")}),
        (_("Rights"), {"fields": ("is_active", "rooms_pass_to", "is_staff", "is_superuser")}),
        (_("Policies in force"), {"fields": ("policies_in_force",)}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("public_id", "last_login", "date_joined", "policies_in_force")
    list_display = ("email", "first_name", "last_name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("^email", "^first_name", "^last_name")  # `people_search` does it by indexes
    search_help_text = _("How the e-mail address, the first or the last name begins.")
    show_full_result_count = False
    list_per_page = 50
    ordering = ("email",)
    filter_horizontal = ()
    actions = ("give_link", "reset_second_factor", "sign_out_everywhere")
    inlines = (MembershipInline, EmploymentInline, IdentityInline, HrDutyInline)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        return people_matching(search_term, queryset), False

    def get_inlines(self, request: HttpRequest, obj: User | None) -> tuple[type[InlineModelAdmin[Any, Any]], ...]:
        """A person is made first."""
        return self.inlines if obj is not None else ()

    @admin.display(description=_("policies in force"))
    def policies_in_force(self, person: User) -> str:
        return policies_table(policies_of(person))

    def get_urls(self) -> list[URLPattern]:
        """Without the form by which an administrator would choose somebody's password."""
        return [url for url in super().get_urls() if url.name != "auth_user_password_change"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fixed = tuple(super().get_readonly_fields(request, obj))
        return fixed if request.user.is_superuser else (*fixed, *_RANK_FIELDS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Only a superuser touches a superuser's row: their address is their login."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """People are deactivated, so that what they took part in keeps its names."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if not change:
            _show_link(request, obj)
        elif not obj.is_active and {"is_active", "rooms_pass_to"} & set(form.changed_data):
            acting: Any = request.user  # staff is signed in
            heir = User.objects.filter(email=form.cleaned_data["rooms_pass_to"]).values_list("pk", flat=True).first()
            see_off([obj.pk], acting_user=acting, heirs={obj.pk: heir} if heir else {})

    @admin.action(description=_("Give a one-time link to set a password"), permissions=["change"])
    def give_link(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for person in queryset.filter(is_active=True):
            _show_link(request, person)

    @admin.action(description=_("Sign out everywhere"), permissions=["change"])
    def sign_out_everywhere(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        acting: Any = request.user  # staff is signed in
        for person in self._within_reach(request, queryset):
            count = end_sessions(person, acting_user=acting)
            text = gettext("%(person)s: signed out of %(count)d browsers.")
            messages.success(request, text % {"person": person, "count": count})

    @admin.action(description=_("Take the second factor away (telephone lost)"), permissions=["change"])
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        acting: Any = request.user  # staff is signed in
        for person in self._within_reach(request, queryset):
            if take_factors_away(person, acting_user=acting):
                text = gettext("%(person)s signs in with the password alone until a new second factor is set up.")
                messages.success(request, text % {"person": person})
            else:
                messages.info(request, gettext("%(person)s has no second factor.") % {"person": person})

    def _within_reach(self, request: HttpRequest, people: QuerySet[User]) -> Iterator[User]:
        """Those to whom the acting person may do something; of the others they are told."""
        for person in people:
            if self.has_change_permission(request, person):
                yield person
            else:
                messages.error(request, gettext("Only a superuser may do that to %(person)s.") % {"person": person})


@admin.register(Invitation)
class InvitationAdmin(_InvitationModelAdmin):
    list_display = ("user", "created_by", "created_at", "expires_at", "used_at")
    list_filter = ("used_at",)
    search_fields = ("user__email",)
    list_select_related = ("user", "created_by")
    fields = ("user",)
    autocomplete_fields = ("user",)
    actions = ("revoke",)

    def has_change_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        return False  # kept: who was let in by whom

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        """The service makes the row, since only it knows the secret whose hash is stored."""
        _show_link(request, obj.user)
        obj.pk = obj.user.invitations.values_list("pk", flat=True).first()

    def response_add(self, request: HttpRequest, obj: Invitation, post_url_continue: str | None = None) -> HttpResponse:
        return self.response_post_save_add(request, obj)

    def log_addition(self, request: HttpRequest, obj: Invitation, message: Any) -> Any:
        return super().log_addition(request, obj, message) if obj.pk else None

    @admin.action(description=_("Make the links worthless"), permissions=["add"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        people = {invitation.user for invitation in queryset.usable().select_related("user")}  # type: ignore[attr-defined]  # InvitationQuerySet
        acting: Any = request.user  # staff is signed in
        count = sum(revoke_invitations(person, acting_user=acting) for person in people)
        messages.success(request, gettext("%(count)d links no longer work.") % {"count": count})


def _show_link(request: HttpRequest, person: User) -> None:
    """Shown once and only here: the database keeps a hash."""
    try:
        url = create_invitation(person.email, acting_user=request.user)  # type: ignore[arg-type]  # staff is signed in
    except MayNotInvite:
        messages.error(request, gettext("Only a superuser may give %(person)s a link.") % {"person": person})
        return
    text = gettext("Link for %(person)s, valid once for 7 days. Copy it now, it is not shown again: %(url)s")
    messages.warning(request, text % {"person": person, "url": url})
