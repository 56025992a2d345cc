"""Where each connection goes: signalling, the engine's API, our websockets, or Django.

`/rtc` and `/twirp` are plain ASGI coroutines that never hop to a thread; Django's part is bounded, so that a rush
of page loads cannot starve a call's signalling.
"""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visio_portal.settings")

import asyncio
import functools
from typing import Any

from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import SessionMiddlewareStack
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import get_resolver
from django.utils import translation
from django.utils.module_loading import import_string

from meetings.http_answers import clean_path
from visio_portal import proxies

django_application = get_asgi_application()

# How long a request may wait for a thread before the client is told to come back.
QUEUE_TIMEOUT_SECONDS = 10


async def respond(send: Any, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    """A whole plain-text answer."""
    base = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*base, *headers]})
    await send({"type": "http.response.body", "body": body})


async def deny_websocket(send: Any, status: int, body: bytes = b"") -> None:
    """Refuses a websocket with an HTTP status (ASGI extension `websocket.http.response`)."""
    await send({"type": "websocket.http.response.start", "status": status, "headers": []})
    await send({"type": "websocket.http.response.body", "body": body})


class BoundedHttp:
    """Lets `limit` requests work and `limit` × 8 wait; beyond that, or after a wait too long, 503 + Retry-After."""

    def __init__(self, application: Any, limit: int) -> None:
        self.application = application
        self.slots = asyncio.Semaphore(limit)
        self.waiting_limit = limit * 8
        self.waiting = 0
        self.refused = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not await self._enter():
            self.refused += 1
            await respond(send, 503, b"Busy, please try again.\n", (b"retry-after", b"2"))
            return
        try:
            await self.application(scope, receive, send)
        finally:
            self.slots.release()

    async def _enter(self) -> bool:
        if self.waiting >= self.waiting_limit:
            return False
        self.waiting += 1
        try:
            async with asyncio.timeout(QUEUE_TIMEOUT_SECONDS):
                await self.slots.acquire()
        except TimeoutError:
            return False
        finally:
            self.waiting -= 1
        return True


bounded_django = BoundedHttp(django_application, settings.HTTP_CONCURRENCY)


@functools.cache
def signalling() -> Any:
    """The `/rtc` endpoint: imported at first use, when the apps are loaded."""
    return import_string("meetings.signalling.SignallingEndpoint")()


@functools.cache
def engine_api() -> Any:
    """`/twirp/…` and `/rtc/validate`."""
    return import_string("meetings.livekit_api.application")


@functools.cache
def portal_websockets() -> Any:
    """`/ws/…`: same-origin, with the browser's session."""
    return AllowedHostsOriginValidator(
        SessionMiddlewareStack(URLRouter(import_string("meetings.routing.websocket_urlpatterns")))
    )


def is_signalling(path: str) -> bool:
    """True for the paths of LiveKit's signalling."""
    return path == "/rtc" or path.startswith("/rtc/")


async def websocket(scope: Any, receive: Any, send: Any) -> None:
    """Routes one websocket."""
    path = clean_path(scope)
    if is_signalling(path) and settings.EMBEDDED_RELAY:
        await signalling()(scope, receive, send)
    elif path.startswith("/ws/"):
        await portal_websockets()(scope, receive, send)
    else:
        await deny_websocket(send, 404)


async def http(scope: Any, receive: Any, send: Any) -> None:
    """Routes one request."""
    path = clean_path(scope)
    if path == "/healthz":
        await respond(send, 200, b"ok\n")
    elif settings.EMBEDDED_RELAY and (is_signalling(path) or path.startswith("/twirp/")):
        await engine_api()(scope, receive, send)
    else:
        await bounded_django(scope, receive, send)


def background() -> list[Any]:
    """Coroutine functions that the web process runs beside its connections."""
    return [import_string("meetings.engine.run")]


def load_all() -> None:
    """What the first requests would load: for a spare process, which has time for it. Opens nothing."""
    signalling()
    engine_api()
    portal_websockets()
    background()
    for pattern in get_resolver().url_patterns:  # imports the views
        str(pattern.pattern)
    for code, _ in settings.LANGUAGES:
        with translation.override(code):
            translation.gettext("Home")  # reads the language's catalogues


async def application(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI entry."""
    handler = websocket if scope["type"] == "websocket" else http
    await handler(proxies.resolve(scope, settings.TRUSTED_PROXY_NETWORKS), receive, send)
