"""One question to one relay worker from a process that is not web: `manage.py status`, the supervisor.

Synchronous, one connection for each question. The HELLO asks for no events, so web's link is left alone.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from meetings.engine_errors import EngineError, Unavailable
from relay import wire
from relay.errors import ProtocolError
from relay.wire import Frame, Kind

SECONDS = 2.0
_LENGTH = struct.Struct("!I")


def socket_path(slot: int) -> Path:
    return Path(settings.RUN_DIR) / f"relay-{slot}.sock"


def status(slot: int, *, seconds: float = SECONDS) -> dict[str, Any]:
    """The worker's `Relay.Status` document. Raises `Unavailable`, or `EngineError` if it speaks another version."""
    document: dict[str, Any] = json.loads(call(slot, "Relay.Status", seconds=seconds))
    return document


def hello(slot: int, *, seconds: float = SECONDS) -> dict[str, Any]:
    """The worker's HELLO, whatever its version: {"version", "instance", "slot", "rooms", "draining"}."""
    with _Conversation(slot, seconds) as conversation:
        return conversation.hello


def call(slot: int, method: str, payload: bytes = b"", *, seconds: float = SECONDS) -> bytes:
    """The worker's answer. Raises `Unavailable` (nobody answers) or `EngineError` (it refuses)."""
    with _Conversation(slot, seconds) as conversation:
        if conversation.hello.get("version") != wire.VERSION:
            raise EngineError("failed_precondition", f"the worker speaks version {conversation.hello.get('version')}")
        return conversation.ask(method, payload)


class _Conversation:
    def __init__(self, slot: int, seconds: float) -> None:
        self._slot = slot
        self._deadline = time.monotonic() + seconds
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.hello: dict[str, Any] = {}

    def __enter__(self) -> _Conversation:
        try:
            self._wait_no_longer()
            self._socket.connect(os.fspath(socket_path(self._slot)))
            own = {"version": wire.VERSION, "instance": f"probe-{os.getpid()}", "slot": self._slot, "events": False}
            self._send(wire.pack_json(Kind.HELLO, own))
            frame = self._read()
            if frame.kind is not Kind.HELLO:
                raise Unavailable(f"relay {self._slot} began with {frame.kind.name}")
            self.hello = frame.json()
        except (OSError, ProtocolError) as error:
            self._socket.close()
            raise Unavailable(f"relay {self._slot} does not answer: {error}") from error
        except Unavailable:
            self._socket.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, method: str, payload: bytes) -> bytes:
        try:
            self._send(wire.pack(Kind.CALL, request=1, payload=method.encode() + b"\0" + payload))
            while True:
                frame = self._read()
                if frame.kind is Kind.REPLY and frame.request == 1:
                    return frame.payload
                if frame.kind is Kind.ERROR and frame.request == 1:
                    document = frame.json()
                    raise EngineError(str(document.get("code")), str(document.get("msg")))
        except (OSError, ProtocolError) as error:
            raise Unavailable(f"relay {self._slot} did not answer {method}: {error}") from error

    def _send(self, frame: bytes) -> None:
        self._wait_no_longer()
        self._socket.sendall(frame)

    def _read(self) -> Frame:
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if length > wire.MAX_FRAME_BYTES:
            raise ProtocolError(f"frame of {length} bytes")
        return wire.unpack(self._exactly(length))

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            self._wait_no_longer()
            chunk = self._socket.recv(count - len(data))
            if not chunk:
                raise ConnectionResetError("the worker hung up")
            data += chunk
        return bytes(data)

    def _wait_no_longer(self) -> None:
        """The limit is on the whole conversation: a worker that trickles bytes is no answer either."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("time is up")
        self._socket.settimeout(left)
