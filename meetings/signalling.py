"""`/rtc`: a client's websocket, checked once against its row, then passed through to the room's relay worker.

A plain ASGI coroutine: a Channels consumer would hop to the one shared thread for every message, and a slow query
there would delay everybody's pings. The database is asked at open and at each token refresh only (`doorkeeper.py`).
Pings are answered by the worker itself, so that a stuck one does not look alive.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from livekit.protocol.models import DisconnectReason
from livekit.protocol.room import RoomParticipantIdentity, UpdateParticipantRequest
from livekit.protocol.rtc import LeaveRequest, SignalRequest, SignalResponse

from meetings import engine, protojson, temporary_rooms, tokens
from meetings.admission import claims_of_token
from meetings.doorkeeper import Doorkeeper
from meetings.engine_errors import Denied, EngineError, Unavailable
from meetings.http_answers import Receive, Scope, Send, clean_path, deny, header
from meetings.permissions import permission_of
from meetings.relay_link import End, RelayLinks, Session
from meetings.tokens import Claims

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 2 << 20
# Browsers ping every 5 s. Who has done so and says nothing for so long is gone, whatever TCP believes. The Go SDK never
# pings: such a client is only gone when its websocket does not answer web's own pings (daphne).
IDLE_SECONDS = 30.0
PINGS = frozenset({"ping", "ping_req"})
REFRESH_SECONDS = 300.0
REMOVAL_SECONDS = 3.0
# Life of a refreshed token: outlives two missed refreshes.
REFRESHED_TOKEN_SECONDS = 900
# A few messages that we cannot read may be a newer SDK's; more than that is no client.
BAD_FRAMES_ALLOWED = 20
# Spellings of "no" in the query of `/rtc`; a missing value has its own default.
FALSE_VALUES = frozenset({"0", "f", "false"})
# Not passed on to the worker with the rest of the query: it needs no token, and must log none.
SECRET_PARAMETERS = frozenset({"access_token", "join_request"})
# LiveKit's own defaults, for tokens that bring no room configuration.
ROOM_CONFIG = {"empty_timeout": 300, "departure_timeout": 20, "max_participants": 0, "metadata": ""}

NORMAL, POLICY, TOO_BIG, RESTART, TRY_LATER = 1000, 1008, 1009, 1012, 1013


class SignallingEndpoint:
    """The ASGI application of `/rtc`."""

    def __init__(
        self,
        links: RelayLinks | None = None,
        *,
        idle_seconds: float = IDLE_SECONDS,
        refresh_seconds: float = REFRESH_SECONDS,
        removal_seconds: float = REMOVAL_SECONDS,
    ) -> None:
        self.counters: Counter[str] = engine.counters
        self.doorkeeper = Doorkeeper()
        self.idle_seconds = idle_seconds
        self.refresh_seconds = refresh_seconds
        self.removal_seconds = removal_seconds
        self._links = links

    @property
    def links(self) -> RelayLinks:
        return self._links or engine.links()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            if clean_path(scope).rstrip("/") != "/rtc":
                # 404 is what sends clients of single-peer-connection mode (`/rtc/v1`) back to `/rtc`.
                raise Denied(404, "not found")
            claims, session = await self._enter(scope)
        except Denied as denied:
            self.counters[f"rtc_denied_{denied.status}"] += 1
            await deny(scope, send, denied.status, denied.reason)
            return
        await send({"type": "websocket.accept"})
        self.counters["rtc_opened"] += 1
        await Connection(self, claims, session, receive, send).run()

    async def _enter(self, scope: Scope) -> tuple[Claims, Session]:
        query = query_of(scope)
        claims = await self.doorkeeper.admit(claims_of_token(token_of(scope, query)))
        try:
            return claims, await self.links.open(open_document(claims, query))
        except Unavailable as error:
            raise Denied(503, "the media server is not available") from error


class Connection:
    """One accepted websocket: three tasks, and the first that ends says why."""

    def __init__(
        self, endpoint: SignallingEndpoint, claims: Claims, session: Session, receive: Receive, send: Send
    ) -> None:
        self.endpoint = endpoint
        self.counters = endpoint.counters
        self.claims = claims
        self.session = session
        self._receive = receive
        self._send = send
        self._speaks_json = False
        self._bad_frames = 0
        self._idle_seconds: float | None = None  # set by its first ping
        self._joined = asyncio.Event()

    async def run(self) -> None:
        tasks = {
            asyncio.create_task(self._from_client()),
            asyncio.create_task(self._to_client()),
            asyncio.create_task(self._refresh()),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            code = done.pop().result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.session.close("the websocket is gone")
        if code is not None:
            await self._send({"type": "websocket.close", "code": code})

    # --- client > worker

    async def _from_client(self) -> int | None:
        """Ends with the code to close with, or None when the client is gone."""
        while True:
            try:
                async with asyncio.timeout(self._idle_seconds):
                    message = await self._receive()
            except TimeoutError:
                self.counters["rtc_idle"] += 1
                return NORMAL
            if message["type"] == "websocket.disconnect":
                return None
            frame: bytes | str = message.get("bytes") or message.get("text") or b""
            if len(frame) > MAX_MESSAGE_BYTES:
                self.counters["rtc_frames_too_big"] += 1
                return TOO_BIG
            request = self._request_of(frame)
            if request is not None:
                await self.session.send(request)
            elif self._bad_frames > BAD_FRAMES_ALLOWED:
                return POLICY

    def _request_of(self, frame: bytes | str) -> bytes | None:
        """The protobuf `SignalRequest` in a frame; None, and counted, if it holds none."""
        try:
            if isinstance(frame, bytes):
                # Read here only to know that it is one; sent on as it came, with fields that we do not know.
                parsed = SignalRequest.FromString(frame)
                request = frame
            else:
                # Who begins in JSON is answered in JSON.
                parsed = protojson.read(SignalRequest, frame)
                request = parsed.SerializeToString()
                self._speaks_json = self._speaks_json or bool(request)
        except (protojson.NotProtojson, DecodeError):
            request = b""
        if request:
            if parsed.WhichOneof("message") in PINGS:
                self._idle_seconds = self.endpoint.idle_seconds
            return request
        self._bad_frames += 1
        self.counters["rtc_bad_frames"] += 1
        return None

    # --- worker > client

    async def _to_client(self) -> int:
        while True:
            message = await self.session.receive()
            if isinstance(message, End):
                return await self._ended(message)
            await self._pass_on(message)
            if not self._joined.is_set() and SignalResponse.FromString(message).WhichOneof("message") in (
                "join",
                "reconnect",
            ):
                await self._send_token()
                self._joined.set()

    async def _ended(self, end: End) -> int:
        self.counters[f"rtc_ended_{end.name.lower()}"] += 1
        if end is End.CLOSED:
            return NORMAL
        if end is End.WORKER_RESTARTED:
            # The room is gone with its worker. Told so, the client joins afresh at once instead of trying to resume.
            leave = LeaveRequest(
                reason=DisconnectReason.SERVER_SHUTDOWN, action=LeaveRequest.Action.RECONNECT, can_reconnect=True
            )
            await self._pass_on(SignalResponse(leave=leave).SerializeToString())
            return RESTART
        # Without a leave the client resumes: its participant may still be there.
        return RESTART if end is End.LINK_RESTORED else TRY_LATER

    async def _pass_on(self, message: bytes) -> None:
        if self._speaks_json:
            text = json_format.MessageToJson(SignalResponse.FromString(message), indent=None)
            await self._send({"type": "websocket.send", "text": text})
        else:
            await self._send({"type": "websocket.send", "bytes": message})

    # --- the token, and whether its owner is still welcome

    async def _refresh(self) -> int:
        await self._joined.wait()
        while True:
            await asyncio.sleep(self.endpoint.refresh_seconds)
            try:
                claims = await self.endpoint.doorkeeper.admit(self.claims)
            except Denied as denied:
                if denied.status == 503:
                    self.counters["rtc_refresh_failed"] += 1
                    continue  # nothing is known; the next check decides
                await self._remove()
                await asyncio.sleep(self.endpoint.removal_seconds)  # the worker's `leave` and CLOSE come first
                return POLICY
            if claims != self.claims:
                await self._update(claims)
            self.claims = claims
            await self._send_token()

    async def _send_token(self) -> None:
        if temporary_rooms.is_temporary(self.claims.room):
            return  # its first token lasts as long as the room
        token = tokens.sign(self.claims, seconds=REFRESHED_TOKEN_SECONDS)
        await self._pass_on(SignalResponse(refresh_token=token).SerializeToString())

    async def _remove(self) -> None:
        """The row lost its right while the order to remove the participant was lost, too (or the engine was away)."""
        self.counters["rtc_removed_at_refresh"] += 1
        await self._order(
            "RemoveParticipant", RoomParticipantIdentity(room=self.claims.room, identity=self.claims.identity)
        )

    async def _update(self, claims: Claims) -> None:
        self.counters["rtc_updated_at_refresh"] += 1
        await self._order(
            "UpdateParticipant",
            UpdateParticipantRequest(
                room=claims.room, identity=claims.identity, name=claims.name, permission=permission_of(claims.grants)
            ),
        )

    async def _order(self, method: str, request: RoomParticipantIdentity | UpdateParticipantRequest) -> None:
        try:
            await self.endpoint.links.call(self.claims.room, f"RoomService.{method}", request.SerializeToString())
        except EngineError as error:
            if error.code != "not_found":  # gone already
                logger.warning("the relay refused an order", extra={"method": method, "code": error.code})
        except Unavailable:
            self.counters["rtc_orders_lost"] += 1


def query_of(scope: Scope) -> dict[str, str]:
    """The query's first values. Bytes that are no text are replaced: all of it is hostile anyway."""
    query: dict[str, str] = {}
    for name, value in parse_qsl(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True):
        query.setdefault(name, value)
    return query


def token_of(scope: Scope, query: Mapping[str, str]) -> str:
    """The token: from the header (SDKs), which has priority, or from the query (browsers)."""
    scheme, _, token = header(scope, b"authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else query.get("access_token", "")


def open_document(claims: Claims, query: Mapping[str, str]) -> dict[str, Any]:
    """The OPEN frame's document (relay/README.md, "Link")."""
    return {
        "room": claims.room,
        "identity": claims.identity,
        "name": claims.name,
        "metadata": claims.metadata,
        "attributes": dict(claims.attributes),
        "kind": claims.kind or "standard",
        "grants": dict(claims.grants),
        "client": {name: value for name, value in query.items() if name not in SECRET_PARAMETERS},
        "auto_subscribe": _is_on(query, "auto_subscribe", default=True),
        "adaptive_stream": _is_on(query, "adaptive_stream", default=False),
        "reconnect": _is_on(query, "reconnect", default=False),
        "sid": query.get("sid", ""),
        "room_config": room_config(claims),
        "gives_way": temporary_rooms.is_temporary(claims.room),
    }


def room_config(claims: Claims) -> dict[str, Any]:
    """The room's limits from the token, in protobuf's names; LiveKit's defaults where it says nothing."""
    given = claims.room_config
    config: dict[str, Any] = dict(ROOM_CONFIG)
    for name, default in ROOM_CONFIG.items():
        head, *rest = name.split("_")
        value = given.get(head + "".join(part.capitalize() for part in rest), given.get(name))
        if type(value) is type(default):
            config[name] = value
    return config


def _is_on(query: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = query.get(name, "")
    return value.lower() not in FALSE_VALUES if value else default
