"""Whether a page of this very portal asks, as its browser says it: host and port, not only the host."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings


def is_same_origin(origin: str, host: str) -> bool:
    """`origin` and `host`: the headers, "" where they are missing. Browsers always say where a page is from."""
    if origin == settings.PORTAL_URL:
        return True  # a proxy may have changed Host
    try:
        return urlsplit(origin).netloc == host != ""
    except ValueError:
        return False
