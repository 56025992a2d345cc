"""`/ws/rooms/<slug>`: who may listen, what each hears, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.core.cache import cache
from django.utils import timezone
from livekit.protocol.models import Room as EngineRoom
from livekit.protocol.webhook import WebhookEvent

from accounts.models import User
from meetings import consumers, outbox
from meetings.engine_events import receive_webhook
from meetings.models import Participant, Room
from meetings.models.participant import Role, State
from meetings.services import lobby, moderation, together
from visio_portal.asgi import portal_websockets
from visio_portal.testing import Cast, Person, make_cast

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = "http://testserver"
T = TypeVar("T")


async def rows(act: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Database work, in Django's thread."""
    return await sync_to_async(act)(*args, **kwargs)


@pytest.fixture(autouse=True)
async def web_process() -> AsyncIterator[None]:
    """This test is the web process: notices go to its own sockets."""
    cache.clear()
    outbox.bind(asyncio.get_running_loop())
    yield
    outbox.bind(None)


class Meeting:
    def __init__(self) -> None:
        self.cast: Cast = make_cast()
        self.room = Room.objects.create(owner=self.cast.alice.signed_in)
        self.alice = self.cast.alice.sits(self.room, role=Role.HOST)
        self.eve = self.cast.eve.sits(self.room, state=State.WAITING)


@pytest.fixture
async def meeting(web_process: None) -> Meeting:
    return await rows(Meeting)


def socket_of(person: Person, room: Room, *, origin: str = ORIGIN) -> WebsocketCommunicator:
    headers = [(b"host", b"testserver"), (b"origin", origin.encode()), (b"cookie", person.cookie.encode())]
    return WebsocketCommunicator(portal_websockets(), f"/ws/rooms/{room.slug}", headers=headers)


async def opened(person: Person, room: Room) -> WebsocketCommunicator:
    socket = socket_of(person, room)
    is_open, _ = await socket.connect(timeout=10)
    assert is_open
    return socket


async def heard(socket: WebsocketCommunicator) -> Any:
    return json.loads(await socket.receive_from(timeout=10))


async def closed(socket: WebsocketCommunicator) -> int:
    message = await socket.receive_output(timeout=10)
    assert message["type"] == "websocket.close"
    return int(message.get("code", 1000))


async def test_the_host_hears_at_once_who_waits_and_the_guest_when_let_in(meeting: Meeting) -> None:
    host = await opened(meeting.cast.alice, meeting.room)
    guest = await opened(meeting.cast.eve, meeting.room)
    state = (await heard(host))["state"]
    assert [person["name"] for person in state["waiting"]] == ["Eve"]
    mine = (await heard(guest))["state"]
    assert (mine["me"]["state"], mine["waiting"], mine["roles"]) == ("waiting", [], {})

    await rows(lobby.admit, meeting.eve, acting=meeting.alice)

    assert (await heard(guest))["state"]["me"]["state"] == "admitted"
    state = (await heard(host))["state"]
    assert (state["waiting"], state["roles"][meeting.eve.identity]) == ([], "participant")
    await host.disconnect()
    await guest.disconnect()


async def test_the_door_stays_open_for_a_guest_whose_session_key_changed_at_admission(meeting: Meeting) -> None:
    guest = await opened(meeting.cast.eve, meeting.room)
    await heard(guest)
    await rows(lobby.admit, meeting.eve, acting=meeting.alice)
    assert (await heard(guest))["state"]["me"]["state"] == "admitted"
    await rows(meeting.cast.eve.call, meeting.room, "token")  # makes the session key anew
    await rows(moderation.set_lock, acting=meeting.alice, is_locked=True)
    assert (await heard(guest))["state"]["room"]["isLocked"] is True
    await guest.disconnect()


async def test_a_denied_guest_hears_so_and_the_socket_ends(meeting: Meeting) -> None:
    guest = await opened(meeting.cast.eve, meeting.room)
    await heard(guest)
    await rows(lobby.deny, meeting.eve, acting=meeting.alice)
    assert await heard(guest) == {"type": "bye", "reason": "denied"}
    assert await closed(guest) == 1000


@pytest.mark.parametrize("state", [State.REMOVED, State.DENIED])
async def test_who_was_sent_away_hears_the_reason_again_and_nothing_else(state: State, meeting: Meeting) -> None:
    await rows(Participant.objects.filter(pk=meeting.eve.pk).update, state=state)
    guest = await opened(meeting.cast.eve, meeting.room)
    assert await heard(guest) == {"type": "bye", "reason": str(state)}
    await closed(guest)


async def test_an_open_page_goes_on_waiting_and_a_sleeping_one_is_seen_again_when_it_wakes(
    meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "_RECHECK_SECONDS", 0.05)
    long_ago = timezone.now() - timedelta(minutes=20)
    await rows(Participant.objects.filter(pk=meeting.eve.pk).update, seen_at=long_ago)
    host = await opened(meeting.cast.alice, meeting.room)
    assert (await heard(host))["state"]["waiting"] == []
    guest = await opened(meeting.cast.eve, meeting.room)
    assert (await heard(guest))["state"]["queue"] == {"place": 1, "length": 1}
    assert [person["name"] for person in (await heard(host))["state"]["waiting"]] == ["Eve"]
    await rows(Participant.objects.filter(pk=meeting.eve.pk).update, seen_at=timezone.now() - timedelta(seconds=60))

    # Told to nobody: only a page that looks again by itself finds it.
    await rows(Person("Frank").sits, meeting.room, state=State.WAITING)
    assert (await heard(guest))["state"]["queue"] == {"place": 1, "length": 2}
    await rows(meeting.eve.refresh_from_db)
    assert meeting.eve.seen_at > timezone.now() - timedelta(seconds=30)
    for socket in (host, guest):
        await socket.disconnect()


async def test_a_socket_that_can_tell_nothing_more_does_not_stay_open(
    meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = await opened(meeting.cast.alice, meeting.room)
    await heard(host)

    def fail(own: Participant) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(consumers, "room_state", fail)
    await rows(outbox.notify_room, meeting.room)
    assert await closed(host) == 1011


async def test_the_end_of_the_call_is_a_goodbye_to_all(meeting: Meeting) -> None:
    sockets = [await opened(person, meeting.room) for person in (meeting.cast.alice, meeting.cast.eve)]
    for socket in sockets:
        await heard(socket)
    await rows(lobby.end_admissions, meeting.room)  # says so of those inside; the waiting one goes on waiting
    await rows(Participant.objects.filter(pk=meeting.alice.pk).update, state=State.ADMITTED)
    await rows(_end_without_engine, meeting)
    for socket in sockets:
        assert await heard(socket) == {"type": "bye", "reason": "ended"}
        await closed(socket)


def _end_without_engine(meeting: Meeting) -> None:
    from django.utils import timezone

    now = timezone.now()
    Participant.objects.filter(room=meeting.room).update(state=State.LEFT, ended_at=now)
    Room.objects.filter(pk=meeting.room.pk).update(call_ended_at=now)
    outbox.notify_room(meeting.room)


async def test_leaving_in_another_tab_ends_the_socket_without_a_word(meeting: Meeting) -> None:
    guest = await opened(meeting.cast.eve, meeting.room)
    await heard(guest)
    await rows(Participant.objects.filter(pk=meeting.eve.pk).update, state=State.LEFT)
    await rows(outbox.notify_room, meeting.room)
    await closed(guest)


async def test_signing_out_ends_the_socket(meeting: Meeting) -> None:
    host = await opened(meeting.cast.alice, meeting.room)
    await heard(host)
    await rows(meeting.cast.alice.client.logout)
    await rows(outbox.notify_room, meeting.room)
    await closed(host)


async def test_a_suspended_account_hears_nothing_more(meeting: Meeting) -> None:
    host = await opened(meeting.cast.alice, meeting.room)
    await heard(host)
    await rows(User.objects.filter(pk=meeting.cast.alice.signed_in.pk).update, is_active=False)
    await rows(outbox.notify_room, meeting.room)
    await closed(host)


async def test_a_demoted_moderator_no_longer_hears_who_waits(meeting: Meeting) -> None:
    bob = await rows(meeting.cast.bob.sits, meeting.room, role=Role.MODERATOR)
    socket = await opened(meeting.cast.bob, meeting.room)
    assert len((await heard(socket))["state"]["waiting"]) == 1
    await rows(Participant.objects.filter(pk=bob.pk).update, role=Role.PARTICIPANT)
    await rows(outbox.notify_room, meeting.room)
    assert (await heard(socket))["state"]["waiting"] == []
    await socket.disconnect()


async def test_a_raised_hand_is_told_at_once_to_who_is_inside_and_not_to_who_waits(meeting: Meeting) -> None:
    bob = await rows(meeting.cast.bob.sits, meeting.room)
    sockets = [await opened(person, meeting.room) for person in (meeting.cast.alice, meeting.cast.bob)]
    waiting = await opened(meeting.cast.eve, meeting.room)
    for socket in (*sockets, waiting):
        assert (await heard(socket))["state"]["hands"] == []
    await rows(together.set_hand, bob, is_raised=True)
    for socket in sockets:
        assert (await heard(socket))["state"]["hands"] == [bob.identity]
    await rows(together.lower_hands, acting=meeting.alice)
    for socket in sockets:
        assert (await heard(socket))["state"]["hands"] == []
    assert await waiting.receive_nothing()
    for socket in (*sockets, waiting):
        await socket.disconnect()


async def test_when_the_call_began_is_told_as_soon_as_the_engine_says_so_to_who_is_inside(meeting: Meeting) -> None:
    inside, waiting = await opened(meeting.cast.alice, meeting.room), await opened(meeting.cast.eve, meeting.room)
    for socket in (inside, waiting):
        assert (await heard(socket))["state"]["callBeganAt"] is None
    began = timezone.now().replace(microsecond=250_000) - timedelta(minutes=42)
    started = EngineRoom(sid="RM_1", name=meeting.room.media_name, creation_time_ms=int(began.timestamp() * 1000))
    event = WebhookEvent(id="EV_1", event="room_started", room=started, created_at=int(began.timestamp()) + 1)
    await rows(receive_webhook, event)
    assert (await heard(inside))["state"]["callBeganAt"] == f"{began:%Y-%m-%dT%H:%M:%S}.250Z"
    assert await waiting.receive_nothing()
    for socket in (inside, waiting):
        await socket.disconnect()


@pytest.mark.parametrize("name", ["dana", "charlie"])
async def test_without_a_row_of_ones_own_the_door_is_shut(name: str, meeting: Meeting) -> None:
    is_open, _ = await socket_of(meeting.cast[name], meeting.room).connect(timeout=10)
    assert not is_open


@pytest.mark.parametrize("slug", ["zzz-zzzz-zzz", "x", "%00", "..%2f"])
async def test_a_missing_room_is_shut_the_same_way(slug: str, meeting: Meeting) -> None:
    is_open, _ = await socket_of(meeting.cast.alice, Room(slug=slug)).connect(timeout=10)
    assert not is_open


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://testserver:81", "http://testserver.evil.example", "null", ""]
)
async def test_a_page_of_another_site_cannot_listen(origin: str, meeting: Meeting) -> None:
    is_open, _ = await socket_of(meeting.cast.alice, meeting.room, origin=origin).connect(timeout=10)
    assert not is_open


@pytest.mark.parametrize("frame", [{"text_data": "hello"}, {"bytes_data": b"\x00"}])
async def test_the_socket_listens_to_nothing(frame: dict[str, Any], meeting: Meeting) -> None:
    host = await opened(meeting.cast.alice, meeting.room)
    await heard(host)
    await host.send_to(**frame)
    assert await closed(host) == 1008
