"""Which address of the media plane a page is given: the configured one, or its own on this very machine.

`localhost`, `127.0.0.1` and `[::1]` are three origins to a browser and one portal to its administrator, who tries it by
any of them. A page opened by one of them may not ask another.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def websocket_url(request: HttpRequest) -> str:
    """Where the page that sent `request` finds the engine."""
    configured: str = settings.LIVEKIT_PUBLIC_URL
    # Only among loopback names: behind a proxy Host may be anything, and the configured address is the truth.
    if (
        not settings.EMBEDDED_RELAY
        or not _is_loopback(urlsplit(configured).netloc)
        or not _is_loopback(request.get_host())
    ):
        return configured
    return f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"


def _is_loopback(host: str) -> bool:
    return split_domain_port(host)[0] in _LOOPBACK
