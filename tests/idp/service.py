"""The sign-in service of `provider.mjs` as a process of its own, on a free port."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.portal import ROOT

SECRET = "s" * 40
STARTS_WITHIN_SECONDS = 60


class SignInService:
    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def become(self, **claims: Any) -> None:
        """Who signs in from now on, where not as before: claims of ProConnect's, `_acr`, `_amr`."""
        httpx.post(self.issuer.replace("/api/v2", "/persona"), json=claims).raise_for_status()


@contextmanager
def sign_in_service(portal_url: str) -> Iterator[SignInService]:
    """Registered for the portal at this address. Clients: `rs256`, `es256` (signed userinfo), `hs256` (JSON)."""
    node = Path(sys.executable).parent / "node"
    environment = {
        **os.environ,
        "PORT": "0",
        "REDIRECT": f"{portal_url}/accounts/proconnect/callback/",
        "SIGNED_OUT": f"{portal_url}/accounts/proconnect/signed-out/",
    }
    # A session of its own: the virtual environment's node is a small program that starts the real one.
    process = subprocess.Popen(
        [node, "tests/idp/provider.mjs"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield SignInService(_issuer(process))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _issuer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        readable, _, _ = select.select([process.stdout], [], [], 1)
        line = process.stdout.readline() if readable else ""
        if line.startswith("ready "):
            return line.split()[1]
        assert process.poll() is None, "the sign-in service ended"
    raise AssertionError("the sign-in service does not become ready")
