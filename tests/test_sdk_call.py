"""Stock Python SDK participants in one call: each gets the others' own picture and sound, whatever happens."""

import pytest
from livekit import rtc

from meetings.probe import Probe, ProbeOptions
from tests.calls import assert_all_meet, assert_no_stranger, in_room, leave_all, wait_for_media, wait_until
from tests.people import Person
from tests.portal import Portal

pytestmark = pytest.mark.calls

LOW, MEDIUM, HIGH = (rtc.VideoQuality.ValueType(quality) for quality in range(3))


async def test_three_people_see_and_hear_exactly_the_others(portal: Portal) -> None:
    async with in_room(portal, "three", 3) as everyone:
        await assert_all_meet(everyone)


async def test_who_comes_late_gets_what_is_already_there(portal: Portal) -> None:
    async with in_room(portal, "late", 2) as everyone:
        await assert_all_meet(everyone)
        late = Probe(3)
        everyone.append(late)
        await late.join(portal.engine_url, portal.token("late", "participant-3"))
        await assert_all_meet(everyone)


async def test_who_leaves_is_gone_for_the_others(portal: Portal) -> None:
    async with in_room(portal, "leave", 3) as everyone:
        await assert_all_meet(everyone)
        gone = everyone.pop()
        await gone.leave()
        await wait_until(
            lambda: all(gone.identity not in probe.room.remote_participants for probe in everyone),
            lambda: [list(probe.room.remote_participants) for probe in everyone],
        )
        await wait_for_media(everyone)  # what was in jitter buffers still comes out
        await assert_all_meet(everyone)


async def test_muted_sound_and_pictures_stop_and_come_back(portal: Portal) -> None:
    async with in_room(portal, "mute", 2) as everyone:
        await assert_all_meet(everyone)
        speaker, listener = everyone
        speaker.set_muted(True)
        await wait_until(lambda: listener.event_names().count("track_muted") == 2, listener.event_names)
        await _assert_silence(listener, speaker)
        speaker.set_muted(False)
        await assert_all_meet(everyone)


async def test_unpublished_tracks_end_and_published_anew_they_come_back(portal: Portal) -> None:
    async with in_room(portal, "unpublish", 2) as everyone:
        await assert_all_meet(everyone)
        speaker, listener = everyone
        await speaker.unpublish()
        await wait_until(lambda: listener.event_names().count("track_unpublished") == 2, listener.event_names)
        await speaker.publish_tone()
        await speaker.publish_card()
        await assert_all_meet(everyone)


async def test_unsubscribed_tracks_stop_and_come_back_when_subscribed_again(portal: Portal) -> None:
    async with in_room(portal, "unsubscribe", 2) as everyone:
        await assert_all_meet(everyone)
        speaker, listener = everyone
        publications = listener.room.remote_participants[speaker.identity].track_publications.values()
        for publication in publications:
            publication.set_subscribed(False)
        await wait_until(lambda: listener.event_names().count("track_unsubscribed") == 2, listener.event_names)
        await _assert_silence(listener, speaker)
        for publication in publications:
            publication.set_subscribed(True)
        await assert_all_meet(everyone)


async def test_a_layer_switch_changes_the_size_and_nothing_else(portal: Portal) -> None:
    async with in_room(portal, "layers", 2, ProbeOptions(width=960, height=528)) as everyone:
        await assert_all_meet(everyone)
        sender, watcher = everyone
        video = next(
            publication
            for publication in watcher.room.remote_participants[sender.identity].track_publications.values()
            if publication.kind == rtc.TrackKind.KIND_VIDEO
        )
        # The SDK chooses the sizes of its layers; asked for again, the same layer comes.
        for quality, narrowest, widest in ((LOW, 1, 400), (HIGH, 960, 960), (MEDIUM, 401, 959), (LOW, 1, 400)):
            video.set_video_quality(quality)
            await _assert_width(watcher, sender, narrowest, widest)
            await assert_all_meet(everyone)


async def test_a_dropped_websocket_is_resumed_without_a_new_join(portal: Portal) -> None:
    async with in_room(portal, "resume", 2) as everyone:
        await assert_all_meet(everyone)
        dropped, other = everyone
        sid = dropped.room.local_participant.sid
        await dropped.room.simulate_scenario(rtc.SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT)
        await wait_until(lambda: "reconnected" in dropped.event_names(), dropped.event_names)
        assert dropped.room.local_participant.sid == sid
        assert "participant_disconnected" not in other.event_names()
        await assert_all_meet(everyone)


async def test_a_full_reconnect_brings_everything_back(portal: Portal) -> None:
    async with in_room(portal, "rejoin", 2) as everyone:
        await assert_all_meet(everyone)
        await everyone[0].room.simulate_scenario(rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT)
        await wait_until(lambda: "reconnected" in everyone[0].event_names(), everyone[0].event_names)
        await assert_all_meet(everyone)


async def test_the_second_join_of_an_identity_takes_the_place_of_the_first(portal: Portal) -> None:
    async with in_room(portal, "duplicate", 2) as everyone:
        await assert_all_meet(everyone)
        first, other = everyone
        second = Probe(3)
        await second.join(portal.engine_url, portal.token("duplicate", first.identity))
        try:
            await wait_until(lambda: "disconnected" in first.event_names(), first.event_names)
            await wait_for_media([second, other])
            await assert_all_meet([second, other])
        finally:
            await leave_all([second])


async def test_a_hidden_participant_gets_everything_and_nobody_notices(portal: Portal) -> None:
    async with in_room(portal, "hidden", 2) as everyone:
        await assert_all_meet(everyone)
        hidden = Probe(9, ProbeOptions(audio=False, video=False))
        await hidden.join(portal.engine_url, portal.token("hidden", "recorder", hidden=True))
        try:
            await wait_until(
                lambda: hidden.sees() == {probe.identity: {probe.number} for probe in everyone} == hidden.hears(),
                lambda: (hidden.sees(), hidden.hears()),
            )
            for probe in everyone:
                assert "recorder" not in probe.room.remote_participants
                assert (
                    "participant_connected" not in probe.event_names()[probe.event_names().index("track_subscribed") :]
                )
        finally:
            await leave_all([hidden])


async def test_data_reaches_the_others_and_only_whom_it_is_for(portal: Portal) -> None:
    async with in_room(portal, "data", 3, ProbeOptions(audio=False, video=False)) as everyone:
        first, second, third = everyone
        await wait_until(
            lambda: all(len(probe.room.remote_participants) == 2 for probe in everyone),
            lambda: [list(probe.room.remote_participants) for probe in everyone],
        )
        await first.room.local_participant.publish_data(
            b"for one", reliable=True, destination_identities=[second.identity], topic="t"
        )
        await first.room.local_participant.publish_data(b"for all", reliable=True, topic="t")
        await wait_until(
            lambda: len(second.data) == 2 and third.data, lambda: [[p.data for p in x.data] for x in everyone]
        )
        assert [packet.data for packet in second.data] == [b"for one", b"for all"]
        assert [packet.data for packet in third.data] == [b"for all"]
        assert not first.data


async def test_a_call_in_a_portal_room_needs_an_admitted_row_on_both_sides(
    portal: Portal, alice: Person, bob: Person
) -> None:
    slug = await alice.create_room()
    assert await alice.enter(slug) == "admitted"
    assert await bob.enter(slug) == "waiting"
    await alice.moderate(slug, bob, "admit")
    everyone = [Probe(1), Probe(2)]
    try:
        for probe, person in zip(everyone, (alice, bob), strict=True):
            entrance = await person.entrance(slug)
            await probe.join(entrance.url, entrance.token)
            assert probe.identity == person.identity
        await assert_all_meet(everyone)
    finally:
        await leave_all(everyone)


async def _assert_width(watcher: Probe, sender: Probe, narrowest: int, widest: int) -> None:
    watcher.forget()
    await wait_until(
        lambda: (
            len(sizes := watcher.sizes(sender.identity)[-5:]) == 5 and narrowest <= min(sizes) <= max(sizes) <= widest
        ),
        lambda: f"{narrowest} to {widest} wanted, got {watcher.sizes(sender.identity)[-10:]}",
    )


async def _assert_silence(listener: Probe, speaker: Probe) -> None:
    """What was under way may still come; then the other side's own sound is the clock: two seconds, and silence."""
    for _ in range(2):  # the first round empties jitter buffers, the second one counts
        listener.forget()
        speaker.forget()
        await wait_until(lambda: len(speaker.heard) >= 20, lambda: f"{len(speaker.heard)} windows heard")
    assert (listener.sees(), listener.hears()) == ({}, {})
    assert_no_stranger(listener, [listener, speaker])
