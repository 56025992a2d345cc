"""Joining, leaving, resuming: what the client and the others are told, in which order."""

from typing import Any

import pytest
from livekit.protocol import models, rtc

from relay import clock
from relay.config import Settings
from relay.errors import Refused
from relay.media import TransportState
from relay.messages import Action, Reason
from relay.participant import State
from relay.permissions import Permission
from relay.tests.stage import AUDIO, CAMERA, MICROPHONE, VIDEO, Sink, Stage, listener

STATES = models.ParticipantInfo


def test_the_first_messages_are_join_then_offer() -> None:
    stage = Stage()
    alice = stage.open("alice")
    stage.settle()

    assert alice.sink.names()[0] == "join"
    assert "offer" in alice.sink.names()
    join = alice.sink.last("join")
    assert join.room.sid.startswith("RM_")
    assert join.participant.sid.startswith("PA_")
    assert join.participant.state == STATES.JOINED
    assert join.participant.permission.can_publish
    assert join.subscriber_primary
    assert join.fast_publish
    assert join.server_info.version == join.server_version == "1.13.5"
    assert (join.ping_interval, join.ping_timeout) == (5, 15)
    assert [codec.mime for codec in join.enabled_publish_codecs] == ["video/VP8", "video/H264", "audio/opus"]
    offer = alice.sink.last("offer")
    assert "webrtc-datachannel" in offer.sdp
    assert alice.subscriber.channels.is_created
    assert all(f"a=candidate:{candidate}" in offer.sdp for candidate in stage.media.candidates)


def test_somebody_who_may_not_receive_is_connected_by_the_publisher() -> None:
    stage = Stage()
    alice = stage.open("alice", permission=Permission(can_subscribe=False))
    stage.settle()

    assert not alice.sink.last("join").subscriber_primary
    assert "offer" not in alice.sink.names()
    alice.publisher.become(TransportState.CONNECTED)
    assert alice.participant.state == State.ACTIVE


def test_others_hear_of_a_newcomer_and_the_newcomer_of_them() -> None:
    stage = Stage()
    alice = stage.join("alice")
    bob = stage.join("bob")

    assert [p.identity for p in bob.sink.last("join").other_participants] == ["alice"]
    told = [p for update in alice.sink.all("update") for p in update.participants if p.identity == "bob"]
    assert [p.state for p in told] == sorted(p.state for p in told)
    assert told[-1].state == STATES.ACTIVE
    assert [p.version for p in told] == sorted(p.version for p in told)
    assert stage.event_names() == ["room_started", "participant_joined", "participant_joined"]


def test_many_joins_cost_few_updates() -> None:
    stage = Stage()
    alice = stage.join("alice")
    before = len(alice.sink.all("update"))
    crowd = [stage.open(f"p{number}") for number in range(30)]
    stage.settle()
    for client in crowd:
        client.answer()
        client.subscriber.become(TransportState.CONNECTED)
    stage.settle()

    assert len(stage.rooms.by_name["council"].participants) == 31
    assert len(alice.sink.all("update")) - before <= 31  # one per join at most, none per state


def test_leaving_is_told_once_with_its_reason() -> None:
    stage = Stage()
    alice, bob = stage.join("alice"), stage.join("bob")
    bob.send(leave=rtc.LeaveRequest(reason=Reason.CLIENT_INITIATED))
    stage.settle()

    gone = [p for update in alice.sink.all("update") for p in update.participants if p.state == STATES.DISCONNECTED]
    assert [(p.identity, p.disconnect_reason) for p in gone] == [("bob", Reason.CLIENT_INITIATED)]
    assert bob.publisher.is_closed
    assert bob.subscriber.is_closed
    assert bob.sink.closed is not None
    assert stage.event_names()[-1] == "participant_left"


@pytest.mark.parametrize("reason", [Reason.PARTICIPANT_REMOVED, Reason.ROOM_DELETED, 99])
def test_who_leaves_cannot_say_that_somebody_else_wanted_it(reason: int) -> None:
    stage = Stage()
    eve = stage.join("eve")
    leave = rtc.LeaveRequest()
    leave.reason = reason  # type: ignore[assignment]  # also numbers that no enum has
    eve.send(leave=leave)

    (left,) = (event for event in stage.events() if event.event == "participant_left")
    assert left.participant.disconnect_reason == Reason.CLIENT_INITIATED


def test_a_second_session_of_an_identity_ends_the_first() -> None:
    stage = Stage()
    alice, old = stage.join("alice"), stage.join("bob")
    new = stage.join("bob")

    leave = old.sink.last("leave")
    assert (leave.reason, leave.action) == (Reason.DUPLICATE_IDENTITY, Action.DISCONNECT)
    assert old.sink.closed is not None
    told = [p for update in alice.sink.all("update") for p in update.participants if p.identity == "bob"]
    order = [(p.sid, p.state == STATES.DISCONNECTED) for p in told]
    assert order.index((old.participant.sid, True)) < order.index((new.participant.sid, False))
    told = [p for update in new.sink.all("update") for p in update.participants]
    assert [p for p in told if p.sid == old.participant.sid] == []
    assert told, "the newcomer's own state"


def test_hidden_participants_are_seen_by_nobody_and_see_all() -> None:
    stage = Stage()
    alice = stage.join("alice")
    recorder = stage.join("recorder", permission=listener(hidden=True), kind=STATES.EGRESS)
    bob = stage.join("bob")
    alice.publish("mic")

    told = {p.identity for update in alice.sink.all("update") for p in update.participants}
    assert told == {"alice", "bob"}
    assert all(p.identity != "recorder" for p in bob.sink.last("join").other_participants)
    assert [p.identity for p in recorder.sink.last("join").other_participants] == ["alice"]
    recorder.answer_all()
    assert len(recorder.downs()) == 1
    assert alice.sink.last("room_update").room.active_recording
    room = stage.rooms.by_name["council"].info()
    assert room.num_participants == 2


def test_nobody_hears_of_a_hidden_participant_by_resuming_or_by_its_departure() -> None:
    stage = Stage()
    alice = stage.join("alice")
    recorder = stage.join("recorder", permission=listener(hidden=True), kind=STATES.EGRESS)
    alice.participant.detach()
    sink = stage.resume(alice)
    stage.settle()
    assert [p.identity for p in sink.all("update")[0].participants] == ["alice"]

    recorder.send(leave=rtc.LeaveRequest())
    stage.settle()
    stage.join("bob")  # an update that does come
    told = [p.identity for update in sink.all("update") for p in update.participants]
    assert set(told) == {"alice", "bob"}


def test_a_room_that_is_full_refuses_but_lets_its_people_back_in() -> None:
    stage = Stage()
    stage.join("alice", room_config={"max_participants": 2})
    stage.join("bob")
    with pytest.raises(Refused, match="full"):
        stage.open("eve")

    stage.join("bob")
    assert set(stage.rooms.by_name["council"].participants) == {"alice", "bob"}


def test_a_draining_worker_keeps_its_rooms_and_takes_no_new_one() -> None:
    stage = Stage()
    stage.join("alice")
    stage.rooms.is_draining = True

    stage.join("bob")
    with pytest.raises(Refused, match="no new rooms"):
        stage.open("carol", room="another")


def test_time_ends_rooms() -> None:
    stage = Stage(Settings(empty_timeout_seconds=300, departure_timeout_seconds=20))
    stage.rooms.get_or_create("never-joined", {})
    alice = stage.join("alice")
    alice.send(leave=rtc.LeaveRequest())
    now = clock.now()

    stage.rooms.tick(now + 10)
    assert set(stage.rooms.by_name) == {"never-joined", "council"}
    stage.rooms.tick(now + 30)
    assert set(stage.rooms.by_name) == {"never-joined"}
    stage.rooms.tick(now + 310)
    assert not stage.rooms.by_name
    assert stage.event_names().count("room_finished") == 2


def test_a_room_with_only_a_recorder_left_is_closed() -> None:
    stage = Stage()
    alice = stage.join("alice")
    recorder = stage.join("recorder", permission=listener(hidden=True), kind=STATES.EGRESS)
    alice.send(leave=rtc.LeaveRequest())
    now = clock.now()
    for peer in (recorder.publisher, recorder.subscriber):
        peer.last_check_at = now + 25
    stage.rooms.tick(now + 25)

    assert recorder.sink.last("leave").reason == Reason.ROOM_CLOSED
    assert not stage.rooms.by_name


# Resume


def test_a_resumed_session_gets_reconnect_a_snapshot_and_new_ice_credentials() -> None:
    stage = Stage()
    alice, bob, carol = stage.join("alice"), stage.join("bob"), stage.join("carol")
    before = len(alice.sink.all("update"))
    bob.participant.detach()
    carol.send(leave=rtc.LeaveRequest())
    old_generation = bob.subscriber.generation
    sink = stage.resume(bob)
    stage.settle()

    assert sink.names()[:3] == ["reconnect", "update", "room_update"]
    snapshot = sink.all("update")[0].participants
    assert [(p.identity, p.state == STATES.DISCONNECTED) for p in snapshot] == [
        ("carol", True),
        ("alice", False),
        ("bob", False),
    ]
    assert bob.subscriber.generation == old_generation + 1
    assert f"a=ice-ufrag:{bob.subscriber.local_ufrag}" in sink.last("offer").sdp
    told = [p for update in alice.sink.all("update")[before:] for p in update.participants if p.identity == "bob"]
    assert all(p.state != STATES.DISCONNECTED for p in told)


def test_an_unknown_session_must_rejoin() -> None:
    stage = Stage()
    alice = stage.join("alice")
    alice.send(leave=rtc.LeaveRequest())

    sink = stage.resume(alice)

    leave = sink.last("leave")
    assert sink.names() == ["leave"]
    assert (leave.reason, leave.action, leave.can_reconnect) == (Reason.STATE_MISMATCH, Action.RECONNECT, True)
    assert sink.closed is not None


def test_a_resumed_publisher_restarts_ice_by_a_new_ufrag() -> None:
    stage = Stage()
    alice = stage.join("alice")
    alice.publish("mic")
    stage.resume(alice)
    generation = alice.publisher.generation

    alice.offer(alice.restart_ice(), 9)

    assert alice.publisher.generation == generation + 1
    answer = alice.sink.last("answer")
    assert answer.id == 9
    assert f"a=ice-ufrag:{alice.publisher.local_ufrag}" in answer.sdp
    assert len(alice.participant.publishing.announced) == 1


def test_a_resumed_client_with_other_tracks_than_ours_must_rejoin() -> None:
    stage = Stage()
    alice = stage.join("alice")
    stage.resume(alice)

    track = rtc.TrackPublishedResponse(cid="mic", track=models.TrackInfo(sid="TR_unknown"))
    alice.send(sync_state=rtc.SyncState(publish_tracks=[track]))

    assert alice.sink.last("leave").action == Action.RECONNECT


def test_sync_state_brings_back_what_was_unsubscribed_and_disabled() -> None:
    stage = Stage()
    alice, bob = stage.join("alice"), stage.join("bob")
    mic = alice.publish("mic")
    camera = alice.publish("cam", VIDEO, CAMERA)
    bob.answer_all()
    stage.resume(bob)

    bob.send(
        sync_state=rtc.SyncState(
            subscription=rtc.UpdateSubscription(track_sids=[mic.sid], subscribe=False),
            track_sids_disabled=[camera.sid],
        )
    )

    assert [s.track.sid for s in bob.participant.subscribing.subscriptions.values()] == [camera.sid]
    assert bob.downs()[0].wanted["disabled"]


def test_a_new_websocket_takes_the_place_of_the_old_one() -> None:
    stage = Stage()
    alice = stage.join("alice")
    old = alice.sink
    new = stage.resume(alice)

    assert old.closed is not None
    alice.participant.detach(old)  # the old one's close arrives late
    assert alice.participant.sink is new


@pytest.mark.parametrize(
    ("seconds", "checks_until", "survives"),
    [(10, 10, True), (14, 0, True), (16, 0, False), (55, 50, True), (62, 61, False)],
)
def test_a_session_without_signalling_lives_while_checks_arrive(
    seconds: float, checks_until: float, survives: bool
) -> None:
    stage = Stage()
    alice = stage.join("alice")
    stage.join("bob")
    alice.participant.detach()
    lost_at = alice.participant.signal_lost_at
    alice.publisher.last_check_at = alice.subscriber.last_check_at = lost_at + checks_until
    alice.participant.tick(lost_at + seconds)

    assert ("alice" in stage.rooms.by_name["council"].participants) is survives


def test_a_client_that_never_pings_is_not_asked_to() -> None:
    """The Go SDK: closed each 30 s, it lost packets with each resume."""
    stage = Stage()
    alice = stage.join("alice")
    now = clock.now() + 31
    alice.publisher.last_check_at = alice.subscriber.last_check_at = now
    alice.participant.tick(now)

    assert alice.sink.closed is None


def test_a_websocket_that_pinged_and_says_nothing_for_thirty_seconds_is_dead() -> None:
    stage = Stage()
    alice = stage.join("alice")
    alice.send(ping_req=rtc.Ping(timestamp=1, rtt=1))
    now = clock.now() + 31
    alice.publisher.last_check_at = alice.subscriber.last_check_at = now
    alice.participant.tick(now)

    assert alice.sink.closed == "idle"
    assert alice.participant.state == State.ACTIVE


def test_who_never_connects_media_is_sent_to_rejoin_and_counts_as_aborted() -> None:
    stage = Stage()
    alice = stage.open("alice")
    stage.settle()
    later = clock.now() + 61
    alice.participant.signal_at = later
    alice.participant.tick(later)

    assert alice.sink.last("leave").reason == Reason.JOIN_FAILURE
    assert stage.event_names()[-1] == "participant_connection_aborted"


def test_a_handshake_that_fails_sends_the_client_to_rejoin() -> None:
    stage = Stage()
    alice = stage.join("alice")
    alice.publisher.become(TransportState.FAILED)
    stage.settle()

    assert alice.sink.last("leave").action == Action.RECONNECT
    assert not stage.rooms.by_name["council"].participants


def test_who_closed_both_websocket_and_media_has_left() -> None:
    stage = Stage()
    alice = stage.join("alice")
    alice.subscriber.become(TransportState.CLOSED)
    stage.settle()
    assert stage.rooms.by_name["council"].participants

    alice.participant.detach()
    alice.publisher.become(TransportState.CLOSED)
    stage.settle()
    assert not stage.rooms.by_name["council"].participants


def test_a_media_path_that_is_silent_for_thirty_seconds_is_lost() -> None:
    stage = Stage()
    alice = stage.join("alice")
    now = clock.now() + 31
    alice.participant.signal_at = now
    alice.participant.tick(now)

    leave = alice.sink.last("leave")
    assert (leave.reason, leave.action) == (Reason.CONNECTION_TIMEOUT, Action.RECONNECT)


def test_shutting_down_sends_everybody_to_rejoin() -> None:
    stage = Stage()
    alice, bob = stage.join("alice"), stage.join("bob", room="other")
    stage.rooms.shut_down()

    for client in (alice, bob):
        leave = client.sink.last("leave")
        assert (leave.reason, leave.action) == (Reason.SERVER_SHUTDOWN, Action.RECONNECT)
        assert client.publisher.is_closed
    assert stage.event_names().count("room_finished") == 2


# Messages of the participant itself


def test_pings_are_answered_in_both_forms() -> None:
    stage = Stage()
    alice = stage.join("alice")
    alice.send(ping=5)
    alice.send(ping_req=rtc.Ping(timestamp=77, rtt=12))

    assert alice.sink.last("pong") > 1_600_000_000_000
    assert alice.sink.last("pong_resp").last_ping_timestamp == 77
    assert alice.participant.rtt_ms == 12


def test_own_metadata_needs_the_right_and_is_reflected_before_the_response() -> None:
    stage = Stage()
    alice = stage.join("alice", permission=Permission(can_update_metadata=True), attributes={"old": "1"})
    bob = stage.join("bob")
    request = rtc.UpdateParticipantMetadata(name="Alice M.", attributes={"hand": "up", "old": ""}, request_id=4)
    alice.send(update_metadata=request)

    assert alice.sink.names()[-2:] == ["update", "request_response"]
    response = alice.sink.last("request_response")
    assert (response.request_id, response.reason) == (4, rtc.RequestResponse.OK)
    seen = bob.sink.last("update").participants[0]
    assert (seen.name, dict(seen.attributes)) == ("Alice M.", {"hand": "up"})

    bob.send(update_metadata=rtc.UpdateParticipantMetadata(name="King", request_id=5))
    response = bob.sink.last("request_response")
    assert (response.request_id, response.reason) == (5, rtc.RequestResponse.NOT_ALLOWED)
    assert bob.participant.name == "Bob"


def test_oversize_metadata_is_refused_with_a_text() -> None:
    stage = Stage()
    alice = stage.join("alice", permission=Permission(can_update_metadata=True))
    alice.send(update_metadata=rtc.UpdateParticipantMetadata(metadata="x" * 64_001, request_id=1))

    response = alice.sink.last("request_response")
    assert response.reason == rtc.RequestResponse.LIMIT_EXCEEDED
    assert "64000" in response.message
    assert alice.participant.metadata == ""


def test_data_tracks_and_blobs_are_answered_as_unsupported() -> None:
    stage = Stage()
    alice = stage.join("alice")
    alice.send(publish_data_track_request=rtc.PublishDataTrackRequest(pub_handle=1, name="x"))
    assert alice.sink.last("request_response").reason == rtc.RequestResponse.UNSUPPORTED_TYPE
    alice.send(get_data_blob_request=rtc.GetDataBlobRequest(request_id=3))
    assert alice.sink.last("request_response").request_id == 3


def test_rubbish_is_counted_and_harms_nobody() -> None:
    from relay import signalling

    stage = Stage()
    alice, bob = stage.join("alice"), stage.join("bob")
    signalling.receive(alice.participant, b"\xff\xff\xff")
    signalling.receive(alice.participant, b"")
    signalling.receive(alice.participant, bytes([0xFA, 0x3F, 0x00]))  # a member of the future

    assert stage.counters["signals_malformed"] == 1
    assert stage.counters["signals_unknown"] == 2
    assert alice.participant.state == bob.participant.state == State.ACTIVE


def test_an_invalid_offer_sends_only_its_sender_to_rejoin() -> None:
    stage = Stage()
    alice, bob = stage.join("alice"), stage.join("bob")
    alice.offer("v=0\r\nm=audio")

    assert alice.sink.last("leave").action == Action.RECONNECT
    assert stage.counters["offers_invalid"] == 1
    assert bob.participant.state == State.ACTIVE
    assert "leave" not in bob.sink.names()


@pytest.mark.parametrize(
    ("scenario", "action"),
    [({"leave_request_full_reconnect": True}, Action.RECONNECT), ({"migration": True}, Action.RESUME)],
)
def test_test_scenarios_of_clients(scenario: dict[str, Any], action: int) -> None:
    stage = Stage()
    alice = stage.join("alice")
    alice.send(simulate=rtc.SimulateScenario(**scenario))

    assert alice.sink.last("leave").action == action
    assert alice.sink.closed is not None


def test_a_resume_that_is_dropped_on_request_works_the_second_time() -> None:
    stage = Stage()
    alice = stage.join("alice")
    alice.send(simulate=rtc.SimulateScenario(disconnect_signal_on_resume=True))
    assert stage.resume(alice).closed == "test scenario"

    assert "update" in stage.resume(alice).names()


def test_capabilities_and_protocol_are_mirrored() -> None:
    stage = Stage()
    client = {"client_protocol": "2", "capabilities": "CAP_PACKET_TRAILER,2,unknown"}
    alice = stage.join("alice", client=client)

    info = alice.participant.info()
    assert info.client_protocol == 2
    assert list(info.capabilities) == [1, 2]


WITH_TURN = Settings(turn_urls=("turn:turn.example.org:3478",), turn_secret="s3cret")


def test_turn_credentials_are_personal_and_those_of_a_resume_are_fresh() -> None:
    stage = Stage(WITH_TURN)
    alice = stage.open("alice")

    server = alice.sink.last("join").ice_servers[0]
    expiry, _, user = server.username.partition(":")
    assert list(server.urls) == ["turn:turn.example.org:3478"]
    assert user == alice.participant.sid
    assert 0 < int(expiry) - clock.wall() <= 12 * 3600
    assert stage.resume(alice).last("reconnect").ice_servers[0].credential


def test_turn_credentials_of_a_connection_test_last_ten_minutes_and_are_no_other_tests() -> None:
    stage = Stage(WITH_TURN)
    one = stage.open("test-b", room="connection-test-1", gives_way=True)
    other = stage.open("test-b", room="connection-test-2", gives_way=True)

    (expiry, user), (_, other_user) = (
        client.sink.last("join").ice_servers[0].username.split(":") for client in (one, other)
    )
    assert 0 < int(expiry) - clock.wall() <= 600
    assert user != other_user, "each has a quota of its own"


def test_metadata_is_not_leaked_to_a_closed_sink() -> None:
    """A sink that is closed gets nothing more; `Sink.send` asserts it."""
    stage = Stage()
    alice, bob = stage.join("alice"), stage.join("bob")
    alice.participant.close_signal("gone")
    bob.publish("mic", AUDIO, MICROPHONE)
    stage.settle()

    assert isinstance(alice.sink, Sink)
    assert alice.participant.sink is None
