"""An open `/rtc` websocket: what passes, what is refused, and what happens when the worker or the row goes away."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from livekit.protocol.models import DisconnectReason
from livekit.protocol.room import RoomParticipantIdentity, UpdateParticipantRequest
from livekit.protocol.rtc import LeaveRequest, Ping, ReconnectResponse, SignalRequest, SignalResponse

from meetings import engine, relay_link, temporary_rooms
from meetings.engine_errors import Denied
from meetings.models import Participant
from meetings.models.participant import State
from meetings.relay_link import End, LinkState, RelayLinks
from meetings.signalling import MAX_MESSAGE_BYTES, SignallingEndpoint
from meetings.tests.asgi_client import WebSocket, websocket
from meetings.tests.fake_worker import FakeWorker, no_events, running, until, until_up
from meetings.tests.rows import make_participant, make_room, token
from relay import wire
from relay.wire import Kind

pytestmark = pytest.mark.django_db(transaction=True)

PING = SignalRequest(ping_req=Ping(timestamp=7))


@contextlib.asynccontextmanager
async def call(
    run_dir: Path, *, access_token: str = "", **options: Any
) -> AsyncIterator[tuple[WebSocket, FakeWorker, RelayLinks]]:
    """A client in the room `selftest` (or where its token leads), its worker, the link between."""
    query = {"access_token": access_token or token("selftest", "one")}
    async with (
        FakeWorker(run_dir / "relay-0.sock") as worker,
        running(RelayLinks(1, run_dir, on_event=no_events)) as links,
        websocket(SignallingEndpoint(links, **options), query=query) as client,
    ):
        assert client.is_open
        yield client, worker, links


async def joined(client: WebSocket) -> str:
    """Past `join`: the token that came right after it."""
    assert (await client.receive()).WhichOneof("message") == "join"
    refreshed = await client.receive()
    assert refreshed.WhichOneof("message") == "refresh_token"
    return refreshed.refresh_token


def session_of(worker: FakeWorker) -> int:
    return worker.opened[-1][0]


async def test_messages_pass_both_ways_as_they_are(tmp_path: Path) -> None:
    async with call(tmp_path) as (client, worker, _):
        await joined(client)
        unknown_field = b"\xfa\x3f\x03abc"  # of a newer SDK: number 1023
        client.send_bytes(PING.SerializeToString() + unknown_field)
        frame = await worker.next(Kind.SIGNAL)
        assert frame.payload == PING.SerializeToString() + unknown_field
        assert frame.session == session_of(worker)
        worker.signal(session_of(worker), SignalResponse(pong=99))
        assert (await client.receive()).pong == 99


async def test_pings_are_answered_by_nobody_but_the_worker(tmp_path: Path) -> None:
    """Else a stuck worker would look alive, and its clients would stay with it."""
    async with call(tmp_path) as (client, worker, _):
        await joined(client)
        client.send(PING)
        await worker.next(Kind.SIGNAL)
        assert client.from_application.empty()


async def test_the_refresh_token_follows_join_and_says_what_the_row_says(tmp_path: Path) -> None:
    room = await sync_to_async(make_room)()
    own = await sync_to_async(make_participant)(room, may_publish_sources=["camera"])
    async with call(tmp_path, access_token=token(room.media_name, own.identity)) as (client, _, _):
        claims = jwt.decode(await joined(client), settings.LIVEKIT_API_SECRET, ["HS256"])
    assert claims["sub"] == own.identity
    assert claims["iss"] == settings.LIVEKIT_API_KEY
    assert claims["video"]["room"] == room.media_name
    assert claims["video"]["canPublishSources"] == ["camera"]
    assert claims["video"]["canPublishData"] is False
    assert claims["name"] == own.name


async def test_the_refresh_token_follows_reconnect(tmp_path: Path) -> None:
    async with (
        FakeWorker(tmp_path / "relay-0.sock") as worker,
        running(RelayLinks(1, tmp_path, on_event=no_events)) as links,
    ):
        worker.sends_join = False
        query = {"access_token": token("selftest", "one"), "reconnect": "1", "sid": "PA_1"}
        async with websocket(SignallingEndpoint(links), query=query) as client:
            worker.signal(session_of(worker), SignalResponse(reconnect=ReconnectResponse()))
            assert (await client.receive()).WhichOneof("message") == "reconnect"
            assert (await client.receive()).WhichOneof("message") == "refresh_token"


async def test_a_temporary_room_gets_no_token_that_lasts_longer(tmp_path: Path) -> None:
    own_token = token(temporary_rooms.new_name(60), "test-a")
    async with call(tmp_path, access_token=own_token, refresh_seconds=0.02) as (client, worker, _):
        assert (await client.receive()).WhichOneof("message") == "join"
        for _ in range(3):
            await asyncio.sleep(0.02)  # a renewal would have come
            worker.signal(session_of(worker), SignalResponse(pong=99))
            assert (await client.receive()).pong == 99


async def test_who_is_in_a_temporary_room_after_its_end_is_sent_out(tmp_path: Path) -> None:
    own_token = token(temporary_rooms.new_name(2), "test-a")
    async with call(tmp_path, access_token=own_token, refresh_seconds=0.1, removal_seconds=0.0) as (client, _, _):
        assert (await client.receive()).WhichOneof("message") == "join"
        assert await client.closed() == 1008


async def test_the_token_is_renewed_while_the_row_is_admitted(tmp_path: Path) -> None:
    async with call(tmp_path, refresh_seconds=0.02) as (client, _, _):
        await joined(client)
        for _ in range(2):
            assert (await client.receive()).WhichOneof("message") == "refresh_token"


async def test_a_row_no_longer_admitted_at_the_refresh_is_sent_out(tmp_path: Path) -> None:
    room = await sync_to_async(make_room)()
    own = await sync_to_async(make_participant)(room)
    own_token = token(room.media_name, own.identity)
    options = {"refresh_seconds": 0.05, "removal_seconds": 0.05}
    async with call(tmp_path, access_token=own_token, **options) as (client, worker, _):
        worker.answers["RoomService.RemoveParticipant"] = lambda request: b""
        await joined(client)
        await sync_to_async(Participant.objects.filter(pk=own.pk).update)(state=State.REMOVED)
        order = await worker.next(Kind.CALL)
        while not order.payload.startswith(b"RoomService.RemoveParticipant\0"):
            order = await worker.next(Kind.CALL)
        request = RoomParticipantIdentity.FromString(order.payload.partition(b"\0")[2])
        assert (request.room, request.identity) == (room.media_name, own.identity)
        assert await client.closed() == 1008


async def test_rights_that_changed_are_corrected_at_the_refresh(tmp_path: Path) -> None:
    room = await sync_to_async(make_room)()
    own = await sync_to_async(make_participant)(room)
    own_token = token(room.media_name, own.identity)
    async with call(tmp_path, access_token=own_token, refresh_seconds=0.05) as (client, worker, _):
        worker.answers["RoomService.UpdateParticipant"] = lambda request: b""
        await joined(client)
        await sync_to_async(Participant.objects.filter(pk=own.pk).update)(may_publish_sources=[])
        order = await worker.next(Kind.CALL)
        while not order.payload.startswith(b"RoomService.UpdateParticipant\0"):
            order = await worker.next(Kind.CALL)
        request = UpdateParticipantRequest.FromString(order.payload.partition(b"\0")[2])
        assert request.identity == own.identity
        assert not request.permission.can_publish
        assert request.permission.can_subscribe


async def test_text_frames_are_read_as_protojson_and_answered_in_it(tmp_path: Path) -> None:
    async with call(tmp_path) as (client, worker, _):
        await joined(client)
        client.send_text(json.dumps({"pingReq": {"timestamp": "7"}}))
        assert SignalRequest.FromString((await worker.next(Kind.SIGNAL)).payload) == PING
        worker.signal(session_of(worker), SignalResponse(pong=99))
        assert await client.receive_text() == {"pong": "99"}


MANY_MEMBERS = json.dumps({"pingReq": {"timestamp": "7"}, **dict.fromkeys(map(str, range(20_000)), 1)})
MANY_ITEMS = json.dumps({"updateAudioTrack": {"trackSid": "TR_1", "features": [0] * 100_000}})


@pytest.mark.parametrize(
    "frame",
    [b"", b"\xff\xff\xff", b"\x0a\x7f", "not json", "[]", "{}", "{" * 20000, "\x00", MANY_MEMBERS, MANY_ITEMS],
    ids=range(10),
)
async def test_a_bad_frame_is_counted_and_the_call_goes_on(frame: bytes | str, tmp_path: Path) -> None:
    async with call(tmp_path) as (client, worker, _):
        await joined(client)
        before = engine.counters["rtc_bad_frames"]
        client.send_text(frame) if isinstance(frame, str) else client.send_bytes(frame)
        client.send(PING)
        assert (await worker.next(Kind.SIGNAL)).payload == PING.SerializeToString()
        assert engine.counters["rtc_bad_frames"] == before + 1


async def test_who_sends_nothing_but_bad_frames_is_closed(tmp_path: Path) -> None:
    async with call(tmp_path) as (client, _, _):
        await joined(client)
        for _ in range(25):
            client.send_bytes(b"\xff\xff\xff")
        assert await client.closed() == 1008


async def test_a_frame_over_two_mebibytes_closes(tmp_path: Path) -> None:
    async with call(tmp_path) as (client, _, _):
        await joined(client)
        client.send_bytes(bytes(MAX_MESSAGE_BYTES + 1))
        assert await client.closed() == 1009


async def test_a_client_that_stops_to_ping_is_closed(tmp_path: Path) -> None:
    async with call(tmp_path, idle_seconds=0.05) as (client, worker, _):
        await joined(client)
        client.send(PING)
        assert await client.closed() == 1000
        await worker.next(Kind.SIGNAL)
        await worker.next(Kind.CLOSE)


async def test_a_client_that_never_pings_stays(tmp_path: Path) -> None:
    """As the Go SDK: all of its participants came back every 30 s, at once."""
    async with call(tmp_path, idle_seconds=0.01, refresh_seconds=0.2) as (client, _, _):
        await joined(client)
        # Twenty times as long as a client may be silent that has pinged.
        assert (await client.receive()).WhichOneof("message") == "refresh_token"
        client.send(PING)
        assert await client.closed() == 1000


async def test_a_client_that_hangs_up_is_reported_to_the_worker(tmp_path: Path) -> None:
    async with call(tmp_path) as (client, worker, _):
        await joined(client)
        client.hang_up()
        assert (await worker.next(Kind.CLOSE)).session == session_of(worker)


async def test_the_workers_close_comes_after_its_last_message(tmp_path: Path) -> None:
    async with call(tmp_path) as (client, worker, _):
        await joined(client)
        worker.signal(
            session_of(worker), SignalResponse(leave=LeaveRequest(reason=DisconnectReason.PARTICIPANT_REMOVED))
        )
        worker.send(wire.pack_json(Kind.CLOSE, {"reason": "removed"}, session=session_of(worker)))
        assert (await client.receive()).leave.reason == DisconnectReason.PARTICIPANT_REMOVED
        assert await client.closed() == 1000


async def test_clients_of_a_dead_worker_are_told_to_rejoin_when_it_is_back(tmp_path: Path) -> None:
    async with call(tmp_path) as (client, worker, links):
        await joined(client)
        await worker.__aexit__()
        await until(lambda: links.links[0].state is LinkState.DOWN)
        client.send(PING)  # into the void: kept open, dropped, counted
        await until(lambda: links.links[0].counters["client_messages_without_worker"] == 1)
        assert client.from_application.empty()
        async with FakeWorker(worker.path, instance="second") as successor:
            leave = (await client.receive()).leave
            assert leave.action == LeaveRequest.Action.RECONNECT
            assert leave.can_reconnect
            assert await client.closed() == 1012
            assert not successor.opened
        await worker.__aenter__()


async def test_clients_resume_when_only_the_link_broke(tmp_path: Path) -> None:
    """The worker kept its rooms: a plain end of the websocket makes clients resume, a leave would make them rejoin."""
    async with call(tmp_path) as (client, worker, _):
        await joined(client)
        worker.cut()
        message = await client._next()
        assert message == {"type": "websocket.close", "code": 1012}


async def test_clients_of_a_worker_that_stays_away_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_link, "ORPHAN_SECONDS", 0.05)
    async with call(tmp_path) as (client, worker, _):
        await joined(client)
        await worker.__aexit__()
        assert await client.closed() == 1013
        await worker.__aenter__()


async def test_a_client_that_does_not_keep_up_is_cut_off(tmp_path: Path) -> None:
    """The worker's messages wait in a bounded queue; nothing is lost silently in the middle."""
    async with (
        FakeWorker(tmp_path / "relay-0.sock") as worker,
        running(RelayLinks(1, tmp_path, on_event=no_events)) as links,
    ):
        session = await links.open({"room": "r"})
        for number in range(relay_link.SESSION_MESSAGES + 10):
            worker.signal(session.number, SignalResponse(pong=number))
        await until(lambda: links.links[0].counters["sessions_overflowed"])
        assert await session.receive() is End.OVERFLOW


async def test_an_upgrade_waits_for_a_worker_that_restarts(tmp_path: Path) -> None:
    async with running(RelayLinks(1, tmp_path, on_event=no_events)) as links:
        opening = asyncio.create_task(links.open({"room": "r"}))
        await asyncio.sleep(0)
        assert not opening.done()
        async with FakeWorker(tmp_path / "relay-0.sock"):
            session = await opening
            assert isinstance(await session.receive(), bytes)


async def test_an_upgrade_tries_again_when_the_worker_dies_before_its_answer(tmp_path: Path) -> None:
    async with running(RelayLinks(1, tmp_path, on_event=no_events)) as links:
        async with FakeWorker(tmp_path / "relay-0.sock") as dying:
            dying.is_mute = True
            opening = asyncio.create_task(links.open({"room": "r"}))
            await dying.next(Kind.OPEN)
        async with FakeWorker(tmp_path / "relay-0.sock", instance="second"):
            await opening


async def test_an_upgrade_is_refused_with_503_after_the_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_link.RelayLink.open, "__kwdefaults__", {"hold_seconds": 0.05})
    async with running(RelayLinks(1, tmp_path, on_event=no_events)) as links:
        query = {"access_token": token("selftest", "one")}
        async with websocket(SignallingEndpoint(links), query=query) as client:
            assert client.denial is not None
            assert client.denial.status == 503
            assert client.denial.headers["access-control-allow-origin"] == "*"


def test_the_hold_is_within_what_clients_wait() -> None:
    assert relay_link.HOLD_SECONDS == 4.0  # Rust SDKs give a websocket 5 s


async def test_the_workers_refusal_is_the_clients_status(tmp_path: Path) -> None:
    async with (
        FakeWorker(tmp_path / "relay-0.sock") as worker,
        running(RelayLinks(1, tmp_path, on_event=no_events)) as links,
    ):
        worker.refusal = {"status": 403, "reason": "the room is full"}
        await until_up(links)
        async with websocket(SignallingEndpoint(links), query={"access_token": token("selftest", "one")}) as client:
            assert client.denial is not None
            assert (client.denial.status, client.denial.body) == (403, b"the room is full")


async def test_a_late_answer_to_an_upgrade_that_was_given_up_closes_the_session(tmp_path: Path) -> None:
    async with (
        FakeWorker(tmp_path / "relay-0.sock") as worker,
        running(RelayLinks(1, tmp_path, on_event=no_events)) as links,
    ):
        worker.is_mute = True
        await until_up(links)
        with pytest.raises(Denied):
            await links.links[0].open({"room": "r"}, hold_seconds=0.05)
        assert (await worker.next(Kind.CLOSE)).session == session_of(worker)
