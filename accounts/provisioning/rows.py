"""One row of a file as values that can be stored, or the problem with it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models.employment import HR_ID_MAX_LENGTH, EmploymentStatus
from accounts.names import clean_name
from accounts.provisioning.columns import Columns
from accounts.provisioning.problems import Problem
from accounts.siret import is_siret, normalise_siret

_EMAIL_MAX_LENGTH = 254
_NAME_MAX_LENGTH = 150
# New rules of reading make other values of the same cells: then each row is looked at again.
_DIGEST_VERSION = "1"
# What spreadsheets take for the beginning of a formula, full-width spellings included.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
# Addresses of ministries fit; others go through Django's own slow and exact check.
_PLAIN_EMAIL = re.compile(r"[a-z0-9_]+(?:[.+'-][a-z0-9_]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_FORMULA = frozenset(FORMULA)
_DATE = re.compile(r"(?:(\d{4})-(\d\d?)-(\d\d?)(?:[T ]00:00:00)?|(\d\d?)[/.](\d\d?)[/.](\d{4}))")

PRESENT, SUSPENDED, LEFT = EmploymentStatus.PRESENT.value, EmploymentStatus.SUSPENDED.value, EmploymentStatus.LEFT.value
EXPECTED = EmploymentStatus.EXPECTED.value
_STATUSES = {
    **dict.fromkeys(
        ("", "active", "actif", "active", "present", "présent", "présente", "aktiv", "en poste", "1"), PRESENT
    ),
    **dict.fromkeys(("suspended", "suspendu", "suspendue", "inactif", "inactive", "gesperrt", "0"), SUSPENDED),
    **dict.fromkeys(("left", "parti", "partie", "sorti", "sortie", "ausgeschieden"), LEFT),
}


class Row(NamedTuple):
    """Dates are ISO text, "" for none. `organisation_id` is 0 for none. Fields that the file lacks are None."""

    line: int
    hr_id: str
    email: str
    first_name: str | None
    last_name: str | None
    organisation_id: int | None
    manager_hr_id: str | None
    arrives_on: str | None
    leaves_on: str | None
    status: str | None
    digest: str


class Organisations:
    """Those that rows may name: by key at this source, or by SIRET."""

    def __init__(self, by_key: Mapping[str, int], by_siret: Mapping[str, int | None]) -> None:
        self.by_key, self.by_siret = by_key, by_siret  # None: several have this SIRET


class RowReader:
    """Cells → `Row`. What is asked of every row, changed or not, is `digest_of`; the rest only of changed ones."""

    def __init__(self, columns: Columns, organisations: Organisations) -> None:
        self.columns = columns
        self.fields = columns.fields
        self.organisations = organisations
        self._places = [columns.places[field] for field in self.fields]
        self._needed = max(self._places) + 1
        # Same cells under other columns are not the same row.
        self._prefix = f"{_DIGEST_VERSION}\x1f{','.join(self.fields)}\x1f"
        self.hr_id_at, self.email_at = self.fields.index("hr_id"), self.fields.index("email")

    def picked(self, cells: Sequence[str]) -> list[str]:
        return [cells[place].strip() for place in self._places]

    def shape_trouble(self, cells: Sequence[str]) -> str:
        if len(cells) < self._needed:
            return "too_few_cells"
        if len(cells) > self.columns.width and any(cells[self.columns.width :]):
            return "too_many_cells"
        return ""

    def digest_of(self, picked: list[str]) -> str:
        return hashlib.sha256((self._prefix + "\x1f".join(picked)).encode("utf-8", "surrogatepass")).hexdigest()

    def key_problem(self, line: int, picked: list[str]) -> Problem | None:
        """What makes the row nobody's: without it no person can be found."""
        hr_id = picked[self.hr_id_at]
        if not hr_id:
            return self._problem(line, "hr_id", hr_id, "missing")
        if len(hr_id) > HR_ID_MAX_LENGTH:
            return self._problem(line, "hr_id", hr_id, "cell_too_long")
        return self._text_problem(line, "hr_id", hr_id)

    def read(self, line: int, picked: list[str], digest: str) -> Row | Problem:
        """Its key is good already."""
        cell = dict(zip(self.fields, picked, strict=True))
        # One look at all cells; at each only where something is found.
        together = "".join(picked)
        if not together.isprintable() or "\ufffd" in together or not _FORMULA.isdisjoint(text[:1] for text in picked):
            for field, text in cell.items():
                if (problem := self._text_problem(line, field, text)) is not None:
                    return problem
        email = cell["email"].lower()
        if not email:
            return self._problem(line, "email", email, "missing")
        if not is_email(email):
            return self._problem(line, "email", cell["email"], "email")
        organisation_id = self._organisation(line, cell)
        if isinstance(organisation_id, Problem):
            return organisation_id
        dates: dict[str, str | None] = {}
        for field in ("arrives_on", "leaves_on"):
            text = cell.get(field, "")
            dates[field] = iso_date(text) if text else ""
            if dates[field] is None:
                return self._problem(line, field, text, "date")
        arrives, leaves = dates["arrives_on"] or "", dates["leaves_on"] or ""
        if arrives and leaves and leaves < arrives:
            return self._problem(line, "leaves_on", cell["leaves_on"], "dates_reversed")
        status = _STATUSES.get(cell.get("status", "").casefold())
        if status is None:
            return self._problem(line, "status", cell["status"], "status")
        manager = cell.get("manager_hr_id")
        if manager is not None and len(manager) > HR_ID_MAX_LENGTH:
            return self._problem(line, "manager_hr_id", manager, "cell_too_long")
        return Row(
            line,
            cell["hr_id"],
            email,
            _name(cell["first_name"]) if "first_name" in cell else None,
            _name(cell["last_name"]) if "last_name" in cell else None,
            organisation_id,
            manager,
            arrives if "arrives_on" in cell else None,
            leaves if "leaves_on" in cell else None,
            status if "status" in cell else None,
            digest,
        )

    def _organisation(self, line: int, cell: dict[str, str]) -> int | Problem | None:
        """The key says it where there is one; else the SIRET."""
        if key := cell.get("organisation"):
            found = self.organisations.by_key.get(key)
            return found if found is not None else self._problem(line, "organisation", key, "organisation_unknown")
        if number := normalise_siret(cell.get("siret", "")):
            if not is_siret(number):
                return self._problem(line, "siret", cell["siret"], "siret")
            by_siret = self.organisations.by_siret
            if number not in by_siret:
                return self._problem(line, "siret", cell["siret"], "siret_unknown")
            one = by_siret[number]
            return one if one is not None else self._problem(line, "siret", cell["siret"], "siret_ambiguous")
        return 0 if "organisation" in cell or "siret" in cell else None

    def _text_problem(self, line: int, field: str, text: str) -> Problem | None:
        if text.isprintable() and not text.startswith(FORMULA) and "\ufffd" not in text:
            return None
        if "\0" in text:
            return self._problem(line, field, text, "nul")
        if text.startswith(FORMULA):
            return self._problem(line, field, text, "formula")
        # Names lose what is invisible in them; a key or an address that has such a thing is another one.
        harmless = field in ("first_name", "last_name", "siret") and "\ufffd" not in text
        return None if harmless else self._problem(line, field, text, "unseen")

    def _problem(self, line: int, field: str, value: str, code: str) -> Problem:
        return Problem(line, self.columns.titles.get(field, field), value[:200], code)


def is_email(text: str) -> bool:
    if len(text) > _EMAIL_MAX_LENGTH:
        return False
    if _PLAIN_EMAIL.fullmatch(text) and text.index("@") <= 64:
        return True
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=50_000)
def iso_date(text: str) -> str | None:
    """2026-12-31, 31/12/2026 or 31.12.2026 as the first; None for anything else."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day = found.group(1, 2, 3) if found.group(1) else found.group(6, 5, 4)
    try:
        day_of = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return day_of.isoformat() if 1900 <= day_of.year <= 2200 else None


@lru_cache(maxsize=50_000)
def _name(text: str) -> str:
    """`clean_name`, whose work on each letter most names do not need."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())[:_NAME_MAX_LENGTH]
    return clean_name(text, max_length=_NAME_MAX_LENGTH)
