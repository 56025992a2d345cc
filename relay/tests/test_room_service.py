"""`RoomService` as the stock API client calls it."""

from typing import Any

import pytest
from google.protobuf.message import Message
from livekit.protocol import models
from livekit.protocol import room as api

from relay import service
from relay.errors import Refused
from relay.messages import Action, Reason
from relay.permissions import Permission
from relay.tests.stage import CAMERA, VIDEO, Client, Stage


def call(stage: Stage, method: str, request: Message) -> bytes:
    return service.call(stage.rooms, method, request.SerializeToString())


def refusal(stage: Stage, method: str, request: Message) -> Refused:
    with pytest.raises(Refused) as caught:
        call(stage, method, request)
    return caught.value


def pair() -> tuple[Stage, Client, Client]:
    stage = Stage()
    return stage, stage.join("alice"), stage.join("bob")


def test_creating_a_room_twice_gives_the_same_room() -> None:
    stage = Stage()
    request = api.CreateRoomRequest(name="council", empty_timeout=60, max_participants=5, metadata="agenda")
    first = models.Room.FromString(call(stage, "CreateRoom", request))
    second = models.Room.FromString(call(stage, "CreateRoom", api.CreateRoomRequest(name="council")))

    assert first.sid == second.sid
    assert (second.empty_timeout, second.max_participants, second.metadata) == (60, 5, "agenda")
    assert second.departure_timeout == 20
    assert stage.event_names() == ["room_started"]


def test_rooms_are_listed_all_or_by_name() -> None:
    stage, _, _ = pair()
    call(stage, "CreateRoom", api.CreateRoomRequest(name="empty"))

    every = api.ListRoomsResponse.FromString(call(stage, "ListRooms", api.ListRoomsRequest())).rooms
    some = api.ListRoomsResponse.FromString(
        call(stage, "ListRooms", api.ListRoomsRequest(names=["council", "x"]))
    ).rooms
    assert {room.name: room.num_participants for room in every} == {"council": 2, "empty": 0}
    assert [room.name for room in some] == ["council"]


def test_deleting_a_room_sends_everybody_out() -> None:
    stage, alice, bob = pair()
    call(stage, "DeleteRoom", api.DeleteRoomRequest(room="council"))

    for client in (alice, bob):
        leave = client.sink.last("leave")
        assert (leave.reason, leave.action) == (Reason.ROOM_DELETED, Action.DISCONNECT)
    assert not stage.rooms.by_name
    assert stage.event_names()[-1] == "room_finished"
    assert stage.events()[-1].room_end_reason == models.RoomEndReason.ROOM_END_API_DELETE


def test_room_metadata_reaches_everybody() -> None:
    stage, alice, _ = pair()
    call(stage, "UpdateRoomMetadata", api.UpdateRoomMetadataRequest(room="council", metadata="new"))

    assert alice.sink.last("room_update").room.metadata == "new"


def test_participants_are_listed_hidden_ones_too() -> None:
    stage, _, _ = pair()
    stage.join("recorder", permission=Permission(hidden=True))
    listed = call(stage, "ListParticipants", api.ListParticipantsRequest(room="council"))

    people = api.ListParticipantsResponse.FromString(listed).participants
    assert [person.identity for person in people] == ["alice", "bob", "recorder"]


def test_removing_somebody_is_final() -> None:
    stage, alice, bob = pair()
    request = api.RoomParticipantIdentity(room="council", identity="bob")
    call(stage, "RemoveParticipant", request)
    stage.settle()

    leave = bob.sink.last("leave")
    assert (leave.reason, leave.action) == (Reason.PARTICIPANT_REMOVED, Action.DISCONNECT)
    assert alice.sink.last("update").participants[0].disconnect_reason == Reason.PARTICIPANT_REMOVED
    assert refusal(stage, "RemoveParticipant", request).code == "not_found"
    assert stage.resume(bob).last("leave").reason == Reason.STATE_MISMATCH


def test_updating_a_participant_reaches_it_and_the_others() -> None:
    stage, alice, bob = pair()
    request = api.UpdateParticipantRequest(room="council", identity="bob", name="Robert", attributes={"role": "chair"})
    info = models.ParticipantInfo.FromString(call(stage, "UpdateParticipant", request))

    assert (info.name, dict(info.attributes)) == ("Robert", {"role": "chair"})
    for client in (alice, bob):
        assert client.sink.last("update").participants[0].name == "Robert"


def test_taking_rights_away_works_at_once_and_giving_them_back_too() -> None:
    stage, alice, bob = pair()
    info = bob.publish("cam", VIDEO, CAMERA)
    alice.answer_all()
    down = alice.downs()[0]
    nothing = models.ParticipantPermission(can_subscribe=True)
    request = api.UpdateParticipantRequest(room="council", identity="bob", permission=nothing)
    call(stage, "UpdateParticipant", request)

    assert down.is_stopped
    assert bob.sink.last("track_unpublished").track_sid == info.sid
    assert not bob.sink.last("update").participants[0].permission.can_publish
    bob.add_track("again", VIDEO, CAMERA)
    assert bob.sink.names()[-1] == "request_response"

    request.permission.can_publish = True
    call(stage, "UpdateParticipant", request)
    bob.add_track("again", VIDEO, CAMERA)
    assert bob.sink.names()[-1] == "track_published"


def test_muting_is_enforced_and_told_and_unmuting_from_afar_refused() -> None:
    stage, alice, _ = pair()
    info = alice.publish("mic")
    request = api.MuteRoomTrackRequest(room="council", identity="alice", track_sid=info.sid, muted=True)
    for _ in range(2):
        answer = api.MuteRoomTrackResponse.FromString(call(stage, "MutePublishedTrack", request))
        assert answer.track.muted

    assert alice.up(info.sid).is_muted
    assert alice.sink.last("mute").muted
    request.muted = False
    assert refusal(stage, "MutePublishedTrack", request).code == "failed_precondition"
    assert alice.up(info.sid).is_muted


def test_subscriptions_are_changed_from_outside() -> None:
    stage, alice, bob = pair()
    info = alice.publish("mic")
    bob.answer_all()
    down = bob.downs()[0]
    tracks = models.ParticipantTracks(participant_sid=alice.participant.sid, track_sids=[info.sid])
    request = api.UpdateSubscriptionsRequest(room="council", identity="bob", participant_tracks=[tracks])
    call(stage, "UpdateSubscriptions", request)

    assert down.is_stopped


def test_data_of_the_server_has_no_sender_and_a_nonce_counts_once() -> None:
    stage, alice, bob = pair()
    request = api.SendDataRequest(
        room="council", data=b"notice", topic="t", destination_identities=["bob"], nonce=b"0123456789abcdef"
    )
    for _ in range(3):
        call(stage, "SendData", request)

    assert not alice.subscriber.channels.sent
    ((label, payload),) = bob.subscriber.channels.sent
    packet = models.DataPacket.FromString(payload)
    assert label == "_reliable"
    assert (packet.user.payload, packet.user.topic, packet.participant_identity) == (b"notice", "t", "")


@pytest.mark.parametrize(
    ("method", "request_message", "code"),
    [
        ("GetParticipant", api.RoomParticipantIdentity(room="council", identity="nobody"), "not_found"),
        ("GetParticipant", api.RoomParticipantIdentity(room="nowhere", identity="alice"), "not_found"),
        ("DeleteRoom", api.DeleteRoomRequest(room="nowhere"), "not_found"),
        ("ListParticipants", api.ListParticipantsRequest(room="nowhere"), "not_found"),
        ("SendData", api.SendDataRequest(room="nowhere"), "not_found"),
        ("SendData", api.SendDataRequest(room="council", data=b"x" * 64_001), "invalid_argument"),
        ("CreateRoom", api.CreateRoomRequest(name=""), "invalid_argument"),
        ("CreateRoom", api.CreateRoomRequest(name="x" * 300), "invalid_argument"),
        (
            "UpdateRoomMetadata",
            api.UpdateRoomMetadataRequest(room="council", metadata="x" * 64_001),
            "invalid_argument",
        ),
        ("MutePublishedTrack", api.MuteRoomTrackRequest(room="council", identity="alice", track_sid="x"), "not_found"),
        ("MoveParticipant", api.MoveParticipantRequest(room="council"), "unimplemented"),
        (
            "UpdateParticipant",
            api.UpdateParticipantRequest(room="council", identity="alice", name="x" * 300),
            "invalid_argument",
        ),
    ],
)
def test_refusals_have_twirp_codes(method: str, request_message: Any, code: str) -> None:
    stage, _, _ = pair()

    assert refusal(stage, method, request_message).code == code


def test_a_malformed_request_is_refused() -> None:
    with pytest.raises(Refused, match="malformed"):
        service.call(Stage().rooms, "CreateRoom", b"\xff\xff")
