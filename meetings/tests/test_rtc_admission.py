"""Who gets through the door of `/rtc`, with which rights: the row decides, the token only says who knocks."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from meetings import temporary_rooms
from meetings.livekit_api import EngineApi
from meetings.models import Participant, Room
from meetings.models.participant import Role, State
from meetings.relay_link import RelayLinks
from meetings.signalling import SignallingEndpoint
from meetings.tests.asgi_client import Response, request, websocket
from meetings.tests.fake_worker import FakeWorker, no_events, running
from meetings.tests.rows import make_participant, make_room, make_user, token

pytestmark = pytest.mark.django_db(transaction=True)


async def knock(
    run_dir: Path, query: dict[str, str], *, headers: dict[str, str] | None = None, path: str = "/rtc"
) -> tuple[Response | None, dict[str, Any]]:
    """The denial, if any, and the document with which the worker was asked to open."""
    async with (
        FakeWorker(run_dir / "relay-0.sock") as worker,
        running(RelayLinks(1, run_dir, on_event=no_events)) as links,
    ):
        async with websocket(SignallingEndpoint(links), path, query=query, headers=headers) as client:
            denial = client.denial
        assert (denial is None) == bool(worker.opened)
        validated = await request(EngineApi(links), "GET", f"{path}/validate", query=query, headers=headers or {})
        assert validated.headers["access-control-allow-origin"] == "*"
        assert validated.status == (200 if denial is None else denial.status)
        if denial is None:
            assert validated.body == b"success"
        return denial, worker.opened[0][1] if worker.opened else {}


def alice_hosts(room: Room) -> Participant:
    return make_participant(room, "Alice", user=room.owner, role=Role.HOST)


def bob_moderates(room: Room) -> Participant:
    return make_participant(room, "Bob", user=make_user("bob"), role=Role.MODERATOR)


def charlie_was_let_in(room: Room) -> Participant:
    return make_participant(room, "Charlie")


def dana_is_in_another_room(room: Room) -> Participant:
    return make_participant(make_room(make_user("other")), "Dana", user=make_user("dana"))


def eve_waits(room: Room) -> Participant:
    return make_participant(room, "Eve", state=State.WAITING)


def removed(room: Room) -> Participant:
    return make_participant(room, state=State.REMOVED)


def denied(room: Room) -> Participant:
    return make_participant(room, state=State.DENIED)


def left(room: Room) -> Participant:
    return make_participant(room, state=State.LEFT)


def suspended(room: Room) -> Participant:
    user = make_user("suspended")
    user.is_active = False
    user.save()
    return make_participant(room, user=user)


def room_is_closed(room: Room) -> Participant:
    own = make_participant(room)
    Room.objects.filter(pk=room.pk).update(closed_at=own.created_at)
    return own


def room_is_locked(room: Room) -> Participant:
    Room.objects.filter(pk=room.pk).update(is_locked=True)
    return make_participant(room)


@pytest.mark.parametrize(
    ("person", "status"),
    [
        (alice_hosts, None),
        (bob_moderates, None),
        (charlie_was_let_in, None),
        (dana_is_in_another_room, 403),
        (eve_waits, 403),
        (removed, 403),
        (denied, 403),
        (left, 403),
        (suspended, 403),
        (room_is_closed, 403),
        # Locked keeps new people out; who was let in may reload the page.
        (room_is_locked, None),
    ],
)
async def test_only_an_admitted_row_opens_the_room(
    person: Callable[[Room], Participant], status: int | None, tmp_path: Path
) -> None:
    room = await sync_to_async(make_room)()
    own = await sync_to_async(person)(room)
    denial, document = await knock(tmp_path, {"access_token": token(room.media_name, own.identity)})
    assert (denial.status if denial else None) == status
    if denial is None:
        assert document["identity"] == own.identity
        assert document["name"] == own.name  # not the token's


async def test_the_grants_come_from_the_row_and_not_from_the_token(tmp_path: Path) -> None:
    room = await sync_to_async(make_room)()
    own = await sync_to_async(make_participant)(room, may_publish_sources=["microphone"])
    claimed = token(room.media_name, own.identity, roomAdmin=True, canPublishSources=[], recorder=True)
    denial, document = await knock(tmp_path, {"access_token": claimed})
    assert denial is None
    grants = document["grants"]
    assert grants["canPublish"] is True
    assert grants["canPublishSources"] == ["microphone"]
    assert grants["canSubscribe"] is True
    for name in ("canPublishData", "canUpdateOwnMetadata", "hidden", "recorder", "roomAdmin"):
        assert grants[name] is False, name
    assert document["metadata"] == ""
    assert document["attributes"] == {}
    assert document["kind"] == "standard"


async def test_a_row_that_may_send_nothing_may_not_publish_at_all(tmp_path: Path) -> None:
    room = await sync_to_async(make_room)()
    own = await sync_to_async(make_participant)(room, may_publish_sources=[])
    _, document = await knock(tmp_path, {"access_token": token(room.media_name, own.identity)})
    assert document["grants"]["canPublish"] is False  # an empty list alone would mean: everything


async def test_the_oldest_token_opens_nothing_after_a_removal(tmp_path: Path) -> None:
    room = await sync_to_async(make_room)()
    own = await sync_to_async(make_participant)(room)
    oldest = token(room.media_name, own.identity)
    denial, _ = await knock(tmp_path, {"access_token": oldest})
    assert denial is None
    await sync_to_async(Participant.objects.filter(pk=own.pk).update)(state=State.REMOVED)
    denial, _ = await knock(tmp_path, {"access_token": oldest, "reconnect": "1", "sid": "PA_1"})
    assert denial is not None
    assert denial.status == 403


async def test_a_token_of_a_room_that_was_deleted_opens_nothing(tmp_path: Path) -> None:
    room = await sync_to_async(make_room)()
    own = await sync_to_async(make_participant)(room)
    oldest = token(room.media_name, own.identity)
    await sync_to_async(Room.objects.filter(pk=room.pk).delete)()
    denial, _ = await knock(tmp_path, {"access_token": oldest})
    assert denial is not None
    assert denial.status == 403


@pytest.mark.parametrize("kind", ["agent", "egress"])
async def test_programs_of_ours_need_no_row(kind: str, tmp_path: Path) -> None:
    room = await sync_to_async(make_room)()
    denial, document = await knock(tmp_path, {"access_token": token(room.media_name, "recorder", kind=kind)})
    assert denial is None
    assert document["kind"] == kind
    assert document["grants"]["hidden"] is True


@pytest.mark.parametrize("kind", ["standard", "ingress", "sip", "AGENT", ""])
async def test_no_other_kind_is_exempt(kind: str, tmp_path: Path) -> None:
    room = await sync_to_async(make_room)()
    denial, _ = await knock(tmp_path, {"access_token": token(room.media_name, "stranger", kind=kind)})
    assert denial is not None
    assert denial.status == 403


async def test_a_room_of_somebody_else_needs_only_a_valid_token(tmp_path: Path) -> None:
    denial, document = await knock(tmp_path, {"access_token": token("selftest", "one", canPublishData=True)})
    assert denial is None
    assert document["grants"]["canPublishData"] is True
    assert document["gives_way"] is False
    assert document["name"] == "Claimed name"


@pytest.mark.parametrize(
    ("room_name", "status"),
    [
        (temporary_rooms.new_name(86_400), None),
        (temporary_rooms.new_name(-1), 403),
        (temporary_rooms.PREFIX + "f" * 32, 403),
        (temporary_rooms.new_name(86_400) + "0", 403),
    ],
    ids=["going on", "over", "without a time", "forged"],  # the names are random, and processes must agree
)
async def test_after_its_end_no_token_opens_a_temporary_room(
    room_name: str, status: int | None, tmp_path: Path
) -> None:
    for kind in ("", "agent"):
        denial, document = await knock(tmp_path, {"access_token": token(room_name, "test-a", kind=kind)})
        assert (denial.status if denial else None) == status
        assert document.get("gives_way", False) is (status is None)


def forged(**changes: Any) -> str:
    now = int(time.time())
    payload = {
        "iss": settings.LIVEKIT_API_KEY,
        "sub": "one",
        "exp": now + 600,
        "video": {"roomJoin": True, "room": "selftest"},
        **changes,
    }
    return jwt.encode(
        {name: value for name, value in payload.items() if value is not None}, settings.LIVEKIT_API_SECRET
    )


def unsigned() -> str:
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "none"}, {"iss": settings.LIVEKIT_API_KEY, "exp": int(time.time()) + 60, "sub": "one"})
    )
    return f"{head}.{body}."


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda: "", 401),
        (lambda: "no.token.atall", 401),
        (unsigned, 401),
        (lambda: forged(iss="another-key"), 401),
        (lambda: forged(iss=None), 401),
        (lambda: forged(exp=None), 401),
        (lambda: forged(exp=int(time.time()) - 120), 401),
        (lambda: forged(nbf=int(time.time()) + 120), 401),
        (lambda: forged(video={"room": "selftest"}), 401),
        (lambda: forged(video={"roomJoin": "true", "room": "selftest"}), 401),
        (lambda: forged(video=["roomJoin"]), 401),
        (lambda: forged(sub=None), 400),
        (lambda: forged(video={"roomJoin": True}), 400),
        (lambda: forged(video={"roomJoin": True, "room": 7}), 400),
        (lambda: forged(video={"roomJoin": True, "room": "r" * 257}), 400),
        (lambda: jwt.encode({"iss": "test-key", "exp": 4102444800}, "another secret of sufficient length" * 2), 401),
        (lambda: jwt.encode({"iss": "test-key", "exp": 4102444800}, settings.LIVEKIT_API_SECRET * 2, "HS512"), 401),
        # Clocks may differ by a minute.
        (lambda: forged(nbf=int(time.time()) + 30), None),
        (lambda: forged(exp=int(time.time()) - 30), None),
        (lambda: forged(sub=None, jti="one"), None),
    ],
)
async def test_a_token_that_is_not_ours_or_says_too_little(
    make: Callable[[], str], status: int | None, tmp_path: Path
) -> None:
    denial, _ = await knock(tmp_path, {"access_token": make()})
    assert (denial.status if denial else None) == status
    if denial is not None:
        assert denial.headers["access-control-allow-origin"] == "*"


async def test_without_a_configured_secret_nobody_enters(tmp_path: Path, settings: Any) -> None:
    settings.LIVEKIT_API_SECRET = ""
    stolen = jwt.encode(
        {"iss": "test-key", "sub": "one", "exp": 4102444800, "video": {"roomJoin": True, "room": "r"}}, "x" * 32
    )
    denial, _ = await knock(tmp_path, {"access_token": stolen})
    assert denial is not None
    assert denial.status == 401


async def test_the_header_has_priority_over_the_query(tmp_path: Path) -> None:
    query = {"access_token": token("selftest", "from-query"), "sdk": "python"}
    headers = {"Authorization": "Bearer " + token("selftest", "from-header")}
    _, document = await knock(tmp_path, query, headers=headers)
    assert document["identity"] == "from-header"
    assert document["client"] == {"sdk": "python"}  # the token goes no further


async def test_repeated_slashes_are_one(tmp_path: Path) -> None:
    denial, _ = await knock(tmp_path, {"access_token": token("selftest", "one")}, path="//rtc")
    assert denial is None


async def test_the_query_becomes_the_document_for_the_worker(tmp_path: Path) -> None:
    query = {
        "access_token": token("selftest", "one"),
        "auto_subscribe": "0",
        "adaptive_stream": "1",
        "reconnect": "1",
        "sid": "PA_abc",
        "join_request": "AAAA",
    }
    _, document = await knock(tmp_path, query)
    assert document["auto_subscribe"] is False
    assert document["adaptive_stream"] is True
    assert document["reconnect"] is True
    assert document["sid"] == "PA_abc"
    assert document["room_config"] == {
        "empty_timeout": 300,
        "departure_timeout": 20,
        "max_participants": 0,
        "metadata": "",
    }
    assert "join_request" not in document["client"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_single_peer_connection_mode_is_refused_with_404_and_cors(method: str, tmp_path: Path) -> None:
    links = RelayLinks(1, tmp_path, on_event=no_events)
    query = {"access_token": token("selftest", "one"), "join_request": "AAAA"}
    async with websocket(SignallingEndpoint(links), "/rtc/v1", query=query) as client:
        assert client.denial is not None
        assert client.denial.status == 404
        assert client.denial.headers["access-control-allow-origin"] == "*"
    answer = await request(EngineApi(links), method, "/rtc/v1/validate", query=query)
    assert answer.status == (204 if method == "OPTIONS" else 404)
    assert answer.headers["access-control-allow-origin"] == "*"
    # livekit-client takes this text for "no such room" and would not fall back.
    assert b"requested room does not exist" not in answer.body


async def test_a_plain_request_to_rtc_is_no_websocket(tmp_path: Path) -> None:
    answer = await request(EngineApi(RelayLinks(1, tmp_path, on_event=no_events)), "GET", "/rtc")
    assert answer.status == 404


async def test_a_write_lock_on_the_database_keeps_nobody_out(tmp_path: Path) -> None:
    """SQLite's writers exclude each other; the door only reads."""
    from django.db import connection, transaction

    room = await sync_to_async(make_room)()
    own = await sync_to_async(make_participant)(room)
    locked, release = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold_the_lock() -> None:
        with transaction.atomic():
            Room.objects.filter(pk=room.pk).update(name="being written")
            loop.call_soon_threadsafe(locked.set)
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result(10)
        connection.close()

    writer = asyncio.create_task(asyncio.to_thread(hold_the_lock))
    await locked.wait()
    try:
        denial, _ = await knock(tmp_path, {"access_token": token(room.media_name, own.identity)})
        assert denial is None
        assert not writer.done()
    finally:
        release.set()
        await writer
