"""Names of people, made safe to show to others.

A name is typed by the least trusted person and shown to the most privileged: templates escape it, and here it loses
what escaping leaves: characters that turn the direction of text, hide, or pile up over the line above.
"""

from __future__ import annotations

import re
import unicodedata

# More marks on one letter than any living script needs ("zalgo" text climbs over its neighbours).
MAX_MARKS_PER_LETTER = 3

_TOO_MANY_MARKS = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})"
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
# Cc control, Cf format (direction marks, zero-width), Cs half pairs, Co private use, Cn unassigned.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def clean_name(text: str, *, max_length: int) -> str:
    """`text` as one line in NFC without invisible characters, cut to `max_length`; may be empty."""
    # Cut first: normalising and matching then cost the same whatever was sent.
    text = unicodedata.normalize("NFC", text[: max_length * 4])
    text = "".join(" " if char.isspace() else char for char in text if not _is_unseen(char))
    return " ".join(without_piled_marks(text).split())[:max_length].rstrip()


def without_piled_marks(text: str) -> str:
    return _TOO_MANY_MARKS.sub(r"\1", text)


def _is_unseen(char: str) -> bool:
    return not char.isspace() and unicodedata.category(char) in _UNSEEN
