"""A line of chat, or the lobby's message, made safe to show to others, to log nothing of and to keep.

Pages show it as text, never as HTML. Here it loses what that leaves: characters that hide, that turn the direction of
what stands around them, or that pile up over the lines above.
"""

from __future__ import annotations

import re
import unicodedata

from accounts.names import without_piled_marks
from meetings.models.chat import TEXT_MAX_LENGTH
from meetings.refusals import EmptyMessage, LongMessage

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
# An empty line parts paragraphs; a hundred of them push what others wrote out of sight.
_EMPTY_LINES = re.compile(r"[^\S\n]*\n(?:[^\S\n]*\n)+")
# Format characters that writing needs: joiners (emoji of several signs, Persian, Indic scripts) and the marks of
# direction that reach no further than their neighbour. Embeddings, overrides and isolates do reach further.
_NEEDED = frozenset("\u200c\u200d\u200e\u200f\u061c")
# Control, format, half pairs, private use. Unassigned ones stay: next year's emoji are among them.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})


def clean_message(text: str) -> str:
    """`text` as it is kept and shown. Raises `LongMessage`, `EmptyMessage`."""
    if len(text) > TEXT_MAX_LENGTH:
        raise LongMessage
    text = clean_text(text, max_length=TEXT_MAX_LENGTH)
    if not text:
        raise EmptyMessage
    return text


def clean_text(text: str, *, max_length: int) -> str:
    """`text`, of one or several lines, as it is kept and shown; "" where nothing of it would be seen."""
    text = _LINE_ENDS.sub("\n", text).replace("\t", " ")
    text = unicodedata.normalize("NFC", "".join(char for char in text if _is_shown(char)))
    text = _EMPTY_LINES.sub("\n\n", without_piled_marks(text)).strip()
    if not any(_is_visible(char) for char in text):
        return ""
    return text[:max_length]  # (some letters are longer in NFC)


def _is_shown(char: str) -> bool:
    if char == "\n" or char in _NEEDED:
        return True
    return unicodedata.category(char) not in _UNSEEN and not _is_noncharacter(ord(char))


def _is_visible(char: str) -> bool:
    return not char.isspace() and char not in _NEEDED and not _is_blank_mark(char)


def _is_blank_mark(char: str) -> bool:
    """Variation selectors, and letters of Hangul and Braille that show nothing."""
    return "\ufe00" <= char <= "\ufe0f" or char in "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"


def _is_noncharacter(code: int) -> bool:
    """Code points that are never text (Unicode 23.7)."""
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
