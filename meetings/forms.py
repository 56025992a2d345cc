"""What people type on the portal's pages, and what the call page sends, checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _
from dsfr.forms import DsfrBaseForm

from accounts.names import clean_name
from meetings.models import Room
from meetings.models.room import NAME_MAX_LENGTH

# Generic for the type checker only.
if TYPE_CHECKING:
    _RoomModelForm = forms.ModelForm[Room]
else:
    _RoomModelForm = forms.ModelForm

# People dictate and copy codes without their hyphens.
_BARE_CODE = re.compile(r"([a-z]{3})[\s-]*([a-z]{4})[\s-]*([a-z]{3})")


class NewRoomForm(forms.Form):
    """The button "Meet now" sends nothing; a name may be given."""

    name = forms.CharField(required=False, max_length=NAME_MAX_LENGTH)

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"], max_length=NAME_MAX_LENGTH)


class JoinForm(DsfrBaseForm):  # type: ignore[misc]  # dsfr ships no types
    """A link or a code becomes the slug of a room of this portal. Whether there is such a room is not said here."""

    code = forms.CharField(label=_("Meeting link or code"), max_length=300)

    def clean_code(self) -> str:
        text = self.cleaned_data["code"].strip()
        if "/" in text:
            # Only the path counts: wherever the link leads, we stay on this portal.
            text = _last_of_path(text)
        match = _BARE_CODE.fullmatch(text.lower())
        if match is None:
            raise forms.ValidationError(_("A code has three groups of letters, such as abc-defg-hij."))
        return "-".join(match.groups())


def _last_of_path(link: str) -> str:
    try:
        return urlsplit(link).path.rstrip("/").rpartition("/")[2]
    except ValueError:  # no URL at all, such as http://[/
        return ""


class RoomSettingsForm(DsfrBaseForm, _RoomModelForm):  # type: ignore[misc]  # dsfr ships no types
    class Meta:
        model = Room
        fields = ("name", "has_lobby")
        labels = {"name": _("Room name"), "has_lobby": _("Lobby: people wait until I let them in")}  # noqa: RUF012  Django's way
        help_texts = {"has_lobby": ""}  # noqa: RUF012

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"], max_length=NAME_MAX_LENGTH)
