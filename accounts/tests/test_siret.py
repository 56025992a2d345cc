"""SIRET numbers: the check digit, La Poste's exception, and how people write them."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from accounts.siret import is_siret, normalise_siret, validate_siret


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("13002526500013", True),  # DINUM
        ("11000201100044", True),  # a ministry
        ("13002526500014", False),  # one digit off
        ("31002526500013", False),  # two digits changed places
        ("35600000000048", True),  # La Poste's seat
        ("35600000049837", True),  # one of its offices: fails the check digit
        ("35600000012345", True),  # as INSEE does, its numbers are taken as they are
        ("1300252650001", False),
        ("130025265000130", False),
        ("", False),
        ("1300252650001A", False),
        ("١٣٠٠٢٥٢٦٥٠٠٠١٣", False),  # digits of another script
        ("13002526500013\n", False),
        ("-3002526500013", False),
    ],
)
def test_the_check_digit_decides_but_for_la_poste(text: str, is_valid: bool) -> None:
    assert is_siret(text) is is_valid
    if is_valid:
        validate_siret(text)
    else:
        with pytest.raises(ValidationError):
            validate_siret(text)


@pytest.mark.parametrize(
    "typed", ["130 025 265 00013", " 13002526500013 ", "130\u202f025\u00a0265 00013", "130.025.265.00013"]
)
def test_spaces_and_points_do_not_count(typed: str) -> None:
    assert normalise_siret(typed) == "13002526500013"
