"""What people type on the portal's pages, and what the call page sends, checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from dsfr.forms import DsfrBaseForm

from accounts.models.policy import SignInLevel
from accounts.names import clean_name
from accounts.policies.resolution import Answer
from accounts.proconnect.configuration import is_configured
from meetings.models import Room
from meetings.models.room import LOBBY_MESSAGE_MAX_LENGTH, NAME_MAX_LENGTH
from meetings.refusals import LongLobbyMessage
from meetings.services.rooms import clean_lobby_message

# Generic for the type checker only.
if TYPE_CHECKING:
    _RoomModelForm = forms.ModelForm[Room]
else:
    _RoomModelForm = forms.ModelForm

# People dictate and copy codes without their hyphens.
_BARE_CODE = re.compile(r"([a-z]{3})[\s-]*([a-z]{4})[\s-]*([a-z]{3})")
# Also in the middle of a pasted invitation.
_LINK_PATH = re.compile(r"/r/([a-z]{3})-?([a-z]{4})-?([a-z]{3})(?![a-z-])")
# What sentences and mail programs put around a code.
_AROUND_A_CODE = " /<>()[]{}\"'«»“”„’.,;:!?\t\u00a0"
# A host before the path, with its scheme or, as people type it, without.
_HOST = re.compile(r".*?https?://(?P<host>[^/]*)|(?P<bare>[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?)(/|$)")


def _is_ours(before: str) -> bool:
    """Whether what stands before the path of a link is a name of this portal, or no host at all."""
    found = _HOST.match(before)
    if found is None:
        return True
    host = (found["host"] if found["host"] is not None else found["bare"]).rpartition("@")[2]
    name, _port = split_domain_port(host)
    return bool(name) and validate_host(name, settings.ALLOWED_HOSTS)


class NewRoomForm(forms.Form):
    """The button "Meet now" sends nothing; a name may be given."""

    name = forms.CharField(required=False, max_length=NAME_MAX_LENGTH)

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"], max_length=NAME_MAX_LENGTH)


class JoinForm(DsfrBaseForm):  # type: ignore[misc]  # dsfr ships no types
    """A link or a code becomes the slug of a room of this portal. Whether there is such a room is not said here."""

    code = forms.CharField(
        label=_("Meeting link or code"),
        help_text=_("For example abc-defg-hij"),
        # People paste the whole invitation.
        max_length=2000,
        error_messages={"required": _("Paste the link of the meeting, or type its code.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_code(self) -> str:
        text = self.cleaned_data["code"].strip().lower()
        links = [(word, found) for word in text.split() if (found := _LINK_PATH.search(word))]
        for word, found in links:
            if _is_ours(word[: found.start()]):
                return "-".join(found.groups())
        if links:
            raise forms.ValidationError(
                _("This link leads to another site. Open it in your browser; here, paste a link of this portal.")
            )
        if match := _BARE_CODE.fullmatch(text.strip(_AROUND_A_CODE)):
            return "-".join(match.groups())
        if "/" in text:
            raise forms.ValidationError(_("This is not the link of a meeting. Such a link ends like /r/abc-defg-hij."))
        raise forms.ValidationError(_("A code has three groups of letters, such as abc-defg-hij."))


def _levels(laid_down: Answer[SignInLevel], present: SignInLevel) -> list[tuple[str, str]]:
    """Nothing of its own, and what is stricter than what is laid down: as far as anybody can reach it here."""
    order = list(SignInLevel)
    stricter = order[max(1, order.index(laid_down.value) + 1) :]
    local = [SignInLevel.TWO_FACTORS]
    reachable = [level for level in stricter if is_configured() or level in local or level == present]
    if laid_down.value == SignInLevel.ANY:
        nothing = str(SignInLevel.ANY.label)
    else:
        nothing = gettext("As laid down by %(origin)s: %(level)s") % {
            "origin": laid_down.origin,
            "level": laid_down.value.label,
        }
    return [(str(SignInLevel.ANY), nothing), *((str(level), str(level.label)) for level in reachable)]


class RoomSettingsForm(DsfrBaseForm, _RoomModelForm):  # type: ignore[misc]  # dsfr ships no types
    # Not the model's own length: a line end is sent as two characters and counted as one.
    lobby_message = forms.CharField(
        label=_("Message for those who wait"),
        help_text=_("Up to 300 characters. They read it in the lobby until you let them in."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": LOBBY_MESSAGE_MAX_LENGTH}),
    )

    class Meta:
        model = Room
        fields = ("name", "has_lobby", "lobby_message", "is_locked", "required_acr")
        labels = {  # noqa: RUF012  Django's way
            "name": _("Room name"),
            "has_lobby": _("Lobby: people wait until I let them in"),
            "is_locked": _("Locked: nobody new may enter"),
            "required_acr": _("How strongly people must have signed in"),
        }
        help_texts = {  # noqa: RUF012  Django's way
            "name": _("Everybody with the link reads it."),
            "has_lobby": _("Without a lobby, whoever has the link is in at once."),
            "is_locked": _("Who is inside stays, and may come back after an interruption."),
            "required_acr": _(
                "Whoever signed in more weakly is asked to sign in again before they enter. Guests stay out."
            ),
        }

    def __init__(self, *args: Any, laid_down: Answer[SignInLevel], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A page of before the update does not send it: what is asked for then stays.
        self.fields["required_acr"].required = False
        self.fields["required_acr"].choices = _levels(laid_down, SignInLevel(self.instance.required_acr))  # type: ignore[attr-defined]  # a choice field

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"], max_length=NAME_MAX_LENGTH)

    def clean_required_acr(self) -> str:
        return str(self.cleaned_data["required_acr"] or self.initial["required_acr"])

    def clean_lobby_message(self) -> str:
        try:
            return clean_lobby_message(self.cleaned_data["lobby_message"])
        except LongLobbyMessage as long:
            raise forms.ValidationError(str(long.text)) from long
