"""The settings as an administrator looks at them in the browser: what the system checks find, and what is not set."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

_NAMED_TO_PEOPLE = ("LEGAL_PUBLISHER", "LEGAL_HOST", "PRIVACY_CONTACT", "ACCESSIBILITY_CONTACT")
_ERROR, _WARNING, _NOTE = _("Error"), _("Warning"), _("Note")


@dataclass(frozen=True, slots=True)
class Finding:
    """`language` is that of the text: the system checks speak to whoever reads the log, in English."""

    kind: str
    text: str
    remedy: str
    language: str = ""

    @property
    def is_wrong(self) -> bool:
        return self.kind != str(_NOTE)


def findings() -> list[Finding]:
    """What is wrong first."""
    found = [
        Finding(str(_ERROR if check.level >= ERROR else _WARNING), check.msg, check.hint or "", "en")
        for check in sorted(run_checks(tags=["visio"]), key=lambda check: -check.level)
    ]
    return [*found, *_gaps()]


def _gaps() -> list[Finding]:
    """What no check complains about, since a portal works without it: people miss it all the same."""
    notes = [
        Finding(
            str(_NOTE),
            gettext("%(name)s is not set: the legal pages name nobody.") % {"name": name},
            gettext("Set it to a name and an address (docs/settings.md)."),
        )
        for name in _NAMED_TO_PEOPLE
        if not getattr(settings, name)
    ]
    if not settings.MAIL_DELIVERY_BACKEND:
        text = gettext("EMAIL_URL is not set: mail is kept for administrators, nobody receives any.")
        notes.append(Finding(str(_NOTE), text, gettext("Set it to your mail server (docs/settings.md).")))
    return notes
