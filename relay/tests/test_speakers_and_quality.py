"""Active speakers and connection quality, from what the media half measures."""

import pytest
from livekit.protocol import models, rtc

from relay import quality, speakers
from relay.audio import Loudness
from relay.permissions import Permission
from relay.router import TrackStats
from relay.tests.stage import AUDIO, CAMERA, MICROPHONE, VIDEO, Client, Stage

QUALITY = models.ConnectionQuality


def test_who_is_hidden_is_no_speaker() -> None:
    stage = Stage()
    alice, ghost = stage.join("alice"), stage.join("ghost", permission=Permission(hidden=True))
    for person in (alice, ghost):
        person.publish("mic")
        speak(person, 10)
    stage.rooms.by_name["council"].tick_speakers()
    told = alice.sink.last("speakers_changed").speakers
    assert [s.sid for s in told] == [alice.participant.sid]


@pytest.mark.parametrize(
    ("heard", "level"),
    [
        (Loudness(20, 20, 0), 1.0),
        (Loudness(20, 20, 20), 0.1),
        (Loudness(20, 10, 20), 0.05),
        (Loudness(20, 7, 5), 0.0),  # too short to be speech
        (Loudness(20, 0, 127), 0.0),
        (Loudness(0, 0, 127), 0.0),
    ],
)
def test_the_level_of_a_window(heard: Loudness, level: float) -> None:
    assert speakers.window_level(heard) == pytest.approx(level)


def speak(client: Client, loudest: int) -> None:
    sid = next(iter(client.participant.publishing.tracks))
    client.up(sid).loudness.heard = Loudness(20, 20, loudest)


def test_speakers_are_told_as_they_change() -> None:
    stage = Stage()
    alice, bob = stage.join("alice"), stage.join("bob")
    alice.publish("mic")
    bob.publish("mic")
    room = stage.rooms.by_name["council"]

    room.tick_speakers()
    assert not alice.sink.all("speakers_changed")
    speak(alice, 10)
    speak(bob, 30)
    room.tick_speakers()
    told = alice.sink.last("speakers_changed").speakers
    assert [(s.sid, s.active) for s in told] == [(alice.participant.sid, True), (bob.participant.sid, True)]
    assert all(s.level * 8 == int(s.level * 8) for s in told)

    speak(bob, 30)
    room.tick_speakers()
    told = bob.sink.last("speakers_changed").speakers
    assert [(s.sid, s.active, s.level > 0) for s in told] == [
        (bob.participant.sid, True, True),
        (alice.participant.sid, False, False),
    ]
    count = len(bob.sink.all("speakers_changed"))
    for _ in range(3):
        speak(bob, 30)
        room.tick_speakers()
    settled = len(bob.sink.all("speakers_changed"))
    speak(bob, 30)
    room.tick_speakers()
    assert len(bob.sink.all("speakers_changed")) == settled, "nothing new, nothing sent"
    assert settled - count <= 3


def test_a_newcomer_hears_who_speaks_and_a_leaver_is_forgotten() -> None:
    stage = Stage()
    alice = stage.join("alice")
    alice.publish("mic")
    speak(alice, 5)
    room = stage.rooms.by_name["council"]
    room.tick_speakers()
    bob = stage.join("bob")
    assert [s.sid for s in bob.sink.last("speakers_changed").speakers] == [alice.participant.sid]

    room.remove(alice.participant, 0)
    carol = stage.join("carol")
    assert not carol.sink.all("speakers_changed")


@pytest.mark.parametrize(
    ("losses", "is_paused", "expected"),
    [
        ([], False, QUALITY.EXCELLENT),
        ([0.01], False, QUALITY.EXCELLENT),
        ([0.0, 0.03], False, QUALITY.GOOD),
        ([0.06], False, QUALITY.POOR),
        ([], True, QUALITY.POOR),
    ],
)
def test_quality_follows_the_worst_track(losses: list[float], is_paused: bool, expected: int) -> None:
    assert quality.rate(losses, is_paused=is_paused) == expected


def qualities(stage: Stage, *people: Client) -> list[int]:
    """The verdict on each, after everybody has been told."""
    stage.rooms.by_name["council"].tick_quality()
    return [person.participant.quality or 0 for person in people]


def test_who_sends_nothing_or_is_muted_has_an_excellent_connection() -> None:
    stage = Stage()
    alice, bob = stage.join("alice"), stage.join("bob")
    assert qualities(stage, alice, bob) == [QUALITY.EXCELLENT, QUALITY.EXCELLENT]
    for cid, kind, source in (("mic", AUDIO, MICROPHONE), ("camera", VIDEO, CAMERA)):
        info = alice.publish(cid, kind, source)
        # What the media half says of a track that is muted, or not among the loudest.
        alice.up(info.sid).reported = TrackStats(paused=True, packets=1000)
        assert qualities(stage, alice) == [QUALITY.EXCELLENT]
        # Losses before the mute weigh no longer.
        alice.up(info.sid).reported = TrackStats(loss=0.2, packets=2000)
        assert qualities(stage, alice) == [QUALITY.POOR]
        alice.send(mute=rtc.MuteTrackRequest(sid=info.sid, muted=True))
        alice.up(info.sid).reported = TrackStats(loss=0.2, packets=3000, paused=True)
        assert qualities(stage, alice) == [QUALITY.EXCELLENT]


def test_a_muted_track_of_somebody_else_says_nothing_of_ones_own_connection() -> None:
    stage = Stage()
    alice, bob = stage.join("alice"), stage.join("bob")
    info = alice.publish("mic")
    bob.answer_all()
    (down,) = bob.downs()
    down.reported = TrackStats(loss=0.2, packets=1000)
    assert qualities(stage, alice, bob) == [QUALITY.EXCELLENT, QUALITY.POOR]
    alice.send(mute=rtc.MuteTrackRequest(sid=info.sid, muted=True))
    down.reported = TrackStats(loss=0.2, packets=1001)
    assert qualities(stage, bob) == [QUALITY.EXCELLENT]


def test_a_video_that_the_link_cannot_carry_makes_it_poor() -> None:
    stage = Stage()
    alice, bob = stage.join("alice"), stage.join("bob")
    alice.publish("camera", VIDEO, CAMERA)
    bob.answer_all()
    (down,) = bob.downs()
    down.reported = TrackStats(paused=True)
    assert qualities(stage, alice, bob) == [QUALITY.EXCELLENT, QUALITY.POOR]


@pytest.mark.parametrize(
    ("arrived", "loss", "expected"),
    [
        (12, 0.08, QUALITY.EXCELLENT),  # one packet of a silent microphone
        (250, 0.08, QUALITY.POOR),
        (30, 0.9, QUALITY.POOR),  # few came, because many were lost
    ],
)
def test_one_packet_of_a_dozen_is_no_verdict(arrived: int, loss: float, expected: int) -> None:
    stage = Stage()
    alice = stage.join("alice")
    info = alice.publish("mic")
    alice.up(info.sid).reported = TrackStats(packets=1000)
    qualities(stage, alice)
    alice.up(info.sid).reported = TrackStats(packets=1000 + arrived, loss=loss)
    assert qualities(stage, alice) == [expected]


def test_quality_is_told_whole_to_newcomers_and_as_changes_to_the_others() -> None:
    stage = Stage()
    alice, bob = stage.join("alice"), stage.join("bob")
    info = alice.publish("mic")
    room = stage.rooms.by_name["council"]
    room.tick_quality()
    assert len(bob.sink.last("connection_quality").updates) == 2

    room.tick_quality()
    assert len(bob.sink.all("connection_quality")) == 1
    alice.up(info.sid).reported = TrackStats(loss=0.2, packets=500)
    room.tick_quality()
    (update,) = bob.sink.last("connection_quality").updates
    assert (update.participant_sid, update.quality) == (alice.participant.sid, QUALITY.POOR)
    carol = stage.join("carol")
    room.tick_quality()
    assert len(carol.sink.last("connection_quality").updates) == 3


def test_the_number_of_participants_is_told_once_per_change() -> None:
    stage = Stage()
    alice = stage.join("alice")
    room = stage.rooms.by_name["council"]
    for _ in range(3):
        room.tick_quality()

    assert [update.room.num_participants for update in alice.sink.all("room_update")] == [1]
