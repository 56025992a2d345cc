"""What can be wrong with a row or a file, in the words that whoever made the file reads: problem and remedy."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = tuple[str | Promise, str | Promise]

_ROW: dict[str, Words] = {
    "nul": (_("The line has a NUL byte."), _("Export the file again as text; it was damaged on its way.")),
    "too_long": (
        _("The line is longer than 64 kB."),
        _("Look for a line break that is missing, or for the wrong kind of file."),
    ),
    "open_quote": (
        _("A quotation mark is opened and not closed."),
        _("Close it, or double each quotation mark within a cell."),
    ),
    "too_many_cells": (
        _("The line has more cells than the header."),
        _("Put cells that hold the separator between quotation marks."),
    ),
    "too_few_cells": (_("The line has fewer cells than the header."), _("Export the file again; the line is cut.")),
    "missing": (_("The cell is empty."), _("Fill it in: each row needs it.")),
    "formula": (
        _("The cell begins like a formula."),
        _("Write the value itself, without =, +, - or @ before it."),
    ),
    "cell_too_long": (_("The cell is too long."), _("Shorten it.")),
    "unseen": (_("The cell holds control characters."), _("Type it anew.")),
    "email": (_("This is no e-mail address."), _("Write it as name@ministry.example.")),
    "date": (_("This is no date."), _("Write it as 2026-12-31 or 31/12/2026.")),
    "dates_reversed": (_("The departure is before the arrival."), _("Correct one of the two dates.")),
    "status": (_("This state is not known."), _("Write active, suspended or left.")),
    "siret": (_("This is no SIRET: fourteen digits, the last of which fits the others."), _("Correct the number.")),
    "organisation_unknown": (
        _("No organisation has this key."),
        _("Import or make the organisation first, with this key and source."),
    ),
    "siret_unknown": (_("No organisation has this SIRET."), _("Make the organisation first, or correct the number.")),
    "siret_ambiguous": (
        _("Several organisations have this SIRET."),
        _("Name the organisation by its key, in a column of its own."),
    ),
    "hr_id_twice": (_("The file has this HR id before."), _("Keep one of the two lines.")),
    "email_twice": (_("The file has this address before."), _("Two people cannot share an address: correct one line.")),
    "email_taken": (
        _("Another account has this address."),
        _("If it is the same person, add the HR record (source and HR id) to that account in the administration."),
    ),
    "administrator": (
        _("This is an administrator: no file makes them a leaver."),
        _("Take their rights in the administration first, or suspend them there."),
    ),
    "key_twice": (_("The file has this key before."), _("Keep one of the two lines.")),
    "parent_unknown": (
        _("No organisation of this file or source has this key, or its own row is wrong."),
        _("Correct the key of the organisation above, or its row."),
    ),
    "parent_cycle": (_("The organisation would be part of itself."), _("Correct the key of the organisation above.")),
    "too_deep": (_("The organisation would stand deeper than 16 levels."), _("Leave out levels between.")),
    "person_unknown": (
        _("Nobody has this address, id or HR id."),
        _("Write an e-mail address, the public id, or source:HR id."),
    ),
    "last_administrator": (
        _("This is the last administrator who can sign in."),
        _("Make somebody else administrator first."),
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One row that is not applied. `other_line` is the line it is at odds with."""

    line: int
    column: str
    value: str
    code: str
    other_line: int = 0

    @property
    def text(self) -> str:
        words = str(_ROW[self.code][0])
        return f"{words} (→ {self.other_line})" if self.other_line else words

    @property
    def remedy(self) -> str:
        return str(_ROW[self.code][1])


class FileRefused(Exception):
    """The file as a whole cannot be used; nothing was changed. The text is for whoever made it."""
