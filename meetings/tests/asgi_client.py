"""Raw ASGI at the outer door: a websocket and an HTTP request as Daphne would hand them in."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from livekit.protocol.rtc import SignalRequest, SignalResponse

PATIENCE_SECONDS = 10.0  # a ceiling, never an expected wait


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def scope_of(kind: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": kind,
        "path": path,
        "query_string": urlencode(query).encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "extensions": {"websocket.http.response": {}},
    }


async def request(
    application: Any,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One HTTP request, its body in two pieces."""
    scope = {**scope_of("http", path, query or {}, headers or {}), "method": method}
    half = len(body) // 2
    incoming = [
        {"type": "http.request", "body": body[:half], "more_body": True},
        {"type": "http.request", "body": body[half:], "more_body": False},
    ]
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return incoming.pop(0)

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await application(scope, receive, send)
    return _response(sent)


class WebSocket:
    """A client's end of `/rtc`."""

    def __init__(self) -> None:
        self.to_application: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.from_application: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.denial: Response | None = None

    @property
    def is_open(self) -> bool:
        return self.denial is None

    def send(self, request: SignalRequest) -> None:
        self.send_bytes(request.SerializeToString())

    def send_bytes(self, frame: bytes) -> None:
        self.to_application.put_nowait({"type": "websocket.receive", "bytes": frame})

    def send_text(self, frame: str) -> None:
        self.to_application.put_nowait({"type": "websocket.receive", "text": frame})

    def hang_up(self) -> None:
        self.to_application.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def receive(self) -> SignalResponse:
        message = await self._next()
        assert message["type"] == "websocket.send", message
        return SignalResponse.FromString(message["bytes"])

    async def receive_text(self) -> Any:
        message = await self._next()
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def closed(self) -> int:
        """The code with which the application closes; messages before it are dropped."""
        while (message := await self._next())["type"] == "websocket.send":
            pass
        assert message["type"] == "websocket.close", message
        code: int = message["code"]
        return code

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.from_application.get()


@contextlib.asynccontextmanager
async def websocket(
    application: Any,
    path: str = "/rtc",
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[WebSocket]:
    """An upgrade that was answered: open, or with a denial. Hangs up in the end and waits for the application."""
    client = WebSocket()
    client.to_application.put_nowait({"type": "websocket.connect"})
    task = asyncio.create_task(
        application(
            scope_of("websocket", path, query or {}, headers or {}),
            client.to_application.get,
            client.from_application.put,
        )
    )
    try:
        first = await client._next()
        if first["type"] == "websocket.http.response.start":
            client.denial = _response([first, await client._next()])
        else:
            assert first["type"] == "websocket.accept", first
        yield client
    finally:
        client.hang_up()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await task


def _response(sent: list[Mapping[str, Any]] | list[dict[str, Any]]) -> Response:
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Response(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))
