"""Names: hostile text becomes one visible line."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.names import clean_name


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("  Alice \n Martin\t", "Alice Martin"),
        ("Jose\u0301", "José"),
        ("\u202egpj.exe", "gpj.exe"),  # right-to-left override
        ("A\u2066l\u2069i\u200bce\ufeff", "Alice"),
        ("Al\x00ice\x1b[31m", "Alice[31m"),
        ("A\u2028B", "A B"),
        ("Z" + "\u0335" * 50, "Z" + "\u0335" * 3),
        ("<b>Bob</b>", "<b>Bob</b>"),  # templates escape; a name may hold any visible sign
        ("محمد", "محمد"),
        ("Nguyễn Thị", "Nguyễn Thị"),
        ("\ue000\U000f0000", ""),
    ],
)
def test_what_was_typed_and_what_is_shown(typed: str, shown: str) -> None:
    assert clean_name(typed, max_length=60) == shown


@given(st.text(max_size=500), st.integers(min_value=1, max_value=100))
def test_any_text_becomes_a_short_visible_line(text: str, max_length: int) -> None:
    name = clean_name(text, max_length=max_length)
    assert len(name) <= max_length
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for char in name)
    assert name == " ".join(name.split())


@given(st.text(max_size=60))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean_name(text, max_length=60)
    assert clean_name(once, max_length=60) == once
