"""Calls between stock Python SDK clients through a real worker process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from livekit import rtc
from livekit.protocol import models
from livekit.protocol import room as room_api
from livekit.rtc.participant import PublishTrackError

from relay.errors import Refused
from relay.tests.gateway import Gateway, Person, WorkerProcess

pytestmark = pytest.mark.calls


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    worker = WorkerProcess(tmp_path)
    await worker.start()
    gateway = Gateway(worker)
    await gateway.start()
    yield gateway
    await gateway.stop()
    await worker.stop()


@contextlib.asynccontextmanager
async def people(gateway: Gateway, *identities: str) -> AsyncIterator[list[Person]]:
    """People in one room, who leave at the end."""
    present = [Person(gateway, identity) for identity in identities]
    await asyncio.gather(*(person.join() for person in present))
    try:
        yield present
    finally:
        await asyncio.gather(*(person.leave() for person in present))


async def test_two_people_see_and_hear_each_other_and_exchange_data(gateway: Gateway) -> None:
    async with people(gateway, "alice", "bob") as (alice, bob):
        await asyncio.gather(
            alice.publish_tone(), bob.publish_tone(), alice.publish_colour(60), bob.publish_colour(180)
        )
        await asyncio.gather(alice.sees("bob", 180), bob.sees("alice", 60), alice.hears("bob"), bob.hears("alice"))

        await alice.room.local_participant.publish_data(b"hello", reliable=True, topic="t")
        await bob.room.local_participant.publish_data(b"quick", reliable=False, destination_identities=["alice"])
        await bob.until(lambda: any(packet.data == b"hello" for packet in bob.data), "reliable data")
        await alice.until(lambda: any(packet.data == b"quick" for packet in alice.data), "lossy data")
        sender = bob.data[0].participant
        assert sender is not None
        assert sender.identity == "alice"

        await gateway.wait_for_event("track_published", 4)
        await alice.until(lambda: alice.count("local_track_subscribed") == 2, "local track subscribed")
        await alice.until(lambda: alice.count("active_speakers_changed") > 0, "active speakers")


async def test_a_late_joiner_sees_what_was_there_and_hears_of_those_who_leave(gateway: Gateway) -> None:
    async with people(gateway, "alice") as (alice,):
        await alice.publish_colour(90)
        await alice.publish_tone()
        await gateway.wait_for_event("track_published", 2)
        bob = await Person(gateway, "bob").join()
        assert set(bob.room.remote_participants) == {"alice"}
        await asyncio.gather(bob.sees("alice", 90), bob.hears("alice"))

        await bob.leave()
        await alice.until(lambda: alice.count("participant_disconnected") == 1, "bob leaving")
        left = await gateway.wait_for_event("participant_left")
        assert left.participant.identity == "bob"


async def test_unpublished_and_published_again(gateway: Gateway) -> None:
    async with people(gateway, "alice", "bob") as (alice, bob):
        camera = await alice.publish_colour(60)
        await bob.sees("alice", 60)
        await alice.room.local_participant.unpublish_track(camera.sid)
        await bob.until(lambda: bob.count("track_unpublished") == 1, "unpublishing")
        await gateway.wait_for_event("track_unpublished")

        await alice.publish_colour(200)
        await bob.sees("alice", 200)


async def test_mute_silences_and_unmute_brings_the_sound_back(gateway: Gateway) -> None:
    async with people(gateway, "alice", "bob") as (alice, bob):
        microphone = await alice.publish_tone()
        await bob.hears("alice")
        assert microphone.track is not None
        microphone.track.mute()
        await bob.until(lambda: bob.count("track_muted") == 1, "muting")
        microphone.track.unmute()
        await bob.until(lambda: bob.count("track_unmuted") == 1, "unmuting")
        await bob.hears("alice")


async def test_the_same_identity_again_ends_the_older_session(gateway: Gateway) -> None:
    async with people(gateway, "alice", "bob") as (alice, old):
        new = await Person(gateway, "bob").join()
        await old.until(lambda: old.count("disconnected") == 1, "disconnecting")
        assert dict(old.happened)["disconnected"][0] == rtc.DisconnectReason.DUPLICATE_IDENTITY
        await alice.until(lambda: alice.count("participant_connected") >= 1, "connecting")
        await new.publish_colour(120)
        await alice.sees("bob", 120)
        await new.leave()


async def test_a_cut_websocket_is_resumed_with_the_media_going_on(gateway: Gateway) -> None:
    async with people(gateway, "alice", "bob") as (alice, bob):
        await asyncio.gather(alice.publish_colour(60), bob.publish_colour(180))
        await asyncio.gather(alice.sees("bob"), bob.sees("alice"))
        sid = alice.room.local_participant.sid
        await gateway.cut("alice")
        await alice.until(lambda: alice.count("reconnected") == 1, "resuming")

        assert alice.room.local_participant.sid == sid
        await asyncio.gather(alice.sees("bob", 180), bob.sees("alice", 60))
        assert bob.count("participant_disconnected") == 0
        assert (await gateway.status())["counters"]["resumed"] == 1
        # Both directions renegotiate after it.
        await alice.publish_tone()
        await bob.hears("alice")


async def test_a_restart_of_web_leaves_the_call_alone(gateway: Gateway) -> None:
    async with people(gateway, "alice", "bob") as (alice, bob):
        await alice.publish_colour(60)
        await bob.sees("alice", 60)
        await gateway.disconnect()
        before = bob.frames["alice"]
        await bob.until(lambda: bob.frames["alice"] > before + 10, "seeing on without web")
        await gateway.connect()
        await asyncio.gather(
            *(person.until(lambda p=person: p.count("reconnected") == 1, "resuming") for person in (alice, bob))
        )
        await bob.sees("alice", 60)


async def test_events_are_kept_until_acknowledged_and_sent_again_in_order(gateway: Gateway) -> None:
    gateway.acknowledges = False
    async with people(gateway, "alice") as (alice,):
        await alice.publish_tone()
        await gateway.wait_for_event("track_published")
        names = [event.event for event in gateway.events]
        assert names == ["room_started", "participant_joined", "track_published"]
        gateway.events.clear()
        gateway.acknowledges = True
        await gateway.disconnect()
        await gateway.connect()
        await gateway.wait_for_event("track_published")
        assert [event.event for event in gateway.events][:3] == names


async def test_room_service_acts_on_a_call(gateway: Gateway) -> None:
    async with people(gateway, "alice", "bob") as (alice, bob):
        microphone = await alice.publish_tone()
        await bob.hears("alice")

        muted = room_api.MuteRoomTrackRequest(room="council", identity="alice", track_sid=microphone.sid, muted=True)
        await gateway.call("RoomService.MutePublishedTrack", muted.SerializeToString())
        await bob.until(lambda: bob.count("track_muted") == 1, "muting")

        message = room_api.SendDataRequest(room="council", data=b"notice", topic="portal", nonce=b"n" * 16)
        for _ in range(2):
            await gateway.call("RoomService.SendData", message.SerializeToString())
        await bob.until(lambda: [packet.data for packet in bob.data] == [b"notice"], "data of the server, once")

        metadata = room_api.UpdateRoomMetadataRequest(room="council", metadata="agenda")
        await gateway.call("RoomService.UpdateRoomMetadata", metadata.SerializeToString())
        await bob.until(lambda: bob.room.metadata == "agenda", "room metadata")

        forbidden = models.ParticipantPermission(can_subscribe=True, can_publish=False)
        update = room_api.UpdateParticipantRequest(room="council", identity="alice", permission=forbidden)
        await gateway.call("RoomService.UpdateParticipant", update.SerializeToString())
        await bob.until(lambda: bob.count("track_unpublished") == 1, "unpublishing")

        listed = await gateway.call(
            "RoomService.ListParticipants", room_api.ListParticipantsRequest(room="council").SerializeToString()
        )
        people_now = room_api.ListParticipantsResponse.FromString(listed).participants
        assert {person.identity: person.permission.can_publish for person in people_now} == {
            "alice": False,
            "bob": True,
        }

        removal = room_api.RoomParticipantIdentity(room="council", identity="bob")
        await gateway.call("RoomService.RemoveParticipant", removal.SerializeToString())
        await bob.until(lambda: bob.count("disconnected") == 1, "removal")
        assert dict(bob.happened)["disconnected"][0] == rtc.DisconnectReason.PARTICIPANT_REMOVED
        with pytest.raises(Refused, match="participant does not exist"):
            await gateway.call("RoomService.RemoveParticipant", removal.SerializeToString())

        await gateway.call("RoomService.DeleteRoom", room_api.DeleteRoomRequest(room="council").SerializeToString())
        await alice.until(lambda: alice.count("disconnected") == 1, "deletion")
        assert dict(alice.happened)["disconnected"][0] == rtc.DisconnectReason.ROOM_DELETED
        await gateway.wait_for_event("room_finished")


async def test_text_streams_and_rpc_pass_unharmed(gateway: Gateway) -> None:
    async with people(gateway, "alice", "bob") as (alice, bob):
        received: list[str] = []
        reading: set[asyncio.Task[None]] = set()

        async def read(reader: rtc.TextStreamReader) -> None:
            received.append(await reader.read_all())

        def handle(reader: rtc.TextStreamReader, _identity: str) -> None:
            reading.add(asyncio.get_running_loop().create_task(read(reader)))

        bob.room.register_text_stream_handler("minutes", handle)

        @bob.room.local_participant.register_rpc_method("double")  # type: ignore[arg-type]  # its type is wrong
        async def double(call: rtc.RpcInvocationData) -> str:
            return f"{call.caller_identity}:{call.payload * 2}"

        text = "Beschluss über Ä und 漢字. " * 4000
        await alice.room.local_participant.send_text(text, topic="minutes")
        await bob.until(lambda: received == [text], "a text stream of several chunks")
        async with asyncio.timeout(20):
            answer = await alice.room.local_participant.perform_rpc(
                destination_identity="bob", method="double", payload="ab"
            )
        assert answer == "alice:abab"


async def test_rights_hold_against_a_stock_client(gateway: Gateway) -> None:
    async with people(gateway, "alice") as (alice,):
        eve = await Person(gateway, "eve", can_publish_sources=["microphone"], can_publish_data=False).join()
        await alice.until(lambda: "eve" in alice.room.remote_participants, "eve joining")
        with pytest.raises(PublishTrackError):
            await eve.publish_colour(10)
        await eve.publish_tone()
        await alice.hears("eve")
        await eve.room.local_participant.publish_data(b"spam", reliable=True)

        await gateway.wait_for_counter("data_forbidden")
        assert not alice.data
        assert alice.frames == {}
        await eve.leave()


async def test_the_end_of_the_supervisor_ends_the_worker_and_tells_the_clients(gateway: Gateway) -> None:
    async with people(gateway, "alice") as (alice,):
        gateway.worker.let_go()
        async with asyncio.timeout(5):
            assert await gateway.worker.process.wait() == 0
        await alice.until(lambda: alice.count("reconnecting") == 1, "reconnecting")
        assert not gateway.worker.socket.exists()
        await gateway.worker.start()
        await gateway.connect()
        await alice.until(lambda: alice.count("reconnected") == 1, "rejoining the new worker")


async def test_unsubscribed_tracks_stop_and_come_back_when_subscribed_again(gateway: Gateway) -> None:
    async with people(gateway, "alice", "bob") as (alice, bob):
        await asyncio.gather(alice.publish_tone(), alice.publish_colour(60))
        await asyncio.gather(bob.sees("alice", 60), bob.hears("alice"))
        publications = list(bob.room.remote_participants["alice"].track_publications.values())
        for publication in publications:
            publication.set_subscribed(False)
        await bob.until(lambda: bob.count("track_unsubscribed") == 2, "unsubscribing")
        for publication in publications:
            publication.set_subscribed(True)
        await asyncio.gather(bob.sees("alice", 60), bob.hears("alice"))
