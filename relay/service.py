"""`livekit.RoomService`: orders to rooms from the portal and from anybody with an API token.

Web checks the token and its grants; what arrives here is allowed. Errors are `Refused` with a Twirp code. Every call
may be repeated without harm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError, Message
from livekit.protocol import models, rtc
from livekit.protocol import room as api

from relay.errors import ProtocolError, Refused
from relay.messages import Action, Reason
from relay.participant import Participant
from relay.permissions import Permission
from relay.rooms import Rooms

MAX_ROOM_METADATA_BYTES = 64_000
MAX_DATA_BYTES = 64_000


def call(rooms: Rooms, method: str, payload: bytes) -> bytes:
    """The serialised answer of `RoomService.<method>`. Raises `Refused`."""
    entry = METHODS.get(method)
    if entry is None:
        raise Refused("unimplemented", f"RoomService.{method} is not available")
    request_type, handler = entry
    try:
        request = request_type.FromString(payload)
    except DecodeError as error:
        raise Refused("invalid_argument", "malformed request") from error
    response: Message = handler(rooms, request)
    return response.SerializeToString()


def create_room(rooms: Rooms, request: api.CreateRoomRequest) -> models.Room:
    _check_metadata(request.metadata)
    config = {
        "empty_timeout": request.empty_timeout,
        "departure_timeout": request.departure_timeout,
        "max_participants": request.max_participants,
        "metadata": request.metadata,
    }
    return rooms.get_or_create(request.name, config).info()


def list_rooms(rooms: Rooms, request: api.ListRoomsRequest) -> api.ListRoomsResponse:
    wanted = set(request.names)
    found = [room.info() for room in rooms.by_name.values() if not wanted or room.name in wanted]
    return api.ListRoomsResponse(rooms=found)


def delete_room(rooms: Rooms, request: api.DeleteRoomRequest) -> api.DeleteRoomResponse:
    rooms.delete(request.room)
    return api.DeleteRoomResponse()


def update_room_metadata(rooms: Rooms, request: api.UpdateRoomMetadataRequest) -> models.Room:
    _check_metadata(request.metadata)
    room = rooms.get(request.room)
    room.set_metadata(request.metadata)
    return room.info()


def list_participants(rooms: Rooms, request: api.ListParticipantsRequest) -> api.ListParticipantsResponse:
    people = rooms.get(request.room).participants.values()
    return api.ListParticipantsResponse(participants=[person.info() for person in people])


def get_participant(rooms: Rooms, request: api.RoomParticipantIdentity) -> models.ParticipantInfo:
    return _participant(rooms, request.room, request.identity).info()


def remove_participant(rooms: Rooms, request: api.RoomParticipantIdentity) -> api.RemoveParticipantResponse:
    participant = _participant(rooms, request.room, request.identity)
    participant.leave(Reason.PARTICIPANT_REMOVED, Action.DISCONNECT)
    return api.RemoveParticipantResponse()


def update_participant(rooms: Rooms, request: api.UpdateParticipantRequest) -> models.ParticipantInfo:
    participant = _participant(rooms, request.room, request.identity)
    try:
        if request.name or request.metadata or request.attributes:
            participant.set_properties(
                name=request.name or None, metadata=request.metadata or None, attributes=dict(request.attributes)
            )
    except ProtocolError as error:
        raise Refused("invalid_argument", str(error)) from error
    if request.HasField("permission"):
        participant.set_permission(Permission.from_message(request.permission))
    participant.room.updates.flush()
    return participant.info()


def mute_published_track(rooms: Rooms, request: api.MuteRoomTrackRequest) -> api.MuteRoomTrackResponse:
    participant = _participant(rooms, request.room, request.identity)
    track = participant.publishing.tracks.get(request.track_sid)
    if track is None:
        raise Refused("not_found", "requested track does not exist")
    if not request.muted and track.info.muted:
        # Nobody opens a person's microphone from afar; LiveKit asks for `enable_remote_unmute`, which we have not.
        raise Refused("failed_precondition", "remote unmute is not enabled")
    if participant.publishing.mute(track.sid, request.muted) and request.muted:
        message = rtc.MuteTrackRequest(sid=track.sid, muted=True)
        participant.send(rtc.SignalResponse(mute=message))
    return api.MuteRoomTrackResponse(track=track.info)


def update_subscriptions(rooms: Rooms, request: api.UpdateSubscriptionsRequest) -> api.UpdateSubscriptionsResponse:
    participant = _participant(rooms, request.room, request.identity)
    nested = [sid for tracks in request.participant_tracks for sid in tracks.track_sids]
    participant.subscribing.update([*request.track_sids, *nested], subscribe=request.subscribe)
    return api.UpdateSubscriptionsResponse()


def send_data(rooms: Rooms, request: api.SendDataRequest) -> api.SendDataResponse:
    room = rooms.get(request.room)
    if len(request.data) > MAX_DATA_BYTES:
        raise Refused("invalid_argument", f"data exceeds {MAX_DATA_BYTES} bytes")
    packet = models.DataPacket(
        kind=request.kind,
        destination_identities=request.destination_identities,
        user=models.UserPacket(
            payload=request.data,
            topic=request.topic,
            destination_sids=request.destination_sids,
            destination_identities=request.destination_identities,
        ),
    )
    room.data.send_from_server(packet, request.nonce)
    return api.SendDataResponse()


def _participant(rooms: Rooms, room_name: str, identity: str) -> Participant:
    participant = rooms.get(room_name).participants.get(identity)
    if participant is None:
        raise Refused("not_found", "participant does not exist")
    return participant


def _check_metadata(metadata: str) -> None:
    if len(metadata.encode()) > MAX_ROOM_METADATA_BYTES:
        raise Refused("invalid_argument", f"metadata exceeds {MAX_ROOM_METADATA_BYTES} bytes")


# Requests are protobuf classes whose stubs know no common base with FromString.
METHODS: dict[str, tuple[Any, Callable[[Rooms, Any], Message]]] = {
    "CreateRoom": (api.CreateRoomRequest, create_room),
    "ListRooms": (api.ListRoomsRequest, list_rooms),
    "DeleteRoom": (api.DeleteRoomRequest, delete_room),
    "UpdateRoomMetadata": (api.UpdateRoomMetadataRequest, update_room_metadata),
    "ListParticipants": (api.ListParticipantsRequest, list_participants),
    "GetParticipant": (api.RoomParticipantIdentity, get_participant),
    "RemoveParticipant": (api.RoomParticipantIdentity, remove_participant),
    "UpdateParticipant": (api.UpdateParticipantRequest, update_participant),
    "MutePublishedTrack": (api.MuteRoomTrackRequest, mute_published_track),
    "UpdateSubscriptions": (api.UpdateSubscriptionsRequest, update_subscriptions),
    "SendData": (api.SendDataRequest, send_data),
}
