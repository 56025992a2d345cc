"""What web counts, told every few seconds to whoever asks for the portal's state: see `jobs/self_report.py`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from jobs import self_report
from meetings import engine
from visio_portal import asgi

if TYPE_CHECKING:
    from visio_portal.web_server import WebServer

NAME = "web"


def report(server: WebServer) -> dict[str, Any]:
    """The links to the relay workers, and everything that was refused, lost or cut off since the process started."""
    known = engine.status()
    return {
        "links": known["links"],
        "counters": {
            **known["counters"],
            "requests_refused": asgi.bounded_django.refused,
            "websockets_overflowed_inbound": server.overflows["inbound"],
            "websockets_overflowed_outbound": server.overflows["outbound"],
            "unfinished_requests_expired": server.newcomers.expired,
            "unfinished_requests_refused": server.newcomers.refused,
        },
    }


async def run(server: WebServer) -> None:
    """Until cancelled."""
    while True:
        await asyncio.to_thread(self_report.write, NAME, report(server))
        await asyncio.sleep(self_report.EVERY_SECONDS)
