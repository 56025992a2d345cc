"""An admission of another day opens no door, whichever one it is shown at; a night session is no other day."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from livekit.protocol.room import RoomParticipantIdentity

from meetings import outbox
from meetings.models import Attendance, CallSession, Participant, Room
from meetings.models.participant import Role
from meetings.tests.conftest import Meeting
from meetings.tests.fake_worker import until
from meetings.tests.rows import make_participant, make_room, token
from meetings.tests.test_doors import DOORS, MODERATION, waiting_frank
from meetings.tests.test_lobby import enter
from meetings.tests.test_room_socket import Meeting as SocketMeeting
from meetings.tests.test_room_socket import closed, heard, opened, rows
from meetings.tests.test_rtc_admission import knock
from meetings.tests.test_rtc_signalling import call, joined

OLD, NEW = 13, 11  # hours: on both sides of the limit


def let_in(own: Participant, *, hours: float, seen_minutes_ago: float | None = None) -> Participant:
    """Makes the admission so old, and lets the engine have named the person then (None: never)."""
    now = timezone.now()
    own.admitted_at = now - timedelta(hours=hours)
    own.save(update_fields=["admitted_at"])
    if seen_minutes_ago is not None:
        seen = now - timedelta(minutes=seen_minutes_ago)
        call_row = CallSession.objects.create(
            room=own.room, sid=f"RM_{own.identity}", started_at=own.admitted_at, last_seen_at=seen
        )
        Attendance.objects.create(
            participant=own, call=call_row, sid=f"PA_{own.identity}", joined_at=own.admitted_at, last_seen_at=seen
        )
    return own


# Hours since the admission, minutes since the engine named the person in the call; does the admission count?
AGES = pytest.mark.parametrize(
    ("hours", "seen_minutes_ago", "counts"),
    [
        pytest.param(NEW, None, True, id="today"),
        pytest.param(OLD, None, False, id="another day"),
        pytest.param(OLD, 1, True, id="another day, still in the call"),
        pytest.param(OLD, 60, False, id="another day, in the call an hour ago"),
    ],
)


@pytest.mark.django_db
@AGES
@pytest.mark.parametrize("door", ["token", "role", *MODERATION])
def test_the_doors_of_the_page(
    door: str, hours: float, seen_minutes_ago: float | None, counts: bool, meeting: Meeting
) -> None:
    frank = waiting_frank(meeting, door)
    Participant.objects.filter(pk=meeting.bob.pk).update(role=Role.HOST)
    let_in(meeting.bob, hours=hours, seen_minutes_ago=seen_minutes_ago)
    status = DOORS[door](meeting.cast.bob, meeting.room, frank).status_code
    assert status == ((200 if door == "token" else 204) if counts else 403)
    # The owner's own admission never ages.
    let_in(meeting.alice, hours=OLD)
    frank.refresh_from_db()
    if door not in ("admit", "deny", "remove", "mute", "role", "end"):  # what can be done only once
        assert DOORS[door](meeting.cast.alice, meeting.room, frank).status_code in (200, 204)


@pytest.mark.django_db
@AGES
def test_who_enters_again_is_asked_for_again(
    hours: float, seen_minutes_ago: float | None, counts: bool, meeting: Meeting
) -> None:
    let_in(meeting.charlie, hours=hours, seen_minutes_ago=seen_minutes_ago)
    assert enter(meeting.cast.charlie, meeting.room)["state"] == ("admitted" if counts else "waiting")


@pytest.mark.django_db
@AGES
def test_what_the_state_tells(hours: float, seen_minutes_ago: float | None, counts: bool, meeting: Meeting) -> None:
    waiting_frank(meeting, "admit")
    let_in(meeting.bob, hours=hours, seen_minutes_ago=seen_minutes_ago)
    state = json.loads(meeting.cast.bob.state(meeting.room).content)
    assert bool(state["roles"]) is counts
    assert bool(state["waiting"]) is counts


@pytest.mark.django_db(transaction=True)
@AGES
@pytest.mark.parametrize("query", [{}, {"reconnect": "1", "sid": "PA_1"}], ids=["join", "resume"])
async def test_the_websocket_of_the_call(
    query: dict[str, str], hours: float, seen_minutes_ago: float | None, counts: bool, tmp_path: Path
) -> None:
    def person() -> tuple[Room, Participant]:
        room = make_room()
        return room, let_in(make_participant(room), hours=hours, seen_minutes_ago=seen_minutes_ago)

    room, own = await sync_to_async(person)()
    denial, _ = await knock(tmp_path, {"access_token": token(room.media_name, own.identity), **query})
    assert (denial.status if denial else None) == (None if counts else 403)


@pytest.mark.django_db(transaction=True)
async def test_the_websocket_of_the_owner_opens_on_any_day(tmp_path: Path) -> None:
    room = await sync_to_async(make_room)()
    own = await sync_to_async(make_participant)(room, user=room.owner, role=Role.HOST)
    await sync_to_async(let_in)(own, hours=OLD)
    denial, _ = await knock(tmp_path, {"access_token": token(room.media_name, own.identity)})
    assert denial is None


@pytest.mark.django_db(transaction=True)
@AGES
async def test_the_refresh_of_the_token(
    hours: float, seen_minutes_ago: float | None, counts: bool, tmp_path: Path
) -> None:
    room = await sync_to_async(make_room)()
    own = await sync_to_async(make_participant)(room)
    own_token = token(room.media_name, own.identity)
    removed: list[bytes] = []

    def remove(request: bytes) -> bytes:
        removed.append(request)
        return b""

    async with call(tmp_path, access_token=own_token, refresh_seconds=0.05) as (client, worker, _):
        worker.answers["RoomService.RemoveParticipant"] = remove
        await joined(client)
        await sync_to_async(let_in)(own, hours=hours, seen_minutes_ago=seen_minutes_ago)
        if counts:
            for _ in range(3):  # one of them may have been under way before
                assert (await client.receive()).WhichOneof("message") == "refresh_token"
        else:
            await until(lambda: bool(removed))
            assert RoomParticipantIdentity.FromString(removed[0]).identity == own.identity
    assert bool(removed) is not counts


@pytest.mark.django_db(transaction=True)
async def test_a_page_that_was_left_open_over_night_hears_that_it_is_over() -> None:
    outbox.bind(asyncio.get_running_loop())
    try:
        meeting = await rows(SocketMeeting)
        bob = await rows(meeting.cast.bob.sits, meeting.room)
        await rows(let_in, bob, hours=OLD)
        socket = await opened(meeting.cast.bob, meeting.room)
        assert await heard(socket) == {"type": "bye", "reason": "ended"}
        await closed(socket)
    finally:
        outbox.bind(None)
