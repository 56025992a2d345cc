"""The forms of HR's pages: a file with what is to be done with it, and the decision to apply it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from dsfr.forms import DsfrBaseForm

from accounts.hr_desk import orders
from accounts.hr_desk.storage import MAX_BYTES
from accounts.names import clean_name
from accounts.provisioning.importing import DEFAULT_MAX_LEAVERS

TOO_LARGE = _("The file is larger than %(size)d MB. Ask an administrator to import it by command.")


class UploadForm(DsfrBaseForm):  # type: ignore[misc]  # dsfr ships no types
    """`sources` are those of the person who sends it: no other can be chosen."""

    people = forms.FileField(
        label=_("File"),
        help_text=_("CSV or XLSX (Excel), with a line of titles."),
        max_length=200,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx", "class": "fr-upload"}),
    )
    source = forms.ChoiceField(label=_("HR system"), help_text=_("People are found again by it and their HR id."))
    is_full = forms.BooleanField(
        label=_("The file is complete"),
        help_text=_("Whoever of this HR system is missing from the file has left: their account is suspended."),
        required=False,
    )
    max_leavers = forms.FloatField(
        label=_("Most who may leave, in percent"),
        help_text=_("If more would, nothing is changed: a cut file must not suspend everybody."),
        min_value=0,
        max_value=100,
        initial=DEFAULT_MAX_LEAVERS,
    )

    def __init__(self, sources: Collection[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [(source, source) for source in sorted(sources)]

    def clean_people(self) -> Any:
        file = self.cleaned_data["people"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(TOO_LARGE % {"size": MAX_BYTES >> 20})
        return file

    def clean_source(self) -> str:
        source: str = self.cleaned_data["source"]
        if orders.is_full(source):
            raise forms.ValidationError(_("Too many files wait here already. Delete those that are done with."))
        return source

    @property
    def name(self) -> str:
        return clean_name(self.cleaned_data["people"].name or "", max_length=200) or "?"


class DecisionForm(DsfrBaseForm):  # type: ignore[misc]  # dsfr ships no types
    sure = forms.BooleanField(
        label=_("I have looked at what changes, and want it"),
        error_messages={"required": _("Nothing was changed. Tick the box if the file is to be applied.")},
    )
