"""Data packets: who may send, who gets them, and that nobody can speak for another."""

from typing import Any

import pytest
from livekit.protocol import models

from relay import clock
from relay.datapackets import LOSSY_BURST_BYTES, RELIABLE_BURST_BYTES
from relay.messages import Action
from relay.permissions import Permission
from relay.tests.stage import Client, Stage

Packet = models.DataPacket


def send(client: Client, packet: Packet, label: str = "_reliable") -> None:
    client.publisher.channels.receive(label, packet.SerializeToString())


def got(client: Client) -> list[Packet]:
    return [Packet.FromString(payload) for _, payload in client.subscriber.channels.sent]


def user(payload: bytes = b"x", **fields: Any) -> Packet:
    return Packet(user=models.UserPacket(payload=payload), **fields)


def trio() -> tuple[Stage, Client, Client, Client]:
    stage = Stage()
    return stage, stage.join("alice"), stage.join("bob"), stage.join("carol")


def test_everybody_but_the_sender_gets_it_under_the_senders_true_name() -> None:
    _, alice, bob, carol = trio()
    packet = user(participant_identity="bob", participant_sid="PA_forged")
    packet.user.participant_identity = "bob"
    send(alice, packet)

    assert not got(alice)
    for client in (bob, carol):
        (received,) = got(client)
        assert received.participant_identity == received.user.participant_identity == "alice"
        assert received.participant_sid == received.user.participant_sid == alice.participant.sid


@pytest.mark.parametrize("label", ["_reliable", "_lossy"])
def test_it_leaves_on_the_channel_it_came_on(label: str) -> None:
    _, alice, bob, _ = trio()
    send(alice, user(), label)

    assert [sent for sent, _ in bob.subscriber.channels.sent] == [label]


@pytest.mark.parametrize(
    "packet",
    [
        user(destination_identities=["bob"]),
        Packet(user=models.UserPacket(payload=b"x", destination_identities=["bob"])),
    ],
)
def test_destinations_are_kept(packet: Packet) -> None:
    _, alice, bob, carol = trio()
    send(alice, packet)

    assert len(got(bob)) == 1
    assert not got(carol)


def test_destinations_by_sid() -> None:
    _, alice, bob, carol = trio()
    send(alice, Packet(user=models.UserPacket(destination_sids=[carol.participant.sid])))

    assert not got(bob)
    assert len(got(carol)) == 1


def test_repeated_reliable_packets_are_dropped_and_sequences_kept() -> None:
    stage, alice, bob, _ = trio()
    for sequence in (1, 2, 2, 1, 3):
        send(alice, user(sequence=sequence))

    assert [packet.sequence for packet in got(bob)] == [1, 2, 3]
    assert stage.counters["data_repeated"] == 2


def test_without_the_right_nothing_is_sent() -> None:
    stage = Stage()
    eve = stage.join("eve", permission=Permission(can_publish_data=False))
    bob = stage.join("bob")
    send(eve, user())

    assert not got(bob)
    assert stage.counters["data_forbidden"] == 1


def test_fields_of_the_future_pass() -> None:
    """An unknown member (field 200, three bytes) stands for what clients will invent."""
    _, alice, bob, _ = trio()
    unknown = bytes([0xC2, 0x0C, 0x03]) + b"new"
    alice.publisher.channels.receive("_reliable", user().SerializeToString() + unknown)

    assert unknown in bob.subscriber.channels.sent[0][1]


@pytest.mark.parametrize(
    "packet",
    [
        Packet(speaker=models.ActiveSpeakerUpdate()),
        Packet(transcription=models.Transcription(transcribed_participant_identity="bob")),
    ],
)
def test_what_only_servers_and_agents_say_is_dropped(packet: Packet) -> None:
    stage, alice, bob, _ = trio()
    send(alice, packet)

    assert not got(bob)
    assert stage.counters["data_forbidden"] == 1


def test_an_agent_may_name_whose_words_it_transcribed_but_not_in_other_packets() -> None:
    stage = Stage()
    agent = stage.join("captioner", kind=models.ParticipantInfo.AGENT)
    bob = stage.join("bob")
    header = models.DataStream.Header(text_header=models.DataStream.TextHeader(generated=True))
    send(agent, Packet(participant_identity="alice", stream_header=header))
    send(agent, user(participant_identity="alice"))

    assert [packet.participant_identity for packet in got(bob)] == ["alice", "captioner"]


def test_metrics_go_only_to_those_who_may_have_them() -> None:
    stage = Stage()
    alice, bob = stage.join("alice"), stage.join("bob")
    monitor = stage.join("monitor", permission=Permission(can_subscribe_metrics=True))
    packet = Packet()
    packet.metrics.SetInParent()
    send(alice, packet)

    assert not got(bob)
    assert len(got(monitor)) == 1


@pytest.mark.parametrize(
    ("label", "payload", "counter"),
    [("_reliable", b"\xff\xff", "data_malformed"), ("_data_track", b"", "data_ignored"), ("x", b"", "data_ignored")],
)
def test_rubbish_is_counted(label: str, payload: bytes, counter: str) -> None:
    stage, alice, bob, _ = trio()
    alice.publisher.channels.receive(label, payload)

    assert stage.counters[counter] == 1
    assert not got(bob)


def test_somebody_who_left_cannot_speak_any_more() -> None:
    stage, alice, bob, _ = trio()
    channels = alice.publisher.channels
    stage.rooms.by_name["council"].remove(alice.participant, 0)
    channels.receive("_reliable", user().SerializeToString())

    assert not got(bob)


def test_reliable_data_waits_for_a_channel_that_is_about_to_open() -> None:
    stage, alice, bob, carol = trio()
    channels = bob.subscriber.channels
    channels.is_open = False
    for number in range(70):
        send(alice, user(b"%d" % number))
    send(alice, user(), "_lossy")
    assert len(got(carol)) == 71
    assert stage.counters["data_undelivered"] == 7

    channels.is_open = True
    assert channels.on_open is not None
    channels.on_open()
    assert [packet.user.payload for packet in got(bob)] == [b"%d" % number for number in range(64)]


def test_who_does_not_drain_reliable_data_must_rejoin() -> None:
    stage, _, bob, _ = trio()
    assert bob.subscriber.channels.on_overflow is not None
    bob.subscriber.channels.on_overflow()
    assert "leave" not in bob.sink.names(), "not from within the sending loop"
    stage.settle()

    assert bob.sink.last("leave").action == Action.RECONNECT


def test_who_is_connected_by_the_publisher_receives_there() -> None:
    stage = Stage()
    alice = stage.join("alice")
    speaker = stage.join("speaker", permission=Permission(can_subscribe=False))
    send(alice, user())

    assert len(speaker.publisher.channels.sent) == 1


# --- how much


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes, so that nothing is allowed again meanwhile."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)


def crowd(count: int) -> tuple[Stage, Client, list[Client]]:
    stage = Stage()
    return stage, stage.join("alice"), [stage.join(f"guest{number}") for number in range(count)]


def test_chat_and_a_picture_to_a_hundred_people_are_never_held() -> None:
    stage, alice, people = crowd(100)
    for number in range(20):
        send(alice, user(bytes(2000), sequence=number + 1))
    send(alice, user(bytes(40_000), sequence=21))
    assert alice.publisher.channels.holds == []
    assert all(len(got(person)) == 21 for person in people)
    assert not stage.counters.get("data_held")


@pytest.mark.usefixtures("still_clock")
def test_reliable_data_beyond_the_share_is_held_and_none_of_it_lost() -> None:
    stage, alice, people = crowd(4)
    count = RELIABLE_BURST_BYTES // (4 * 60_000) + 2
    for number in range(count):
        send(alice, user(bytes(60_000), sequence=number + 1))
    assert len(got(people[0])) == count
    holds = alice.publisher.channels.holds
    assert len(holds) == stage.counters["data_held"] == 2
    assert 0.05 < holds[-1] < 0.5
    assert not people[0].publisher.channels.holds, "others go on as before"


@pytest.mark.usefixtures("still_clock")
def test_many_small_packets_cost_as_much_as_full_ones() -> None:
    _, alice, _ = crowd(4)
    for number in range(RELIABLE_BURST_BYTES // (4 * 1024) + 5):
        send(alice, user(b"x", sequence=number + 1))
    assert alice.publisher.channels.holds


@pytest.mark.parametrize("payload", [b"\xff" * 10, user(sequence=1).SerializeToString()])
@pytest.mark.usefixtures("still_clock")
def test_what_reaches_nobody_is_counted_like_the_rest(payload: bytes) -> None:
    stage, alice, _ = crowd(1)
    for _ in range(RELIABLE_BURST_BYTES // 1024 + 5):
        alice.publisher.channels.receive("_reliable", payload)
    assert alice.publisher.channels.holds
    assert stage.counters["data_held"] == 5


@pytest.mark.usefixtures("still_clock")
def test_lossy_data_beyond_the_share_is_dropped_and_leaves_the_reliable_alone() -> None:
    stage, alice, people = crowd(2)
    packet = user(bytes(1200))
    fits = LOSSY_BURST_BYTES // (2 * packet.ByteSize()) + 1
    for _ in range(fits + 50):
        send(alice, packet, "_lossy")
    assert len(got(people[0])) == fits
    assert stage.counters["data_over_rate"] == 50
    before = len(got(people[1]))
    send(alice, user(b"a word", sequence=1))
    assert len(got(people[1])) == before + 1
    assert alice.publisher.channels.holds == []


@pytest.mark.usefixtures("still_clock")
def test_a_sender_waits_for_who_is_behind_but_not_for_ever() -> None:
    stage, alice, people = crowd(2)
    people[0].subscriber.channels.is_behind = True
    send(alice, user(bytes(32 << 10), sequence=1))
    send(alice, user(b"a word", sequence=2))
    long, short = alice.publisher.channels.holds
    assert 0.9 < long < 1.2
    assert short < 0.01
    assert stage.counters["data_receiver_behind"] == 2
    send(alice, user(bytes(32 << 10), sequence=3, destination_identities=["guest1"]))
    assert len(alice.publisher.channels.holds) == 2, "who is behind is none of the receivers"
