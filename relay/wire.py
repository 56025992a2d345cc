"""Frames of the local socket between the portal's web process and one relay worker.

Both ends import this file and nothing else of each other (design.md §2). A frame is

    u32 length (big endian, of what follows) | u8 kind | u64 session | u32 request id | payload

`session` names one client websocket: web draws it at random for each socket it opens, so that two web processes
never share one. `request id` pairs a CALL with its REPLY. Fields that a kind does not use are zero.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from relay.errors import ProtocolError

# Raised by one whenever a frame's meaning changes. A worker of another version keeps its rooms; it is restarted
# once it holds none.
VERSION = 1

# A LiveKit signalling message may be 2 MiB (livekit-protocol.md A.7); the envelope comes on top.
MAX_PAYLOAD_BYTES = 2 << 20
_ENVELOPE = struct.Struct("!BQI")
_LENGTH = struct.Struct("!I")
MAX_FRAME_BYTES = MAX_PAYLOAD_BYTES + _ENVELOPE.size


class Kind(IntEnum):
    """What a frame is. `web>` frames travel from web to the worker, `relay>` frames the other way."""

    HELLO = 1  # both ways, first frame: JSON {"version", "instance", "slot", "rooms"}
    OPEN = 2  # web> a client websocket wants in: JSON, see `Open`
    REFUSED = 3  # relay> answer to OPEN: JSON {"status", "reason"}; the session is over
    OPENED = 4  # relay> answer to OPEN: the websocket may be accepted
    SIGNAL = 5  # both ways: one protobuf SignalRequest (web>) or SignalResponse (relay>)
    CLOSE = 6  # both ways: JSON {"reason"}; web>: the websocket is gone; relay>: close it after what was sent
    CALL = 7  # web> API call: method name, one NUL byte, protobuf request
    REPLY = 8  # relay> protobuf response of the CALL with the same request id
    ERROR = 9  # relay> JSON {"code", "msg"} in Twirp's words (not_found, invalid_argument, unavailable, ...)
    EVENT = 10  # relay> u64 sequence number, then a protobuf WebhookEvent; kept until acknowledged
    ACK = 11  # web> u64: every event up to and including this sequence number is committed


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame. `payload` is bytes of the kind's own format."""

    kind: Kind
    session: int = 0
    request: int = 0
    payload: bytes = b""

    def json(self) -> Any:
        """The payload as JSON. Raises `ProtocolError` when it is not JSON."""
        try:
            return json.loads(self.payload)
        except ValueError as error:
            raise ProtocolError(f"{self.kind.name} frame without valid JSON") from error


def pack(kind: Kind, *, session: int = 0, request: int = 0, payload: bytes = b"") -> bytes:
    """The bytes of one frame. Raises `ProtocolError` above `MAX_PAYLOAD_BYTES`."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ProtocolError(f"{kind.name} payload of {len(payload)} bytes, at most {MAX_PAYLOAD_BYTES}")
    return _LENGTH.pack(_ENVELOPE.size + len(payload)) + _ENVELOPE.pack(kind, session, request) + payload


def pack_json(kind: Kind, document: Mapping[str, Any], *, session: int = 0, request: int = 0) -> bytes:
    """The bytes of one frame whose payload is JSON."""
    return pack(kind, session=session, request=request, payload=json.dumps(document).encode())


def unpack(body: bytes) -> Frame:
    """The frame in `body` (without its length). Raises `ProtocolError` on a short body or an unknown kind."""
    if len(body) < _ENVELOPE.size:
        raise ProtocolError(f"frame of {len(body)} bytes is shorter than its envelope")
    kind, session, request = _ENVELOPE.unpack_from(body)
    try:
        return Frame(Kind(kind), session, request, body[_ENVELOPE.size :])
    except ValueError as error:
        raise ProtocolError(f"unknown frame kind {kind}") from error


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """The next frame. Raises `asyncio.IncompleteReadError` at the end and `ProtocolError` on a bad frame."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > MAX_FRAME_BYTES:
        raise ProtocolError(f"frame of {length} bytes, at most {MAX_FRAME_BYTES}")
    return unpack(await reader.readexactly(length))
