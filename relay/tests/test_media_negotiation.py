"""Tracks: announced, published, subscribed, muted, ended; and who may offer when."""

import pytest
from livekit.protocol import models, rtc

from relay import clock, sdp
from relay.messages import Action
from relay.permissions import Permission
from relay.router import Layer
from relay.tests.stage import AUDIO, CAMERA, MICROPHONE, VIDEO, Client, Stage, answer_to, listener

DATA = models.TrackType.DATA
SCREEN = models.TrackSource.SCREEN_SHARE


def two() -> tuple[Stage, Client, Client]:
    stage = Stage()
    return stage, stage.join("alice"), stage.join("bob")


def directions(offer: str) -> list[str]:
    return [section.direction for section in sdp.parse(offer).sections if section.is_media]


# Publishing


def test_a_track_is_told_to_its_publisher_at_once_and_to_others_with_its_first_packet() -> None:
    stage, alice, bob = two()
    alice.add_track("mic")
    published = alice.sink.last("track_published")
    assert published.cid == "mic"
    assert published.track.sid.startswith("TR_AM")

    alice.offer(alice.with_section("mic", "audio"), 3)
    stage.settle()
    assert alice.sink.last("answer").id == 3
    assert not bob.participant.subscribing.subscriptions

    alice.up(published.track.sid).first_packet()
    stage.settle()
    seen = bob.sink.last("update").participants[0]
    assert [track.sid for track in seen.tracks] == [published.track.sid]
    assert seen.tracks[0].mime_type == "audio/opus"
    assert seen.is_publisher
    assert bob.sink.names().index("offer") < len(bob.sink.names())
    assert stage.event_names()[-1] == "track_published"


def test_the_update_with_a_track_precedes_the_offer_with_it() -> None:
    _, alice, bob = two()
    info = alice.publish("mic")

    names = [
        (message.WhichOneof("message"), info.sid in str(message))
        for message in bob.sink.sent
        if message.WhichOneof("message") in ("update", "offer")
    ]
    assert names.index(("update", True)) < names.index(("offer", True))
    offer = bob.sink.last("offer").sdp
    assert f"a=msid:{alice.participant.sid}|{info.sid} {info.sid}" in offer


def test_a_section_before_its_add_track_is_bound_when_that_comes() -> None:
    stage, alice, bob = two()
    alice.offer(alice.with_section("mic", "audio"))
    assert not alice.publisher.sections
    alice.add_track("mic")

    sid = alice.sink.last("track_published").track.sid
    assert [id(section.track) for section in alice.publisher.sections] == [id(alice.up(sid))]
    alice.up(sid).first_packet()
    stage.settle()
    assert bob.participant.subscribing.subscriptions


def test_a_renamed_track_id_is_matched_by_kind() -> None:
    _, alice, _ = two()
    alice.add_track("mic")
    alice.add_track("cam", VIDEO, CAMERA)
    alice.offer(alice.with_section("{other-1}", "video"))

    bound = {track.info.source: track.up is not None for track in alice.participant.publishing.tracks.values()}
    assert bound == {MICROPHONE: False, CAMERA: True}


@pytest.mark.parametrize("order", ["q;h;f", "f;h;q"])
def test_simulcast_layers_get_their_sizes_from_the_add_track(order: str) -> None:
    """Browsers list the lowest layer first, the Rust core of the other SDKs the highest."""
    _, alice, _ = two()
    layers = [
        models.VideoLayer(quality=models.VideoQuality.LOW, width=320, height=180, bitrate=160_000),
        models.VideoLayer(quality=models.VideoQuality.MEDIUM, width=640, height=360, bitrate=450_000),
        models.VideoLayer(quality=models.VideoQuality.HIGH, width=1280, height=720, bitrate=1_700_000),
    ]
    alice.add_track("cam", VIDEO, CAMERA, layers=layers, width=1280, height=720)
    text = alice.with_section("cam", "video").replace(
        "a=msid:stream cam",
        "a=msid:stream cam\r\na=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send " + order,
    )
    alice.offer(text)

    track = next(iter(alice.participant.publishing.tracks.values()))
    assert alice.up(track.sid).layers == [
        Layer(0, "q", 320, 180, 160_000),
        Layer(1, "h", 640, 360, 450_000),
        Layer(2, "f", 1280, 720, 1_700_000),
    ]
    section = alice.publisher.sections[0]
    assert section.rids == ("q", "h", "f")
    assert section.payload_types == {96: "video/vp8", 97: "video/rtx"}
    assert section.rtx == {97: 96}
    assert f"a=simulcast:recv {order}" in alice.sink.last("answer").sdp


def test_h264_is_taken_when_the_client_asks_for_it() -> None:
    stage, alice, bob = two()
    alice.add_track("cam", VIDEO, CAMERA, simulcast_codecs=[rtc.SimulcastCodec(codec="h264", cid="cam")])
    alice.offer(alice.with_section("cam", "video"))
    track = next(iter(alice.participant.publishing.tracks.values()))
    alice.up(track.sid).first_packet()
    stage.settle()

    assert track.info.mime_type == "video/H264"
    assert "m=video 9 UDP/TLS/RTP/SAVPF 102\r\n" in alice.sink.last("answer").sdp
    assert "a=rtpmap:125 H264/90000" in bob.sink.last("offer").sdp
    assert "profile-level-id=42e01f" in bob.sink.last("offer").sdp


def test_a_section_that_stops_sending_ends_its_track() -> None:
    stage, alice, bob = two()
    info = alice.publish("mic")
    bob.answer_all()
    down = bob.downs()[0]
    up = alice.up(info.sid)
    alice.offer(alice.without_section("mic"))
    stage.settle()

    assert down.is_stopped
    assert up.is_closed
    assert not alice.publisher.sections
    assert bob.sink.last("update").participants[0].tracks == []
    assert stage.event_names()[-1] == "track_unpublished"
    assert directions(bob.sink.last("offer").sdp) == ["inactive"]


def test_republishing_in_the_same_section_reuses_ours_after_it_was_seen_inactive() -> None:
    stage, alice, bob = two()
    alice.publish("mic")
    bob.answer_all()
    alice.offer(alice.without_section("mic"))
    stage.settle()
    bob.answer_all()
    alice.add_track("mic-2")
    alice.offer(alice.with_section("mic-2", "audio", mid="0"))
    sid = alice.sink.last("track_published").track.sid
    alice.up(sid).first_packet()
    stage.settle()
    bob.answer_all()

    offer = bob.sink.last("offer").sdp
    assert directions(offer) == ["sendonly"]
    assert sid in offer
    assert [down.up for down in bob.downs()] == [alice.up(sid)]


def test_unpublish_and_publish_within_one_offer() -> None:
    stage, alice, _ = two()
    old = alice.publish("mic")
    alice.add_track("mic-2")
    alice.offer(alice.with_section("mic-2", "audio", mid="0"))
    stage.settle()

    new = alice.sink.last("track_published").track.sid
    assert set(alice.participant.publishing.tracks) == {new}
    assert old.sid not in alice.participant.room.tracks
    assert id(alice.publisher.sections[0].track) == id(alice.up(new))


def test_the_same_media_again_is_queued_until_the_first_ends() -> None:
    _, alice, _ = two()
    alice.publish("mic")
    alice.add_track("mic")
    assert alice.sink.last("request_response").reason == rtc.RequestResponse.QUEUED
    assert len(alice.sink.all("track_published")) == 1

    alice.offer(alice.without_section("mic"))
    assert len(alice.sink.all("track_published")) == 2


def test_a_muted_track_is_announced_without_media_and_a_slow_one_after_a_second() -> None:
    stage, alice, bob = two()
    alice.add_track("mic", muted=True)
    alice.offer(alice.with_section("mic", "audio"))
    stage.settle()
    assert [track.muted for track in bob.sink.last("update").participants[0].tracks] == [True]

    alice.add_track("cam", VIDEO, CAMERA)
    alice.offer(alice.with_section("cam", "video"))
    alice.participant.tick(clock.now())
    assert len(alice.participant.publishing.announced) == 1
    alice.participant.tick(clock.now() + 1.1)
    assert len(alice.participant.publishing.announced) == 2


def test_mute_stops_forwarding_and_is_told_to_everybody() -> None:
    stage, alice, bob = two()
    info = alice.publish("mic")
    alice.send(mute=rtc.MuteTrackRequest(sid=info.sid, muted=True))
    stage.settle()

    assert alice.up(info.sid).is_muted
    for client in (alice, bob):
        assert client.sink.last("update").participants[0].tracks[0].muted
    alice.send(mute=rtc.MuteTrackRequest(sid="TR_nothing", muted=True))
    assert alice.sink.last("request_response").reason == rtc.RequestResponse.NOT_FOUND


@pytest.mark.parametrize(
    ("permission", "kind", "source", "reason"),
    [
        (listener(), AUDIO, MICROPHONE, "NOT_ALLOWED"),
        (Permission(sources=frozenset({int(MICROPHONE)})), VIDEO, CAMERA, "NOT_ALLOWED"),
        (Permission(sources=frozenset({int(MICROPHONE)})), VIDEO, models.TrackSource.UNKNOWN, "NOT_ALLOWED"),
        (Permission(sources=frozenset({int(MICROPHONE)})), VIDEO, MICROPHONE, "NOT_ALLOWED"),
        (Permission(sources=frozenset({int(SCREEN)})), AUDIO, SCREEN, "NOT_ALLOWED"),
        (Permission(), VIDEO, MICROPHONE, "NOT_ALLOWED"),
        (Permission(), AUDIO, CAMERA, "NOT_ALLOWED"),
        (Permission(), VIDEO, 77, "NOT_ALLOWED"),
        (Permission(), DATA, MICROPHONE, "UNSUPPORTED_TYPE"),
    ],
)
def test_a_forbidden_track_is_refused_and_its_media_goes_nowhere(
    permission: Permission, kind: int, source: int, reason: str
) -> None:
    stage = Stage()
    alice = stage.join("alice", permission=permission)
    alice.add_track("x", kind, source)
    alice.offer(alice.with_section("x", "video"))

    response = alice.sink.last("request_response")
    assert response.reason == rtc.RequestResponse.Reason.Value(reason)
    assert response.add_track.cid == "x"
    assert not alice.publisher.sections


def test_a_source_that_nobody_names_is_for_tokens_without_a_list() -> None:
    alice = Stage().join("alice")
    for kind in (AUDIO, VIDEO):
        alice.add_track(f"x{kind}", kind, models.TrackSource.UNKNOWN)
    assert [track.kind for track in alice.participant.publishing.tracks.values()] == ["audio", "video"]


def test_pictures_do_not_pass_in_the_section_of_a_microphone() -> None:
    stage = Stage()
    eve = stage.join("eve", permission=Permission(sources=frozenset({int(MICROPHONE)})))
    eve.add_track("mic")
    eve.offer(eve.with_section("mic", "video"))
    assert not eve.publisher.sections
    eve.offer(eve.with_section("mic", "audio", mid="0"))
    (section,) = eve.publisher.sections
    assert set(section.payload_types.values()) == {"audio/opus"}

    eve.offer(eve.with_section("mic", "video", mid="0"))
    assert not eve.publisher.sections, "the same section, video from now on"
    assert not eve.participant.publishing.tracks
    assert stage.counters["offers_invalid"] == 0


def test_losing_a_source_ends_its_track_and_its_section_serves_no_other() -> None:
    stage, alice, bob = two()
    mic = alice.publish("mic")
    screen = alice.publish("screen", VIDEO, SCREEN)
    alice.participant.set_permission(Permission(sources=frozenset({int(MICROPHONE), int(CAMERA)})))
    stage.settle()

    assert alice.sink.last("track_unpublished").track_sid == screen.sid
    assert set(alice.participant.publishing.tracks) == {mic.sid}
    assert [track.sid for track in bob.sink.last("update").participants[0].tracks] == [mic.sid]
    alice.add_track("cam", VIDEO, CAMERA)
    alice.offer(alice.offer_text())
    assert len(alice.publisher.sections) == 1, "the screen's packets must not pass as the camera"


@pytest.mark.parametrize(("source", "limit"), [(models.TrackSource.UNKNOWN, 32), (MICROPHONE, 4)])
def test_a_client_has_a_limit_of_tracks(source: int, limit: int) -> None:
    stage = Stage()
    alice = stage.join("alice")
    for number in range(40):
        alice.add_track(f"mic-{number}", AUDIO, source)

    assert len(alice.participant.publishing.tracks) == limit
    assert alice.sink.last("request_response").reason == rtc.RequestResponse.LIMIT_EXCEEDED


def test_who_publishes_without_end_is_refused_for_a_while_also_after_a_rejoin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each track that begins and ends is told to everybody and makes two events, which are rows of the portal's."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    stage = Stage()
    eve = stage.join("eve")
    alice = stage.join("alice")
    for number in range(200):
        cid = f"mic-{number}"
        eve.add_track(cid, muted=True)
        eve.offer(eve.with_section(cid, "audio", mid="0" if number else None))
        eve.offer(eve.without_section(cid))
    assert stage.event_names().count("track_published") <= 42
    assert stage.event_names().count("track_published") == stage.event_names().count("track_unpublished")
    assert stage.counters["publishing_too_often"] >= 150
    eve = stage.join("eve")
    eve.add_track("mic")
    assert eve.sink.last("request_response").reason == rtc.RequestResponse.LIMIT_EXCEEDED
    alice.publish("mic")

    now += 2
    eve.publish("mic")
    assert len(alice.participant.subscribing.subscriptions) == 1


def test_a_publisher_that_waits_for_dtls_is_called() -> None:
    """pion answers `passive`, and may as well offer it."""
    stage = Stage()
    alice = stage.join("alice")
    alice.offer(alice.with_section("mic", "audio").replace("setup:actpass", "setup:passive"))

    assert "a=setup:active" in alice.sink.last("answer").sdp
    assert alice.publisher.started[-1]["remote_setup"] == "passive"


# Subscribing


def test_a_down_track_starts_with_the_answer_that_shows_it_and_not_before() -> None:
    stage, alice, bob = two()
    alice.publish("mic")
    assert not bob.downs()
    camera = alice.publish("cam", VIDEO, CAMERA)  # after the offer with the microphone was written
    stage.settle()
    first = bob.sink.last("offer")
    assert camera.sid not in first.sdp, "one offer at a time"

    bob.answer()
    assert [down.payload_type for down in bob.downs()] == [111]
    stage.settle()
    assert camera.sid in bob.sink.last("offer").sdp
    bob.answer()
    assert sorted(down.payload_type for down in bob.downs()) == [96, 111]
    assert all(down.is_started for down in bob.downs())


def test_accepted_extensions_reach_the_down_track() -> None:
    _, alice, bob = two()
    alice.publish("mic")
    text = answer_to(bob.sink.last("offer").sdp)
    lines = [line for line in text.split("\r\n") if "transport-wide-cc" not in line]
    bob.answer("\r\n".join(lines))

    assert bob.downs()[0].extensions == {"abs-send-time": 2, "audio-level": 4}


def test_unexpected_and_stale_answers_are_counted_and_ignored() -> None:
    stage, alice, bob = two()
    text = answer_to(bob.sink.last("offer").sdp)
    bob.send(answer=rtc.SessionDescription(type="answer", sdp=text, id=1))
    assert stage.counters["answers_unexpected"] == 1

    alice.publish("mic")
    bob.send(answer=rtc.SessionDescription(type="answer", sdp=text, id=999))
    assert stage.counters["answers_unexpected"] == 2
    assert not bob.downs()
    bob.answer()
    assert bob.downs()


def test_a_client_that_does_not_answer_must_rejoin() -> None:
    _, alice, bob = two()
    alice.publish("mic")
    bob.participant.tick(clock.now() + 14)
    assert "leave" not in bob.sink.names()
    now = clock.now() + 16
    bob.participant.signal_at = now
    bob.participant.tick(now)

    assert bob.sink.last("leave").action == Action.RECONNECT


def test_unsubscribing_stops_at_once_and_subscribing_again_brings_it_back() -> None:
    stage, alice, bob = two()
    info = alice.publish("mic")
    bob.answer_all()
    down = bob.downs()[0]
    bob.send(subscription=rtc.UpdateSubscription(track_sids=[info.sid], subscribe=False))
    assert down.is_stopped
    bob.send(subscription=rtc.UpdateSubscription(track_sids=[info.sid], subscribe=False))
    stage.settle()
    bob.answer_all()
    assert directions(bob.sink.last("offer").sdp) == ["inactive"]

    tracks = models.ParticipantTracks(participant_sid=alice.participant.sid, track_sids=[info.sid])
    bob.send(subscription=rtc.UpdateSubscription(participant_tracks=[tracks], subscribe=True))
    stage.settle()
    bob.answer_all()
    assert len(bob.downs()) == 1


@pytest.mark.parametrize(("sdk", "sections"), [("js", 1), ("python", 2)])
def test_the_same_track_again_gets_a_new_section_where_the_sdk_needs_one(sdk: str, sections: int) -> None:
    """The Rust core tells its application of a (mid, stream) only once; browsers each time."""
    stage = Stage()
    alice = stage.join("alice")
    bob = stage.join("bob", client={"sdk": sdk})
    info = alice.publish("mic")
    bob.answer_all()
    for subscribe in (False, True):
        bob.send(subscription=rtc.UpdateSubscription(track_sids=[info.sid], subscribe=subscribe))
        stage.settle()
        bob.answer_all()

    assert len(directions(bob.sink.last("offer").sdp)) == sections
    assert len(bob.downs()) == 1


def test_a_section_never_shows_the_same_ssrc_twice_in_a_row() -> None:
    """libwebrtc decodes what comes back under the SSRC that its section had, but shows no picture of it."""
    stage = Stage()
    alice = stage.join("alice")
    bob = stage.join("bob", client={"sdk": "js"})
    info = alice.publish("cam", VIDEO, CAMERA)
    bob.answer_all()
    shown = []
    for _ in range(3):
        shown += [section.ssrcs for section in sdp.parse(bob.sink.last("offer").sdp).sections if section.is_media]
        assert [(down.ssrc,) for down in bob.downs()] == [shown[-1]]
        for subscribe in (False, True):
            bob.send(subscription=rtc.UpdateSubscription(track_sids=[info.sid], subscribe=subscribe))
            stage.settle()
            bob.answer_all()
    first, second = alice.up(info.sid).ssrcs
    assert shown == [(first,), (second,), (first,)]


def test_unsubscribed_between_offer_and_answer_nothing_starts() -> None:
    stage, alice, bob = two()
    info = alice.publish("mic")
    bob.send(subscription=rtc.UpdateSubscription(track_sids=[info.sid], subscribe=False))
    bob.answer_all()

    assert not bob.downs()
    assert not any(down.is_started for down in stage.media.downs)


def test_without_auto_subscribe_only_what_is_asked_for_also_before_it_exists() -> None:
    stage = Stage()
    alice = stage.join("alice")
    bob = stage.join("bob", auto_subscribe=False)
    mic = alice.publish("mic")
    assert not bob.participant.subscribing.subscriptions

    bob.send(subscription=rtc.UpdateSubscription(track_sids=[mic.sid, "TR_unknown"], subscribe=True))
    assert set(bob.participant.subscribing.subscriptions) == {mic.sid}
    bob.participant.subscribing.tick(clock.now() + 21)
    failed = bob.sink.last("subscription_response")
    assert (failed.track_sid, failed.err) == ("TR_unknown", models.SubscriptionError.SE_TRACK_NOTFOUND)


def test_a_late_joiner_gets_everything_in_its_first_offer() -> None:
    stage, alice, _ = two()
    alice.publish("mic")
    alice.publish("cam", VIDEO, CAMERA)
    carol = stage.open("carol")
    stage.settle()

    assert len(carol.sink.all("offer")) == 1
    assert directions(carol.sink.last("offer").sdp) == ["sendonly", "sendonly"]
    assert len(carol.sink.last("join").other_participants[0].tracks) == 2


def test_settings_count_also_before_the_down_track_exists() -> None:
    _, alice, bob = two()
    info = alice.publish("cam", VIDEO, CAMERA)
    quality = models.VideoQuality.MEDIUM
    bob.send(track_setting=rtc.UpdateTrackSettings(track_sids=[info.sid], quality=quality, width=640, height=360))
    bob.answer_all()

    expected = {"disabled": False, "quality": 1, "width": 640, "height": 360, "fps": 0}
    assert bob.downs()[0].wanted == expected
    bob.send(track_setting=rtc.UpdateTrackSettings(track_sids=[info.sid], disabled=True))
    assert bob.downs()[0].wanted["disabled"]


@pytest.mark.parametrize(("adaptive", "quality"), [(True, 0), (False, 2)])
def test_pages_with_adaptive_stream_begin_with_the_lowest_layer(adaptive: bool, quality: int) -> None:
    stage = Stage()
    alice = stage.join("alice")
    bob = stage.join("bob", adaptive_stream=adaptive)
    alice.publish("cam", VIDEO, CAMERA)
    bob.answer_all()

    assert bob.downs()[0].wanted["quality"] == quality


@pytest.mark.parametrize("by_port", [False, True])
def test_a_codec_that_the_client_refuses_is_reported_and_not_offered_again(by_port: bool) -> None:
    stage, alice, bob = two()
    h264 = [rtc.SimulcastCodec(codec="h264")]
    info = alice.publish("cam", VIDEO, CAMERA, simulcast_codecs=h264)
    bob.answer(answer_to(bob.sink.last("offer").sdp, refuse_mid="1", refuse_port=by_port))
    stage.settle()

    failed = bob.sink.last("subscription_response")
    assert (failed.track_sid, failed.err) == (info.sid, models.SubscriptionError.SE_CODEC_UNSUPPORTED)
    bob.answer_all()
    assert not bob.downs()
    offers = len(bob.sink.all("offer"))
    bob.participant.set_permission(Permission(can_publish=False))  # all rights are looked at anew
    stage.settle()
    assert not bob.participant.subscribing.subscriptions
    assert len(bob.sink.all("offer")) == offers

    again = alice.publish("screen", VIDEO, SCREEN, simulcast_codecs=h264)
    assert bob.sink.last("subscription_response").track_sid == again.sid
    assert {section.direction for section in sdp.parse(bob.sink.last("offer").sdp).sections[1:]} == {"inactive"}
    bob.answer_all()
    assert len(bob.sink.all("offer")) <= offers + 1


def test_a_section_that_a_client_stopped_is_never_used_again() -> None:
    """Firefox answers an unknown codec with port 0, which stops the transceiver (JSEP)."""
    stage, alice, bob = two()
    alice.publish("cam", VIDEO, CAMERA, simulcast_codecs=[rtc.SimulcastCodec(codec="h264")])
    bob.answer(answer_to(bob.sink.last("offer").sdp, refuse_mid="1", refuse_port=True))
    stage.settle()
    bob.answer_all()
    alice.publish("screen", VIDEO, SCREEN)
    stage.settle()

    offer = sdp.parse(bob.sink.last("offer").sdp)
    assert [(s.mid, s.port, s.direction) for s in offer.sections[1:]] == [("1", 0, "inactive"), ("2", 9, "sendonly")]
    assert offer.bundle == ("0", "2")
    bob.answer_all()
    assert len(bob.downs()) == 1


def test_the_publisher_hears_of_its_first_subscriber_once() -> None:
    stage, alice, bob = two()
    carol = stage.join("carol")
    info = alice.publish("mic")
    for client in (bob, carol):
        client.answer_all()

    assert [message.track_sid for message in alice.sink.all("track_subscribed")] == [info.sid]


def test_paused_and_resumed_streams_are_told() -> None:
    _, alice, bob = two()
    info = alice.publish("cam", VIDEO, CAMERA)
    bob.answer_all()
    bob.downs()[0].paused(True)

    state = bob.sink.last("stream_state_update").stream_states[0]
    assert (state.participant_sid, state.track_sid) == (alice.participant.sid, info.sid)
    assert state.state == rtc.StreamState.PAUSED


@pytest.mark.parametrize(
    ("wanted", "enabled"),
    [(0, [True, False, False]), (2, [True, True, True]), (None, [False, False, False])],
)
def test_the_publisher_hears_which_qualities_anybody_wants(wanted: int | None, enabled: list[bool]) -> None:
    _, alice, _ = two()
    info = alice.publish("cam", VIDEO, CAMERA)
    alice.up(info.sid).wanted(wanted)

    update = alice.sink.last("subscribed_quality_update")
    assert update.track_sid == info.sid
    assert update.subscribed_codecs[0].codec == "vp8"
    for qualities in (update.subscribed_qualities, update.subscribed_codecs[0].qualities):
        assert [(q.quality, q.enabled) for q in qualities] == list(enumerate(enabled))


def test_a_publisher_says_who_may_receive() -> None:
    stage, alice, bob = two()
    carol = stage.join("carol")
    info = alice.publish("mic")
    for client in (bob, carol):
        client.answer_all()
    down = bob.downs()[0]
    allowed = rtc.TrackPermission(participant_identity="carol", all_tracks=True)
    alice.send(subscription_permission=rtc.SubscriptionPermission(track_permissions=[allowed]))
    stage.settle()

    assert down.is_stopped
    assert carol.downs()
    told = bob.sink.last("subscription_permission_update")
    assert (told.participant_sid, told.track_sid, told.allowed) == (alice.participant.sid, info.sid, False)
    bob.send(subscription=rtc.UpdateSubscription(track_sids=[info.sid], subscribe=True))
    assert not bob.participant.subscribing.subscriptions
    bob.answer_all()

    alice.send(subscription_permission=rtc.SubscriptionPermission(all_participants=True))
    stage.settle()
    assert bob.sink.last("subscription_permission_update").allowed
    bob.answer_all()
    assert len(bob.downs()) == 1


def test_a_publisher_may_share_one_track_and_not_the_other() -> None:
    stage, alice, bob = two()
    microphone = alice.publish("mic")
    camera = alice.publish("cam", VIDEO, CAMERA)
    only = rtc.TrackPermission(participant_sid=bob.participant.sid, track_sids=[microphone.sid])
    alice.send(subscription_permission=rtc.SubscriptionPermission(track_permissions=[only]))
    stage.settle()
    bob.answer_all()
    assert list(bob.participant.subscribing.subscriptions) == [microphone.sid]
    assert bob.sink.last("subscription_permission_update").track_sid == camera.sid
    assert [down.payload_type for down in bob.downs()] == [111]


def test_losing_the_right_to_receive_stops_everything_and_getting_it_back_brings_it_back() -> None:
    stage, alice, bob = two()
    alice.publish("mic")
    bob.answer_all()
    down = bob.downs()[0]
    bob.participant.set_permission(Permission(can_subscribe=False))
    assert down.is_stopped
    stage.settle()
    bob.answer_all()

    bob.participant.set_permission(Permission())
    stage.settle()
    bob.answer_all()
    assert len(bob.downs()) == 1


def test_becoming_hidden_is_leaving_for_the_others() -> None:
    stage, alice, bob = two()
    alice.publish("mic")
    bob.answer_all()
    alice.participant.set_permission(Permission(hidden=True))
    stage.settle()

    told = bob.sink.last("update").participants
    assert [(p.identity, p.state) for p in told] == [("alice", models.ParticipantInfo.DISCONNECTED)]
    assert not bob.downs()
