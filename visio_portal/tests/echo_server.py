"""A small ASGI application on our web server, started as a process by test_web_server.py."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import sys
from pathlib import Path
from typing import Any

from visio_portal import newcomers, web_server

DAYS_SECONDS = 3 * 86400


async def websocket(scope: Any, receive: Any, send: Any) -> None:
    path = scope["path"]
    await receive()
    if path == "/denied":
        headers = [(b"x-why", b"not here")]
        await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"no such mode"})
        return
    await send({"type": "websocket.accept"})
    if path == "/deaf":
        await asyncio.Event().wait()
    if path == "/flood":
        for _ in range(64):
            await send({"type": "websocket.send", "bytes": bytes(256 << 10)})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    if path == "/short":
        return
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "three days later":
            for connection in [known for known in server.connections if hasattr(known, "socket_opened")]:
                connection.socket_opened -= DAYS_SECONDS
                connection.check_timeouts()
        answer = message.get("text") or f"{len(message['bytes'])} bytes"
        await send({"type": "websocket.send", "text": answer})


async def page(scope: Any, receive: Any, send: Any) -> None:
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = f"{scope['scheme']} {len(scope['query_string'])} {size}".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def application(scope: Any, receive: Any, send: Any) -> None:
    await (websocket if scope["type"] == "websocket" else page)(scope, receive, send)


def announce(port: int) -> None:
    print(port, flush=True)  # noqa: T201  read by the test


if __name__ == "__main__":
    for name in ("HEAD_SECONDS", "BODY_SECONDS"):
        setattr(newcomers, name, float(os.environ.get(name) or getattr(newcomers, name)))
    for name in ("MAX_PER_ADDRESS", "MAX_OF_PROXIES"):
        setattr(newcomers, name, int(os.environ.get(name) or getattr(newcomers, name)))
    trusted = os.environ.get("TRUSTED_PROXIES", "").split()
    certificate = os.environ.get("CERTIFICATE")
    server = web_server.WebServer(
        application,
        host="127.0.0.1",
        port=0,
        portal_url="https://visio.example.org",
        tls=web_server.tls_options(Path(certificate), Path(os.environ["KEY"])) if certificate else None,
        trusted_proxies=[ipaddress.ip_network(network) for network in trusted],
        on_ready=announce,
    )
    server.run()
    sys.exit(server.exit_code)
