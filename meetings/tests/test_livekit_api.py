"""LiveKit's server API in front of the relay: Twirp in both encodings, rights, errors, and the stock client."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from livekit import api
from livekit.protocol.models import Room, TrackSource
from livekit.protocol.room import (
    CreateRoomRequest,
    ListRoomsRequest,
    ListRoomsResponse,
    MuteRoomTrackRequest,
    RoomParticipantIdentity,
    SendDataRequest,
    UpdateParticipantRequest,
)

from meetings import media
from meetings.engine_errors import EngineError, Unavailable
from meetings.livekit_api import METHODS, EngineApi
from meetings.placement import slots_of
from meetings.relay_link import RelayLinks
from meetings.tests.asgi_client import request
from meetings.tests.asgi_server import serving
from meetings.tests.fake_engine import a_room_with_one_microphone, engine_api, facade
from meetings.tests.fake_worker import no_events
from meetings.tests.rows import service, token
from relay.errors import Refused
from relay.wire import Kind

PROTOBUF = {"Content-Type": "application/protobuf"}
JSON = {"Content-Type": "application/json"}


def twirp(method: str, service_name: str = "RoomService") -> str:
    return f"/twirp/livekit.{service_name}/{method}"


async def test_a_protobuf_call_reaches_the_rooms_worker(tmp_path: Path) -> None:
    async with engine_api(tmp_path) as (application, (worker,)):
        worker.answers["RoomService.CreateRoom"] = lambda body: Room(
            sid="RM_1", name=CreateRoomRequest.FromString(body).name
        ).SerializeToString()
        answer = await request(
            application,
            "POST",
            twirp("CreateRoom"),
            body=CreateRoomRequest(name="hall").SerializeToString(),
            headers={**PROTOBUF, **service(roomCreate=True)},
        )
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/protobuf"
    assert Room.FromString(answer.body) == Room(sid="RM_1", name="hall")


@pytest.mark.parametrize("body", [{"name": "hall", "empty_timeout": 7}, {"name": "hall", "emptyTimeout": 7}])
async def test_json_is_read_in_both_spellings_and_written_as_livekit_does(body: dict[str, Any], tmp_path: Path) -> None:
    async with engine_api(tmp_path) as (application, (worker,)):

        def create(payload: bytes) -> bytes:
            asked = CreateRoomRequest.FromString(payload)
            return Room(name=asked.name, empty_timeout=asked.empty_timeout).SerializeToString()

        worker.answers["RoomService.CreateRoom"] = create
        answer = await request(
            application,
            "POST",
            twirp("CreateRoom"),
            body=json.dumps(body).encode(),
            headers={**JSON, **service(roomCreate=True)},
        )
    assert answer.status == 200
    assert answer.json()["empty_timeout"] == 7
    assert answer.json()["num_participants"] == 0  # empty fields are written out


ROOM_METHODS = [name for name, method in METHODS.items() if method.grant == "roomAdmin"]


@pytest.mark.parametrize("name", sorted(METHODS))
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        # Signed when the test runs: such tokens live for a minute, collected tests wait longer.
        (lambda: {}, 401, "unauthenticated"),
        (lambda: {"Authorization": "Bearer nonsense"}, 401, "unauthenticated"),
        (lambda: service(), 403, "permission_denied"),
        (lambda: service(roomJoin=True, room="hall"), 403, "permission_denied"),
        (lambda: service(roomAdmin="true", room="hall", roomCreate=1, roomList="yes"), 403, "permission_denied"),
    ],
)
async def test_every_method_needs_its_grant(
    name: str, headers: Callable[[], dict[str, str]], status: int, code: str, tmp_path: Path
) -> None:
    body = json.dumps({"room": "hall", "name": "hall"}).encode()
    links = RelayLinks(1, tmp_path, on_event=no_events)
    answer = await request(EngineApi(links), "POST", twirp(name), body=body, headers={**JSON, **headers()})
    assert (answer.status, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("name", ROOM_METHODS)
async def test_an_admin_of_one_room_is_none_of_another(name: str, tmp_path: Path) -> None:
    body = json.dumps({"room": "hall"}).encode()
    headers = {**JSON, **service(roomAdmin=True, room="another")}
    answer = await request(
        EngineApi(RelayLinks(1, tmp_path, on_event=no_events)), "POST", twirp(name), body=body, headers=headers
    )
    assert answer.status == 403


async def test_a_persons_token_in_the_query_gives_no_api_right(tmp_path: Path) -> None:
    links = RelayLinks(1, tmp_path, on_event=no_events)
    query = {"access_token": token("hall", "one", roomList=True)}
    answer = await request(EngineApi(links), "POST", twirp("ListRooms"), body=b"", query=query, headers=PROTOBUF)
    assert answer.status == 401


ALL = {"roomCreate": True, "roomList": True, "roomAdmin": True, "room": "hall", "roomRecord": True}


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "code"),
    [
        ("POST", twirp("NoSuchMethod"), PROTOBUF, b"", 404, "bad_route"),
        ("POST", twirp("CreateRoom", "NoService"), PROTOBUF, b"", 404, "bad_route"),
        ("POST", "/twirp/RoomService/CreateRoom", PROTOBUF, b"", 404, "bad_route"),
        ("POST", "/twirp/", PROTOBUF, b"", 404, "bad_route"),
        ("GET", twirp("CreateRoom"), PROTOBUF, b"", 404, "bad_route"),
        ("POST", twirp("CreateRoom"), {"Content-Type": "text/plain"}, b"", 404, "bad_route"),
        ("POST", twirp("StartRoomCompositeEgress", "Egress"), PROTOBUF, b"", 501, "unimplemented"),
        ("POST", twirp("MoveParticipant"), PROTOBUF, b"", 501, "unimplemented"),
        ("POST", twirp("CreateRoom"), PROTOBUF, b"\xff\xff", 400, "malformed"),
        ("POST", twirp("CreateRoom"), JSON, b"{", 400, "malformed"),
        ("POST", twirp("CreateRoom"), JSON, b"[]", 400, "malformed"),
        ("POST", twirp("CreateRoom"), JSON, b"\xff\xfe", 400, "malformed"),
        ("POST", twirp("CreateRoom"), JSON, b'{"name": 5}', 400, "malformed"),
        ("POST", twirp("CreateRoom"), PROTOBUF, b"", 400, "invalid_argument"),
        ("POST", twirp("CreateRoom"), JSON, b'{"name": "%s"}' % (b"r" * 257), 400, "invalid_argument"),
        ("POST", twirp("CreateRoom"), PROTOBUF, bytes((2 << 20) + 1), 429, "resource_exhausted"),
        # The link is down here: nothing answers.
        ("POST", twirp("ListParticipants"), JSON, b'{"room": "hall"}', 503, "unavailable"),
        ("POST", twirp("ListRooms"), JSON, b"{}", 503, "unavailable"),
    ],
)
async def test_errors_are_twirps(
    method: str, path: str, headers: dict[str, str], body: bytes, status: int, code: str, tmp_path: Path
) -> None:
    links = RelayLinks(1, tmp_path, on_event=no_events)
    answer = await request(EngineApi(links), method, path, body=body, headers={**headers, **service(**ALL)})
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert answer.json()["msg"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("code", "status"),
    [("not_found", 404), ("already_exists", 409), ("failed_precondition", 412), ("internal", 500), ("odd", 500)],
)
async def test_the_workers_refusal_passes_with_its_code(code: str, status: int, tmp_path: Path) -> None:
    async with engine_api(tmp_path) as (application, (worker,)):
        worker.answers["RoomService.GetParticipant"] = lambda body: Refused(code, "says the worker")
        answer = await request(
            application,
            "POST",
            twirp("GetParticipant"),
            body=RoomParticipantIdentity(room="hall", identity="one").SerializeToString(),
            headers={**PROTOBUF, **service(roomAdmin=True, room="hall")},
        )
    assert (answer.status, answer.json()) == (status, {"code": code, "msg": "says the worker"})


def rooms_of(*names: str) -> Any:
    def answer(body: bytes) -> bytes:
        asked = ListRoomsRequest.FromString(body).names
        return ListRoomsResponse(
            rooms=[Room(name=name) for name in names if not asked or name in asked]
        ).SerializeToString()

    return answer


async def test_the_list_of_rooms_is_that_of_all_workers(tmp_path: Path) -> None:
    async with engine_api(tmp_path, slots=3) as (application, workers):
        names = [f"room-{number}" for number in range(9)]
        for slot, worker in enumerate(workers):
            worker.answers["RoomService.ListRooms"] = rooms_of(
                *(name for name in names if slots_of(name, 3)[0] == slot)
            )

        async def listed(*wanted: str) -> list[str]:
            body = ListRoomsRequest(names=wanted).SerializeToString()
            headers = {**PROTOBUF, **service(roomList=True)}
            answer = await request(application, "POST", twirp("ListRooms"), body=body, headers=headers)
            return sorted(room.name for room in ListRoomsResponse.FromString(answer.body).rooms)

        assert await listed() == names
        assert await listed("room-3", "room-7", "nowhere") == ["room-3", "room-7"]


async def test_a_call_goes_to_the_slot_of_its_room(tmp_path: Path) -> None:
    async with engine_api(tmp_path, slots=2) as (application, workers):
        room = next(name for name in map(str, range(99)) if slots_of(name, 2)[0] == 1)
        workers[1].answers["RoomService.DeleteRoom"] = lambda body: b""
        headers = {**JSON, **service(roomCreate=True)}
        body = json.dumps({"room": room}).encode()
        answer = await request(application, "POST", twirp("DeleteRoom"), body=body, headers=headers)
        assert answer.status == 200
        assert (await workers[1].next(Kind.CALL)).payload.startswith(b"RoomService.DeleteRoom\0")


# --- the stock client, and the portal's façade over it, on a real socket


async def test_the_stock_client_works_unchanged(tmp_path: Path, settings: Any) -> None:
    async with engine_api(tmp_path) as (application, (worker,)), serving(application) as url:
        asked = a_room_with_one_microphone(worker)
        key, secret = settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET
        async with api.LiveKitAPI(url.replace("http", "ws"), key, secret, failover=False) as client:
            assert (await client.room.create_room(api.CreateRoomRequest(name="hall"))).sid == "RM_1"
            assert [room.name for room in (await client.room.list_rooms(api.ListRoomsRequest())).rooms] == ["hall"]
            listed = await client.room.list_participants(api.ListParticipantsRequest(room="hall"))
            assert [participant.identity for participant in listed.participants] == ["one"]
            one = api.RoomParticipantIdentity(room="hall", identity="one")
            assert (await client.room.get_participant(one)).sid == "PA_1"
            await client.room.remove_participant(one)
            await client.room.update_participant(api.UpdateParticipantRequest(room="hall", identity="one", name="x"))
            await client.room.send_data(api.SendDataRequest(room="hall", data=b"payload", topic="chat"))
            await client.room.delete_room(api.DeleteRoomRequest(room="hall"))
            worker.answers["RoomService.GetParticipant"] = lambda body: Refused("not_found", "nobody")
            with pytest.raises(api.ServerError) as refusal:
                await client.room.get_participant(one)
            assert (refusal.value.code, refusal.value.status) == ("not_found", 404)
    assert SendDataRequest.FromString(asked["SendData"]).data == b"payload"


async def test_the_portals_orders_reach_the_engine(tmp_path: Path, settings: Any) -> None:
    async with facade(tmp_path, settings) as (_, asked):
        assert await asyncio.to_thread(media.remove_participant, "hall", "one")
        assert RoomParticipantIdentity.FromString(asked["RemoveParticipant"]).identity == "one"
        assert await asyncio.to_thread(media.mute, "hall", "one", "microphone")
        muted = MuteRoomTrackRequest.FromString(asked["MutePublishedTrack"])
        assert (muted.track_sid, muted.muted) == ("TR_mic", True)
        assert await asyncio.to_thread(media.delete_room, "hall")
        assert [room.name for room in await asyncio.to_thread(media.list_rooms)] == ["hall"]
        assert [one.identity for one in await asyncio.to_thread(media.list_participants, "hall")] == ["one"]
        assert await asyncio.to_thread(lambda: media.send_data("hall", b"x", topic="chat", identities=["one"]))
        sent = SendDataRequest.FromString(asked["SendData"])
        assert (sent.topic, list(sent.destination_identities), len(sent.nonce)) == ("chat", ["one"], 16)
        grants = {"canPublish": True, "canPublishSources": ["camera"], "canPublishData": False}
        assert await asyncio.to_thread(lambda: media.update_participant("hall", "one", name="New", grants=grants))
        update = UpdateParticipantRequest.FromString(asked["UpdateParticipant"])
        assert update.name == "New"
        assert list(update.permission.can_publish_sources) == [TrackSource.CAMERA]
        assert not update.permission.can_publish_data


async def test_muting_what_is_not_sent_or_muted_already_is_no_error(tmp_path: Path, settings: Any) -> None:
    async with facade(tmp_path, settings) as (_, asked):
        assert not await asyncio.to_thread(media.mute, "hall", "one", "screen_share")
        assert not await asyncio.to_thread(media.mute, "hall", "one", "camera")
        assert "MutePublishedTrack" not in asked


async def test_an_order_about_somebody_who_is_gone_is_fulfilled(tmp_path: Path, settings: Any) -> None:
    async with facade(tmp_path, settings) as (worker, _):
        for name in METHODS:
            worker.answers[f"RoomService.{name}"] = lambda body: Refused("not_found", "nobody")
        assert not await asyncio.to_thread(media.remove_participant, "hall", "one")
        assert not await asyncio.to_thread(media.mute, "hall", "one", "camera")
        assert not await asyncio.to_thread(media.delete_room, "hall")
        assert await asyncio.to_thread(media.list_participants, "hall") == []


async def test_another_refusal_is_an_error(tmp_path: Path, settings: Any) -> None:
    async with facade(tmp_path, settings) as (worker, _):
        worker.answers["RoomService.RemoveParticipant"] = lambda body: Refused("invalid_argument", "no")
        with pytest.raises(EngineError):
            await asyncio.to_thread(media.remove_participant, "hall", "one")


async def test_an_engine_that_is_away_is_unavailable(tmp_path: Path, settings: Any) -> None:
    async with facade(tmp_path, settings) as (worker, _):
        await worker.__aexit__()
        with pytest.raises(Unavailable):
            await asyncio.to_thread(media.delete_room, "hall")
        await worker.__aenter__()
    settings.LIVEKIT_URL = "ws://127.0.0.1:9"
    with pytest.raises(Unavailable):
        await asyncio.to_thread(media.delete_room, "hall")
    await asyncio.to_thread(media.close)


async def test_an_engine_that_says_nothing_is_unavailable_in_time(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert media.ORDER_SECONDS == 5.0
    monkeypatch.setattr(media, "ORDER_SECONDS", 0.1)
    async with facade(tmp_path, settings) as (worker, _):
        worker.answers["RoomService.DeleteRoom"] = lambda body: None
        with pytest.raises(Unavailable):
            await asyncio.to_thread(media.delete_room, "hall")


async def test_orders_from_the_event_loop_are_a_bug() -> None:
    with pytest.raises(RuntimeError, match="event loop"):
        media.delete_room(secrets.token_hex(4))
