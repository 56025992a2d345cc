"""What people say of themselves: behind an invitation's link, and on their profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import SetPasswordForm
from django.utils.translation import gettext_lazy as _
from dsfr.forms import DsfrBaseForm

from accounts.models import User
from accounts.names import clean_name

# Generic for the type checker only.
if TYPE_CHECKING:
    _SetPasswordForm = SetPasswordForm[User]
    _UserModelForm = forms.ModelForm[User]
else:
    _SetPasswordForm = SetPasswordForm
    _UserModelForm = forms.ModelForm


class InvitationForm(DsfrBaseForm, _SetPasswordForm):  # type: ignore[misc]  # dsfr ships no types
    """First and last name as others will read them, and a password that the validators accept."""

    first_name = forms.CharField(label=_("First name"), max_length=100)
    last_name = forms.CharField(label=_("Last name"), max_length=100)
    field_order = ("first_name", "last_name", "new_password1", "new_password2")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.initial.setdefault("first_name", user.first_name)
        self.initial.setdefault("last_name", user.last_name)
        self.fields["first_name"].widget.attrs["autocomplete"] = "given-name"
        self.fields["last_name"].widget.attrs["autocomplete"] = "family-name"

    def clean_first_name(self) -> str:
        return _checked_name(self.cleaned_data["first_name"])

    def clean_last_name(self) -> str:
        return _checked_name(self.cleaned_data["last_name"])


class ProfileForm(DsfrBaseForm, _UserModelForm):  # type: ignore[misc]  # dsfr ships no types
    """The name under which others see somebody."""

    first_name = forms.CharField(label=_("First name"), max_length=100)
    last_name = forms.CharField(label=_("Last name"), max_length=100)

    class Meta:
        model = User
        fields = ("first_name", "last_name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["first_name"].widget.attrs["autocomplete"] = "given-name"
        self.fields["last_name"].widget.attrs["autocomplete"] = "family-name"

    def clean_first_name(self) -> str:
        return _checked_name(self.cleaned_data["first_name"])

    def clean_last_name(self) -> str:
        return _checked_name(self.cleaned_data["last_name"])


class PasswordProofForm(DsfrBaseForm):  # type: ignore[misc]  # dsfr ships no types
    """The password once more, by whoever sits at the keyboard."""

    password = forms.CharField(
        label=_("Current password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not self._user.check_password(password):
            raise forms.ValidationError(_("This is not your password."))
        return password


def _checked_name(text: str) -> str:
    name = clean_name(text, max_length=100)
    if not name:
        raise forms.ValidationError(_("Please enter a name with visible characters."))
    return name
