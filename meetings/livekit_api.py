"""LiveKit's server API, as the embedded relay's front: `/rtc/validate` and `/twirp/livekit.RoomService/*`.

A plain ASGI coroutine: reads the request, checks the token's grants, hands the call to the room's worker. The stock
`livekit-api` client is what uses it, the portal's own `media.py` included. Egress comes with a later release and
answers `unimplemented`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from livekit.protocol import models as models_proto
from livekit.protocol import room as room_proto

from meetings import engine, protojson, tokens
from meetings.admission import NAME_MAX_LENGTH, claims_of_token
from meetings.doorkeeper import Doorkeeper
from meetings.engine_errors import Denied, EngineError, Unavailable
from meetings.http_answers import Receive, Scope, Send, answer, clean_path, header
from meetings.relay_link import RelayLinks
from meetings.signalling import query_of, token_of
from meetings.tokens import Claims, TokenInvalid

MAX_BODY_BYTES = 2 << 20
# Twirp's error codes and the HTTP status of each (livekit-protocol E); all others are 500.
STATUS_OF_CODE = {
    "malformed": 400,
    "invalid_argument": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "bad_route": 404,
    "deadline_exceeded": 408,
    "already_exists": 409,
    "aborted": 409,
    "failed_precondition": 412,
    "resource_exhausted": 429,
    "unimplemented": 501,
    "unavailable": 503,
}
PROTOBUF, JSON = "application/protobuf", "application/json"
# Services of LiveKit that this engine does not have: told apart from a misspelt address.
ABSENT_SERVICES = frozenset({"Egress", "Ingress", "SIP", "AgentDispatchService", "Connector"})


@dataclass(frozen=True, slots=True)
class Method:
    """One call of RoomService. `grant` is what the token needs; `room_field` names the room in the request."""

    request: type[Message]
    response: type[Message]
    grant: str = "roomAdmin"
    room_field: str = "room"


METHODS: Mapping[str, Method] = {
    "CreateRoom": Method(room_proto.CreateRoomRequest, models_proto.Room, "roomCreate", "name"),
    "ListRooms": Method(room_proto.ListRoomsRequest, room_proto.ListRoomsResponse, "roomList", ""),
    "DeleteRoom": Method(room_proto.DeleteRoomRequest, room_proto.DeleteRoomResponse, "roomCreate"),
    "ListParticipants": Method(room_proto.ListParticipantsRequest, room_proto.ListParticipantsResponse),
    "GetParticipant": Method(room_proto.RoomParticipantIdentity, models_proto.ParticipantInfo),
    "RemoveParticipant": Method(room_proto.RoomParticipantIdentity, room_proto.RemoveParticipantResponse),
    "MutePublishedTrack": Method(room_proto.MuteRoomTrackRequest, room_proto.MuteRoomTrackResponse),
    "UpdateParticipant": Method(room_proto.UpdateParticipantRequest, models_proto.ParticipantInfo),
    "UpdateSubscriptions": Method(room_proto.UpdateSubscriptionsRequest, room_proto.UpdateSubscriptionsResponse),
    "SendData": Method(room_proto.SendDataRequest, room_proto.SendDataResponse),
    "UpdateRoomMetadata": Method(room_proto.UpdateRoomMetadataRequest, models_proto.Room),
}
ABSENT_METHODS = frozenset({"MoveParticipant", "ForwardParticipant", "PerformRpc"})


class EngineApi:
    """The ASGI application of these paths."""

    def __init__(self, links: RelayLinks | None = None) -> None:
        self._links = links
        self._doorkeeper = Doorkeeper(threads=2)

    @property
    def links(self) -> RelayLinks:
        return self._links or engine.links()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = clean_path(scope)
        if scope["method"] == "OPTIONS":
            await answer(send, 204, b"")
        elif path.startswith("/twirp/"):
            await self._twirp(scope, path.removeprefix("/twirp/"), receive, send)
        elif path == "/rtc/validate" and scope["method"] in ("GET", "HEAD"):
            await self._validate(scope, send)
        else:
            # `/rtc/v1/validate` above all: this 404 is what sends livekit-client back to `/rtc`.
            await answer(send, 404, b"not found")

    async def _validate(self, scope: Scope, send: Send) -> None:
        """Why a websocket to `/rtc` did not open: browsers hide that from livekit-client, which then asks here."""
        try:
            await self._doorkeeper.admit(claims_of_token(token_of(scope, query_of(scope))))
        except Denied as denied:
            await answer(send, denied.status, denied.reason.encode())
        else:
            await answer(send, 200, b"success")

    async def _twirp(self, scope: Scope, route: str, receive: Receive, send: Send) -> None:
        engine.counters["twirp_calls"] += 1
        try:
            content_type, body = await self._call(scope, route, receive)
        except EngineError as error:
            engine.counters[f"twirp_{error.code}"] += 1
            document = json.dumps({"code": error.code, "msg": error.message}).encode()
            await answer(send, STATUS_OF_CODE.get(error.code, 500), document, JSON)
        else:
            await answer(send, 200, body, content_type)

    async def _call(self, scope: Scope, route: str, receive: Receive) -> tuple[str, bytes]:
        name = method_of_route(route, scope["method"])
        method = METHODS[name]
        content_type = header(scope, b"content-type").partition(";")[0].strip().lower()
        if content_type not in (PROTOBUF, JSON):
            raise EngineError("bad_route", f"unexpected Content-Type {content_type!r}")
        claims = claims_of(scope)
        request = parse(method.request, content_type, await read_body(receive))
        check_grant(claims, name, request)
        try:
            response = await self._dispatch(name, request)
        except Unavailable as error:
            raise EngineError("unavailable", str(error)) from error
        return content_type, serialise(method.response, content_type, response)

    async def _dispatch(self, name: str, request: Message) -> bytes:
        if isinstance(request, room_proto.ListRoomsRequest):
            return await self._list_rooms(request)
        room_name = getattr(request, METHODS[name].room_field)
        return await self.links.call(room_name, f"RoomService.{name}", request.SerializeToString())

    async def _list_rooms(self, request: room_proto.ListRoomsRequest) -> bytes:
        links = self.links
        asked = {await links.link_of(name) for name in request.names} if request.names else set(links.links)
        answers = await links.call_each(asked, "RoomService.ListRooms", request.SerializeToString())
        merged = room_proto.ListRoomsResponse()
        for part in answers:
            merged.MergeFromString(part)
        return merged.SerializeToString()


def method_of_route(route: str, http_method: str) -> str:
    """The RoomService method that `livekit.<Service>/<Method>` names. Raises `EngineError`."""
    service, _, name = route.partition("/")
    service = service.removeprefix("livekit.") if service.startswith("livekit.") else ""
    if service in ABSENT_SERVICES or (service == "RoomService" and name in ABSENT_METHODS):
        raise EngineError("unimplemented", f"{service}.{name} is not part of this engine")
    if service != "RoomService" or name not in METHODS:
        raise EngineError("bad_route", f"no handler for {route!r}")
    if http_method != "POST":
        raise EngineError("bad_route", f"unsupported method {http_method!r} (only POST is allowed)")
    return name


def claims_of(scope: Scope) -> Claims:
    """Who calls. API keys never come in the query: addresses end up in logs."""
    try:
        return tokens.verify(token_of(scope, {}))
    except TokenInvalid as error:
        raise EngineError("unauthenticated", str(error)) from error


def check_grant(claims: Claims, name: str, request: Message) -> None:
    """Raises `EngineError` unless the token may call `name` on the request's room."""
    method = METHODS[name]
    room_name = getattr(request, method.room_field) if method.room_field else ""
    if not claims.grants_all(method.grant) or (method.grant == "roomAdmin" and claims.room != room_name):
        raise EngineError("permission_denied", "permissions denied")
    if method.room_field and not room_name:
        raise EngineError("invalid_argument", "the request names no room")
    if len(room_name) > NAME_MAX_LENGTH:
        raise EngineError("invalid_argument", f"a room's name has at most {NAME_MAX_LENGTH} characters")


def parse(kind: type[Message], content_type: str, body: bytes) -> Message:
    """The request; JSON in snake_case or camelCase. Raises `EngineError`."""
    try:
        if content_type == JSON:
            return protojson.read(kind, body)
        return kind.FromString(body)
    except (protojson.NotProtojson, DecodeError) as error:
        raise EngineError("malformed", f"the body is no {kind.DESCRIPTOR.name}") from error


def serialise(kind: type[Message], content_type: str, response: bytes) -> bytes:
    """The worker's protobuf in the caller's format (JSON as LiveKit writes it: snake_case, with empty fields)."""
    if content_type == PROTOBUF:
        return response
    text = json_format.MessageToJson(
        kind.FromString(response),
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        indent=None,
    )
    return text.encode()


async def read_body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message: Mapping[str, Any] = await receive()
        if message["type"] == "http.disconnect":
            raise EngineError("canceled", "the caller hung up")
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise EngineError("resource_exhausted", f"a request has at most {MAX_BODY_BYTES} bytes")
        if not message.get("more_body", False):
            return bytes(body)


application = EngineApi()
