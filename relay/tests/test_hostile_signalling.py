"""Whatever a client sends, it harms nobody but itself."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from livekit.protocol import models, rtc

from relay import clock, signalling
from relay.participant import State
from relay.permissions import Permission
from relay.tests.stage import AUDIO, CAMERA, VIDEO, Client, Stage, answer_to, offer_of

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


# What a message costs: calls of functions, counted, not time.


def calls_of(action: Callable[[], object]) -> int:
    """How many calls, of Python's functions and built-in ones, the action takes."""
    count = 0

    def count_call(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(count_call)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


def crowd(people: int) -> tuple[Stage, Client]:
    """Eve among people who all send and receive, and have answered everything."""
    stage = Stage()
    clients = [stage.join(f"p{number}") for number in range(people)]
    eve = stage.join("eve", permission=Permission(can_update_metadata=True))
    for client in (*clients, eve):
        client.publish("mic")
        client.publish("cam", VIDEO, CAMERA)
    for client in (*clients, eve):
        client.answer_all()
    stage.settle()
    return stage, eve


def own(eve: Client) -> str:
    return next(iter(eve.participant.publishing.tracks))


def everything(eve: Client) -> list[str]:
    return list(eve.participant.room.tracks)


def description(kind: str, text: str) -> rtc.SessionDescription:
    return rtc.SessionDescription(type=kind, sdp=text)


# The most that one message of each kind brings about, in an order in which none takes from the next what it needs.
WORST: dict[str, Callable[[Client], Any]] = {
    "track_setting": lambda eve: rtc.UpdateTrackSettings(track_sids=everything(eve), width=1),
    "sync_state": lambda eve: rtc.SyncState(track_sids_disabled=everything(eve)),
    "answer": lambda eve: description("answer", answer_to(eve.sink.last("offer").sdp)),
    "trickle": lambda eve: rtc.TrickleRequest(candidateInit="x"),
    "add_track": lambda eve: rtc.AddTrackRequest(cid="new", type=AUDIO, muted=True),
    "mute": lambda eve: rtc.MuteTrackRequest(sid=own(eve), muted=True),
    "update_audio_track": lambda eve: rtc.UpdateLocalAudioTrack(track_sid=own(eve), features=["TF_STEREO"]),
    "update_video_track": lambda eve: rtc.UpdateLocalVideoTrack(track_sid=own(eve), width=1),
    "update_metadata": lambda eve: rtc.UpdateParticipantMetadata(name="Eve", attributes={"a": "b"}),
    "ping": lambda eve: 1,
    "ping_req": lambda eve: rtc.Ping(timestamp=1),
    "publish_data_track_request": lambda eve: rtc.PublishDataTrackRequest(),
    "unpublish_data_track_request": lambda eve: rtc.UnpublishDataTrackRequest(),
    "store_data_blob_request": lambda eve: rtc.StoreDataBlobRequest(),
    "get_data_blob_request": lambda eve: rtc.GetDataBlobRequest(),
    "update_layers": lambda eve: rtc.UpdateVideoLayers(),
    "update_data_subscription": lambda eve: rtc.UpdateDataSubscription(),
    "ignored": lambda eve: None,  # a handler that several kinds share, and the name of none
    "subscription_permission": lambda eve: rtc.SubscriptionPermission(all_participants=False),
    "subscription": lambda eve: rtc.UpdateSubscription(track_sids=everything(eve), subscribe=False),
    "offer": lambda eve: description("offer", eve.without_section("mic")),
    "simulate": lambda eve: rtc.SimulateScenario(server_leave=True),
    "leave": lambda eve: rtc.LeaveRequest(),
}


def test_each_kind_of_message_has_its_worst_case_here() -> None:
    assert set(WORST) == set(signalling.HANDLERS)


@functools.cache
def costs_among(people: int) -> dict[str, int]:
    """What the worst message of each kind costs, all sent in one crowd: a large one takes long to gather."""
    stage, eve = crowd(people)
    other = stage.join("other")
    costs = {}
    for kind, worst in WORST.items():
        if kind != "ignored":
            sender = other if kind == "leave" else eve
            costs[kind] = calls_of(functools.partial(sender.send, **{kind: worst(sender)}))
    return costs


@pytest.mark.parametrize("kind", sorted(set(WORST) - {"ignored"}))
def test_what_a_message_costs_grows_with_the_people_and_not_with_their_square(kind: str) -> None:
    few, some, many = (costs_among(people)[kind] for people in (4, 8, 24))
    # From 8 to 24 people are four steps as from 4 to 8. With the square of the people it would be eleven of them.
    assert many - some <= 4 * 1.5 * max(0, some - few) + 30, f"{few} calls among 4 people, {some} among 8, {many} in 24"


def test_a_list_of_subscribers_that_says_nothing_new_costs_nothing() -> None:
    _, eve = crowd(12)
    again = {"subscription_permission": rtc.SubscriptionPermission(all_participants=True)}
    assert calls_of(lambda: eve.send(**again)) < 60


@pytest.mark.parametrize("kind", ["track_setting", "subscription", "sync_state"])
def test_a_track_named_a_thousand_times_is_looked_at_once(kind: str) -> None:
    _, eve = crowd(2)
    sid = everything(eve)[0]

    def naming(times: int) -> Any:
        if kind == "track_setting":
            return rtc.UpdateTrackSettings(track_sids=[sid] * times, width=2)
        if kind == "subscription":
            return rtc.UpdateSubscription(track_sids=[sid] * times, subscribe=True)
        return rtc.SyncState(track_sids_disabled=[sid] * times)

    eve.send(**{kind: naming(1)})
    assert calls_of(lambda: eve.send(**{kind: naming(1000)})) <= calls_of(lambda: eve.send(**{kind: naming(1)})) + 5
