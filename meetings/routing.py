"""Our websockets; `asgi.py` gives them the session and checks the origin's host."""

from __future__ import annotations

from typing import Any

from django.urls import path, re_path

from meetings.consumers import RoomConsumer


async def nothing_here(scope: Any, receive: Any, send: Any) -> None:
    """Refuses any other path with 403; without it the router would raise, a traceback in the log for each."""
    await send({"type": "websocket.close"})


websocket_urlpatterns = [
    path("ws/rooms/<str:slug>", RoomConsumer.as_asgi()),
    re_path(r"", nothing_here),  # type: ignore[arg-type]  # Django knows views only
]
