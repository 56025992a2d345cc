"""Debian's coturn with the very configuration that docs/operators.md tells operators to use."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.portal import free_port

SECRET = "a secret of the test's own TURN server"
_OPERATORS = Path(__file__).parent.parent / "docs" / "operators.md"
_BLOCK = re.compile(r"^```\n(listening-port=443\n.*?)^```$", re.MULTILINE | re.DOTALL)


def documented_lines(port: int, relay_address: str) -> str:
    """The block for operators, with its blanks filled in."""
    found = _BLOCK.search(_OPERATORS.read_text(encoding="utf-8"))
    assert found, "docs/operators.md has no configuration for coturn"
    text = found[1].replace("listening-port=443", f"listening-port={port}").replace("<TURN_SECRET>", SECRET)
    text = text.replace("<the relay's advertised address>", relay_address)
    assert "<" not in text, text
    return text


@contextmanager
def turn_server(folder: Path, *addresses: str, relay_address: str) -> Iterator[int]:
    """Its port, on these addresses of this machine. It may lead to `relay_address` only."""
    port = free_port()
    config = folder / "turnserver.conf"
    own = [f"{name}={address}" for address in addresses for name in ("listening-ip", "relay-ip")]
    own += [f"pidfile={folder / 'turn.pid'}", f"log-file={folder / 'turn.log'}", "simple-log", "no-tls", "no-dtls"]
    config.write_text(documented_lines(port, relay_address) + "\n".join(own) + "\n", encoding="utf-8")
    command = ["turnserver", "-c", str(config)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield port
        finally:
            server.terminate()
