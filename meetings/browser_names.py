"""A browser's name, version and system in a few words, from what its page says: a User-Agent, or "Firefox 128"."""

from __future__ import annotations

import re

# In this order: nearly every browser also calls itself Chrome and Safari.
_BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?"),
    ("Opera", r"OPR|Opera"),
    ("Samsung Internet", r"SamsungBrowser|Samsung Internet"),
    ("Firefox", r"Firefox|FxiOS"),
    ("Chrome", r"Chrome|CriOS|Chromium|HeadlessChrome"),
    ("Safari", r"Version(?=/[\d.]+ .*Safari)|Safari"),
)
_SYSTEMS = (
    ("Android", r"Android"),
    ("iOS", r"iPhone|iPad|iOS"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac ?OS|Macintosh"),
    ("ChromeOS", r"CrOS|ChromeOS"),
    ("Linux", r"Linux|X11"),
)
_NAMES = [(name, re.compile(rf"\b(?:{words})[/ ](\d{{1,4}})")) for name, words in _BROWSERS]
_SYSTEM_NAMES = [(name, re.compile(rf"\b(?:{words})\b")) for name, words in _SYSTEMS]


def browser_of(text: str) -> str:
    """ "Firefox 128 (Linux)", "Safari 17", or "other"; "" where nothing was said."""
    if not text:
        return ""
    for name, pattern in _NAMES:
        found = pattern.search(text)
        if found:
            system = next((system for system, word in _SYSTEM_NAMES if word.search(text)), "")
            return f"{name} {found[1]}" + (f" ({system})" if system else "")
    return "other"
