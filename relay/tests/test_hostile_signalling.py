"""Whatever a client sends, it harms nobody but itself."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from livekit.protocol import models, rtc

from relay import clock, signalling
from relay.participant import State
from relay.permissions import Permission
from relay.tests.stage import AUDIO, Client, Stage, offer_of

SIDS = st.sampled_from(["TR_mic", "", "TR_\x00", "PA_x", "😀" * 40])
NUMBERS = st.sampled_from([0, 1, 2, 3, 4, 77, 2**31 - 1])
SMALL = st.integers(0, 2**32 - 1)
TEXT = st.text(max_size=30)


def number(message: Any, **fields: int) -> Any:
    """Sets enums to numbers that their stubs do not know."""
    for name, value in fields.items():
        setattr(message, name, value)
    return message


REQUESTS = st.one_of(
    st.builds(lambda s, n: {"offer": rtc.SessionDescription(type="offer", sdp=s, id=n)}, TEXT, SMALL),
    st.builds(
        lambda t, n: {"offer": rtc.SessionDescription(type="offer", sdp=offer_of([("video", "0", t, True)]), id=n)},
        TEXT,
        SMALL,
    ),
    st.builds(lambda s, n: {"answer": rtc.SessionDescription(sdp=s, id=n)}, TEXT, SMALL),
    st.builds(
        lambda c, n, t, s, q: {
            "add_track": number(
                rtc.AddTrackRequest(cid=c, name=n, layers=[number(models.VideoLayer(width=q), quality=q % 2**31)]),
                type=t,
                source=s,
            )
        },
        TEXT,
        TEXT,
        NUMBERS,
        NUMBERS,
        SMALL,
    ),
    st.builds(lambda s, m: {"mute": rtc.MuteTrackRequest(sid=s, muted=m)}, SIDS, st.booleans()),
    st.builds(
        lambda s, w: {"subscription": rtc.UpdateSubscription(track_sids=s, subscribe=w)}, st.lists(SIDS), st.booleans()
    ),
    st.builds(
        lambda s, q, w: {"track_setting": number(rtc.UpdateTrackSettings(track_sids=s, width=w, fps=w), quality=q)},
        st.lists(SIDS),
        NUMBERS,
        SMALL,
    ),
    st.builds(lambda n, a: {"update_metadata": rtc.UpdateParticipantMetadata(name=n, attributes={n: a})}, TEXT, TEXT),
    st.builds(lambda t: {"trickle": rtc.TrickleRequest(candidateInit=t)}, TEXT),
    st.builds(lambda a: {"subscription_permission": rtc.SubscriptionPermission(all_participants=a)}, st.booleans()),
    st.builds(lambda s: {"update_video_track": rtc.UpdateLocalVideoTrack(track_sid=s)}, SIDS),
    st.builds(lambda n: {"ping": n}, SMALL),
    st.builds(lambda s: {"sync_state": rtc.SyncState(track_sids_disabled=s)}, st.lists(SIDS)),
    st.builds(lambda n: {"leave": number(rtc.LeaveRequest(), reason=n)}, NUMBERS),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(REQUESTS, max_size=12))
def test_any_sequence_of_requests_leaves_the_others_alone(requests: list[dict[str, Any]]) -> None:
    stage = Stage()
    bob = stage.join("bob")
    mic = bob.publish("mic")
    eve = stage.join("eve", permission=Permission(can_update_metadata=True))
    for request in requests:
        eve.send(**request)
        stage.settle()
    stage.rooms.tick(clock.now() + 1)
    stage.rooms.tick_quality()
    stage.rooms.tick_speakers()

    assert bob.participant.state == State.ACTIVE
    assert set(bob.participant.publishing.tracks) == {mic.sid}
    carol = stage.join("carol")
    carol.answer_all()
    assert any(down.up is bob.up(mic.sid) for down in carol.downs())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_survived(payload: bytes) -> None:
    stage = Stage()
    alice = stage.join("alice")
    signalling.receive(alice.participant, payload)


def test_a_message_that_names_too_many_tracks_is_cut_and_counted() -> None:
    stage = Stage()
    alice = stage.join("alice")
    sids = [f"TR_{n}" for n in range(signalling.MAX_TRACK_SIDS + 10)]
    alice.send(subscription=rtc.UpdateSubscription(track_sids=sids, subscribe=True))

    assert stage.counters["signals_oversize"] == 1


def test_turning_a_track_off_by_quality_pauses_it() -> None:
    stage = Stage()
    alice, bob = stage.join("alice"), stage.join("bob")
    info = alice.publish("mic", AUDIO)
    bob.answer_all()
    off = rtc.UpdateTrackSettings(track_sids=[info.sid], quality=models.VideoQuality.OFF)
    bob.send(track_setting=off)

    (down,) = Client.downs(bob)
    assert down.wanted["disabled"]
    assert down.wanted["quality"] == 2
