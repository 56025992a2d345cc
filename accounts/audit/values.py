"""What of a change goes into the audit log: names, switches and numbers; no secret, no speech, nothing endless."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from django.db.models import Model
from django.utils.functional import Promise

from accounts.audit.parties import party_of

HIDDEN = "[hidden]"
MAX_TEXT = 200
MAX_ITEMS = 200
_MAX_DEPTH = 4
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode

# By the name of the value: what opens a door, and what people have written to each other.
_HIDDEN_NAME = re.compile(
    r"token|secret|passw|credential|cookie|csrf|hash|slug|signature"
    r"|(^|_)(key|otp|totp|recovery|message|text|transcript|caption|chat|note|speech|minutes|content|body|payload)s?(_|$)",
    re.IGNORECASE,
)
# What says of such a thing only that it is there, or how many.
_HARMLESS_NAME = re.compile(r"^(has|is)_|_(count|length|characters)$", re.IGNORECASE)
# By its looks, whatever its name.
_HIDDEN_VALUE = (
    re.compile(r"eyJ[\w-]{5,}\.[\w-]*\.?[\w-]*"),  # JSON Web Tokens
    re.compile(r"(?i)[?&][\w-]*(?:token|secret|key|password|code|state)=[^\s&\"'<>]*"),
    re.compile(r"(?<=://)[^\s/@]+:[^\s/@]+@"),
    re.compile(r"[\w~-]{43,}", re.ASCII),  # 256 random bits, and more
)


def canonical(values: Mapping[str, Any] | None) -> str:
    """`values` as JSON that is the same for the same values; "" for none."""
    return _encode(safe(values)) if values else ""


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of both, what is not the same in the other."""
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {n: before[n] for n in changed if n in before}, {n: after[n] for n in changed if n in after}


def safe(value: Any, depth: int = 0) -> Any:
    """`value` as it may be kept."""
    if type(value) is str:  # nearly all of them are, and imports have millions
        return clean(value, MAX_TEXT)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str | Promise):
        value = str(value)
        return clean(value, MAX_TEXT)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Model):
        return clean(party_of(value).id, MAX_TEXT)
    if depth >= _MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        kept = {clean(str(name), 60): item for name, item in islice(value.items(), MAX_ITEMS)}
        return {name: HIDDEN if _is_hidden(name, item) else safe(item, depth + 1) for name, item in kept.items()}
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray):
        items = list(value)
        kept_items = [safe(item, depth + 1) for item in items[:MAX_ITEMS]]
        return kept_items if len(items) <= MAX_ITEMS else [*kept_items, f"… {len(items)}"]
    return clean(str(value), MAX_TEXT)


def clean(text: str, length: int) -> str:
    """Storable anywhere: no NUL, no half characters, not longer than its column, nothing that looks like a secret."""
    if not text.isprintable():
        text = text.replace("\x00", "").encode("utf-8", "replace").decode()
    # Without one of these none of the patterns fits: 250,000 people are 3,000,000 texts.
    if len(text) >= 43 or "?" in text or "&" in text or "://" in text or "eyJ" in text:
        for pattern in _HIDDEN_VALUE:
            text = pattern.sub(HIDDEN, text)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _is_hidden(name: str, value: Any) -> bool:
    return _hides(name) and not (value is None or isinstance(value, bool) or value == "")


@lru_cache(maxsize=1000)
def _hides(name: str) -> bool:
    return bool(_HIDDEN_NAME.search(name)) and not _HARMLESS_NAME.search(name)
