"""SIRET: the fourteen digits of an establishment in the French register; its first nine, the SIREN, name the body."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

LENGTH = 14
# La Poste gave its offices numbers of their own making, which fail the check digit (INSEE's documented exception).
_LA_POSTE = "356000000"
_FOURTEEN_DIGITS = re.compile(r"[0-9]{14}")


def normalise_siret(text: str) -> str:
    """Without the spaces and points in which people write it: also the non-breaking ones of spreadsheets."""
    return re.sub(r"[\s.]", "", text)


def is_siret(text: str) -> bool:
    """Whether `text` is fourteen digits whose last one fits the others."""
    if not _FOURTEEN_DIGITS.fullmatch(text):
        return False
    return text.startswith(_LA_POSTE) or _luhn_sum(text) % 10 == 0


def validate_siret(text: str) -> None:
    """Raises Django's `ValidationError`."""
    if not is_siret(text):
        raise ValidationError(_("This is no SIRET: fourteen digits, the last of which fits the others."), code="siret")


def _luhn_sum(digits: str) -> int:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total
