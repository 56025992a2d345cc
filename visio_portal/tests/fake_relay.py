"""A relay worker as `manage.py status` meets it: a Unix socket that greets and answers `Relay.Status`."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path

from relay import wire
from relay.wire import Kind

LAG = {"p50": 0.1, "p99": 1.5, "max": 4.0}
STATUS = {"rooms": 2, "participants": 7, "loop_lag_ms": LAG, "counters": {"packets_in": 3}}


class FakeRelay(threading.Thread):
    """A worker's end of the socket that greets and answers `Relay.Status`."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                asyncio.run(self.converse(connection))

    async def converse(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_unix_connection(sock=connection)
        hello = {"version": wire.VERSION, "instance": "x", "slot": 0, "rooms": 2, "draining": False}
        writer.write(wire.pack_json(Kind.HELLO, hello))
        try:
            while True:
                frame = await wire.read_frame(reader)
                if frame.kind is Kind.CALL:
                    assert frame.payload.startswith(b"Relay.Status\0")
                    writer.write(wire.pack_json(Kind.REPLY, STATUS, request=frame.request))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()
