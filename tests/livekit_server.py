"""`make test-livekit`: the same portal and the same tests, with the real LiveKit server as its engine.

VISIO_TEST_ENGINE=livekit chooses it (default: the embedded relay). Nothing but settings changes: the portal gets
LIVEKIT_URL and LIVEKIT_PUBLIC_URL, the server gets the portal's key, secret and webhook address.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from bench.livekit import LOOPBACK, LiveKitServer
from tests.portal import Portal
from visio_portal.addresses import primary_address

WEBHOOK_PATH = "/webhooks/livekit"


def is_chosen() -> bool:
    """Whether the tests run against the real LiveKit server."""
    chosen = os.environ.get("VISIO_TEST_ENGINE", "relay")
    if chosen not in ("relay", "livekit"):
        raise ValueError(f"VISIO_TEST_ENGINE={chosen!r}: relay or livekit")
    return chosen == "livekit"


@contextmanager
def engine_of(portal: Portal) -> Iterator[None]:
    """Runs the chosen engine around a portal that is not started yet. The embedded relay needs nothing."""
    if not is_chosen() or "LIVEKIT_URL" in portal.environment:
        yield
        return
    server = LiveKitServer(
        portal.data_dir / "livekit",
        address=primary_address() or LOOPBACK,
        webhook_urls=[portal.url + WEBHOOK_PATH],
        api_key=portal.environment["LIVEKIT_API_KEY"],
        api_secret=portal.environment["LIVEKIT_API_SECRET"],
    )
    server.start()
    portal.environment |= {"LIVEKIT_URL": server.url, "LIVEKIT_PUBLIC_URL": server.url}
    try:
        yield
    finally:
        server.stop()
