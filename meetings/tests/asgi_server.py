"""A real HTTP server on a free port in front of an ASGI application: for clients that open sockets."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import web


@contextlib.asynccontextmanager
async def serving(application: Any) -> AsyncIterator[str]:
    """The server's http:// address."""

    async def handle(request: web.Request) -> web.Response:
        scope = {
            "type": "http",
            "method": request.method,
            "path": request.path,
            "query_string": request.query_string.encode(),
            "headers": [(name.lower(), value) for name, value in request.raw_headers],
        }
        body = await request.read()
        sent: list[Mapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message)

        await application(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return web.Response(status=sent[0]["status"], headers=headers, body=sent[1]["body"])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    # Whoever hangs up is waited for no longer, as with the product's own server.
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
