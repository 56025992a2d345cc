"""What managers type and choose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from dsfr.forms import DsfrBaseForm

from accounts.models.organisation import MembershipRole
from accounts.models.user import normalise_email
from accounts.names import clean_name


class RoleForm(DsfrBaseForm):  # type: ignore[misc]  # dsfr ships no types
    role = forms.ChoiceField(label=_("Role"), widget=forms.Select)

    def __init__(self, roles: Sequence[MembershipRole], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role.value, role.label) for role in roles]


class NewPersonForm(DsfrBaseForm):  # type: ignore[misc]  # dsfr ships no types
    """The names are what the person finds behind the link, and may change there."""

    email = forms.EmailField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    first_name = forms.CharField(label=_("First name"), max_length=100, required=False)
    last_name = forms.CharField(label=_("Last name"), max_length=100, required=False)

    def clean_email(self) -> str:
        return normalise_email(self.cleaned_data["email"])

    def clean_first_name(self) -> str:
        return clean_name(self.cleaned_data["first_name"], max_length=100)

    def clean_last_name(self) -> str:
        return clean_name(self.cleaned_data["last_name"], max_length=100)
