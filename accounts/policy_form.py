"""The form of a policy: a rule that is left open says what holds then, and who laid that down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Model
from django.forms.models import BaseInlineFormSet, ModelForm
from django.utils.translation import gettext

from accounts.models import Organisation, Policy
from accounts.policies.resolution import Answer, Policies, policies_above
from accounts.policies.table import Kind

# Generic for the type checker only.
if TYPE_CHECKING:
    _PolicyModelForm = ModelForm[Policy]
    _PolicyFormSet = BaseInlineFormSet[Policy, Organisation, ModelForm[Policy]]
else:
    _PolicyModelForm, _PolicyFormSet = ModelForm, BaseInlineFormSet


class PolicyForm(_PolicyModelForm):
    """`above`: what holds where the form lays nothing down; without it, of the organisation that the policy has."""

    def __init__(self, *args: Any, above: Policies | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_unknown = above is None and self.instance.pk is None  # of whom: that is chosen in this very form
        inherited = above or policies_above(None if is_unknown else self.instance.organisation)
        for kind, answer in inherited.rows():
            if kind.name in self.fields:
                text = gettext("As in the organisation above") if is_unknown else _inherited(kind, answer)
                _say(self.fields[kind.name], text)


class PolicyFormSet(_PolicyFormSet):
    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        if not hasattr(self, "_above"):
            self._above = policies_above(_saved(self.instance))
        return {**super().get_form_kwargs(index), "above": self._above}


def _saved(organisation: Model) -> Organisation:
    assert isinstance(organisation, Organisation)
    return organisation


def _inherited(kind: Kind[Any], answer: Answer[Any]) -> str:
    return gettext("Inherited: %(value)s (%(origin)s)") % {"value": kind.words(answer.value), "origin": answer.origin}


def _say(field: forms.Field, text: str) -> None:
    """Where the field is left open."""
    # A choice among words is the field's own, one of yes and no its widget's.
    holder: Any = field if hasattr(field, "choices") else field.widget
    if hasattr(holder, "choices"):
        (nothing, _words), *others = holder.choices
        holder.choices = [(nothing, text), *others]
    else:
        field.widget.attrs["placeholder"] = text
