"""What a line of chat loses, and what it keeps: written by the least trusted person, read by all."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetings.chat_text import clean_message
from meetings.models.chat import TEXT_MAX_LENGTH
from meetings.refusals import EmptyMessage, LongMessage


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Bonjour à tous", "Bonjour à tous"),
        ("  spaces around \n", "spaces around"),
        ("NUL\x00 bell\x07 escape\x1b[31m", "NUL bell escape[31m"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("\u2066isolated\u2069 \u202bembedded\u202c", "isolated embedded"),
        ("half \ud83d pair", "half  pair"),
        ("private \ue000 use", "private  use"),
        ("no character \ufffe\U0001ffff\ufdd0", "no character"),
        ("hid\u200bden\ufeff\u2060", "hidden"),
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("far\n\n\n \n\n\napart", "far\n\napart"),
        ("tab\tstop", "tab stop"),
        ("e\u0301", "é"),
        ("z" + "\u0335" * 40, "z" + "\u0335" * 3),
        ("tag \U000e0041\U000e0042", "tag"),
    ],
)
def test_what_hides_turns_or_climbs_is_taken_out(written: str, kept: str) -> None:
    assert clean_message(written) == kept


@pytest.mark.parametrize(
    "text",
    [
        "👩‍💻 👍🏽 ❤️ 🇫🇷",
        "می‌خواهم",  # Persian, with a joiner that is not seen
        "שלום \u200f(עברית)\u200f",
        "<script>alert(1)</script> & https://example.org/?a=1",
        "    \u0b95\u0bcd".strip(),
        "\U0001fae9",  # an emoji younger than this Python
        "première ligne\n\nsecond paragraphe",
    ],
)
def test_writing_of_all_languages_stays_as_it_was(text: str) -> None:
    assert clean_message(text) == text


@pytest.mark.parametrize("text", ["", " \n\t ", "\u200b", "\u202e\x00", "\u200d\u200e", "\ufe0f", "\u3164\u2800"])
def test_a_line_that_shows_nothing_is_none(text: str) -> None:
    with pytest.raises(EmptyMessage):
        clean_message(text)


def test_the_length_has_a_limit() -> None:
    assert len(clean_message("é" * TEXT_MAX_LENGTH)) == TEXT_MAX_LENGTH
    with pytest.raises(LongMessage):
        clean_message("a" * (TEXT_MAX_LENGTH + 1))


@given(st.text(st.characters(codec=None), max_size=200))
def test_whatever_is_written_can_be_kept_and_cleaning_again_changes_nothing(text: str) -> None:
    try:
        kept = clean_message(text)
    except EmptyMessage:
        return
    kept.encode()
    assert "\x00" not in kept
    assert not any(
        unicodedata.bidirectional(char) in ("RLO", "LRO", "RLE", "LRE", "LRI", "RLI", "FSI") for char in kept
    )
    assert clean_message(kept) == kept
