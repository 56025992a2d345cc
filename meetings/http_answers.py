"""Whole HTTP answers from plain ASGI code, with the CORS headers without which livekit-client hears nothing.

A browser that gets a refusal without them reports a network failure, and livekit-client then tries the same again
instead of the older `/rtc` path.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

# Tokens travel in headers and queries, never in cookies: any origin may ask, and no credentials are allowed.
CORS_HEADERS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, POST, OPTIONS"),
    (b"access-control-allow-headers", b"*, Authorization"),
    (b"access-control-expose-headers", b"*"),
    (b"access-control-max-age", b"600"),
]


def clean_path(scope: Scope) -> str:
    """The path with repeated slashes made one: clients append `/rtc` to whatever URL they were given."""
    return re.sub("/{2,}", "/", str(scope["path"]))


def header(scope: Scope, name: bytes) -> str:
    """The first header of this name, or "". Names in a scope are lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return ""


async def answer(send: Send, status: int, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
    await send({"type": "http.response.start", "status": status, "headers": _headers(body, content_type)})
    await send({"type": "http.response.body", "body": body})


async def deny(scope: Scope, send: Send, status: int, reason: str) -> None:
    """Refuse a websocket with an HTTP status (ASGI's Websocket Denial Response)."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close"})  # a server without it says 403
        return
    body = reason.encode()
    await send(
        {
            "type": "websocket.http.response.start",
            "status": status,
            "headers": _headers(body, "text/plain; charset=utf-8"),
        }
    )
    await send({"type": "websocket.http.response.body", "body": body})


def _headers(body: bytes, content_type: str) -> Headers:
    return [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *CORS_HEADERS,
    ]
