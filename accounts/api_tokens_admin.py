"""API tokens in the administration: given here, shown once, revoked; never read again, changed or deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.api import scopes
from accounts.exact_time import exact_time
from accounts.models import ApiToken, User
from accounts.models.user import normalise_email
from accounts.services.api_tokens import MAX_LIFETIME, MayNotGive, check_giver, give_token, revoke_token

# Generic for the type checker only.
if TYPE_CHECKING:
    _TokenModelForm = forms.ModelForm[ApiToken]
    _TokenModelAdmin = admin.ModelAdmin[ApiToken]
else:
    _TokenModelForm, _TokenModelAdmin = forms.ModelForm, admin.ModelAdmin

_DAYS = 90


class TokenForm(_TokenModelForm):
    acting_user: User | None = None

    # One field each, with its label: Django's own for people and times have parts that screen readers cannot name.
    owner = forms.EmailField(
        label=capfirst(_("owner")),
        help_text=_("It sees and may do what this person may, and nothing beyond. It ends when they are suspended."),
    )
    expires_at = forms.DateTimeField(
        label=capfirst(_("expires at")),
        help_text=_("A year from now at the latest."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    scopes = forms.MultipleChoiceField(
        label=capfirst(_("scopes")),
        choices=scopes.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("As few as it needs."),
    )

    class Meta:
        model = ApiToken
        fields = ("name", "owner", "scopes", "requests_per_minute", "expires_at")

    def clean_owner(self) -> User:
        owner = User.objects.filter(email=normalise_email(self.cleaned_data["owner"])).first()
        if owner is None:
            raise forms.ValidationError(_("Nobody has an account with this address."))
        if not owner.is_active:
            raise forms.ValidationError(_("This account is suspended: the token would open nothing."))
        try:
            check_giver(owner, self.acting_user)
        except MayNotGive as may_not:
            raise forms.ValidationError(_("Only a superuser gives tokens that act for staff.")) from may_not
        return owner

    def clean_expires_at(self) -> Any:
        expires_at, now = self.cleaned_data["expires_at"], timezone.now()
        if not now < expires_at <= now + MAX_LIFETIME:
            raise forms.ValidationError(_("It must lie between now and a year from now."))
        return expires_at


@admin.register(ApiToken)
class ApiTokenAdmin(_TokenModelAdmin):
    form = TokenForm
    list_display = ("name", "owner", "prefix", "scopes_given", "state", "ends", "used")
    list_filter = ("revoked_at", "expires_at")
    list_select_related = ("owner", "created_by")
    search_fields = ("name", "prefix", "^owner__email")
    search_help_text = _("A part of the application’s name, how the token begins, or how the owner’s address begins.")
    actions = ("revoke",)
    _READ = ("name", "owner", "prefix", "scopes_given", "requests_per_minute", "state")
    fields = (*_READ, "made", "created_by", "ends", "revoked", "used")

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        return self.fields if obj is not None else TokenForm.Meta.fields

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        return self.fields if obj is not None else ()

    def get_form(self, request: HttpRequest, obj: ApiToken | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.acting_user = request.user  # type: ignore[attr-defined]  # a class of its own, made from TokenForm
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "expires_at": timezone.localtime() + timedelta(days=_DAYS),
            **super().get_changeform_initial_data(request),
        }

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """What it may do was said when it was given. Actions ask without a row."""
        return obj is None and super().has_change_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        # Django's own lets in whoever may change, which is asked above without the row only.
        return super().has_view_permission(request, obj) or super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False  # revoked, and kept: whom it acted for

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """The service makes the row, since only it knows the secret whose hash is stored."""
        acting: Any = request.user  # staff is signed in
        given = give_token(**form.cleaned_data, acting_user=acting)
        obj.pk, obj.public_id, obj.prefix = given.token.pk, given.token.public_id, given.token.prefix
        text = gettext("Token of %(name)s. Copy it now, it is not shown again: %(secret)s")
        messages.warning(request, text % {"name": given.token.name, "secret": given.secret})

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        return self.response_post_save_add(request, obj)

    @admin.display(description=_("scopes"))
    def scopes_given(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @admin.display(description=_("state"))
    def state(self, token: ApiToken) -> str:
        if token.revoked_at is not None:
            return gettext("Revoked")
        if not token.owner.is_active:
            return gettext("Owner suspended")
        return gettext("Expired") if token.expires_at <= timezone.now() else gettext("Works")

    @admin.display(description=_("created at"), ordering="created_at")
    def made(self, token: ApiToken) -> str:
        return exact_time(token.created_at)

    @admin.display(description=_("expires at"), ordering="expires_at")
    def ends(self, token: ApiToken) -> str:
        return exact_time(token.expires_at)

    @admin.display(description=_("revoked at"), ordering="revoked_at")
    def revoked(self, token: ApiToken) -> str:
        return exact_time(token.revoked_at)

    @admin.display(description=_("last used at"), ordering="last_used_at")
    def used(self, token: ApiToken) -> str:
        return exact_time(token.last_used_at)

    @admin.action(description=_("Revoke for good"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        acting: Any = request.user  # staff is signed in
        count = sum(revoke_token(token, acting_user=acting) for token in queryset)
        messages.success(request, gettext("%(count)d tokens no longer work.") % {"count": count})
