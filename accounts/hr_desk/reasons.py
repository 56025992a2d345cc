"""Why something stays as an import made it, in the reader's language: undoing says it in English, for the command."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_SINCE = " was changed since"
_CONFIRMED, _MEANWHILE = "somebody else confirmed ", " meanwhile: it is not given back"
_KNOWN = {
    "an administrator is not suspended: the account stays": gettext_lazy(
        "an administrator is not suspended: the account stays"
    ),
    "the account is in use: it is suspended instead of deleted": gettext_lazy(
        "the account is in use: it is suspended instead of deleted"
    ),
    "an administrator is not suspended: the account stays active": gettext_lazy(
        "an administrator is not suspended: the account stays active"
    ),
    "another employer has them: the account stays active": gettext_lazy(
        "another employer has them: the account stays active"
    ),
    "the HR record is gone: the account stays as it is": gettext_lazy(
        "the HR record is gone: the account stays as it is"
    ),
    "the HR record was changed since": gettext_lazy("the HR record was changed since"),
    "the address could not be given back": gettext_lazy("the address could not be given back"),
    "memberships were changed since": gettext_lazy("memberships were changed since"),
    "the account has another address: those beside it are not given back": gettext_lazy(
        "the account has another address: those beside it are not given back"
    ),
    "another account has the address now": gettext_lazy("another account has the address now"),
}


def in_words(reason: str) -> str:
    """One that is not known here stays as it is."""
    if reason in _KNOWN:
        return str(_KNOWN[reason])
    if reason.endswith(_SINCE):
        return _("%(value)s was changed since") % {"value": reason.removesuffix(_SINCE)}
    if reason.startswith(_CONFIRMED) and reason.endswith(_MEANWHILE):
        address = reason.removeprefix(_CONFIRMED).removesuffix(_MEANWHILE)
        return _("somebody else confirmed %(address)s meanwhile: it is not given back") % {"address": address}
    return reason
