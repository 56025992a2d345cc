"""Our websockets; `asgi.py` gives them the session and checks the origin's host."""

from __future__ import annotations

from django.urls import path

from meetings.consumers import RoomConsumer

websocket_urlpatterns = [path("ws/rooms/<str:slug>", RoomConsumer.as_asgi())]
