"""How many may wait at the door for the database, and that an answer, whatever it is, makes room for the next."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async

from meetings.doorkeeper import Doorkeeper
from meetings.engine_errors import Denied
from meetings.tests.rows import make_room
from meetings.tokens import Claims

# A room without a row: the token alone decides, nobody asks the database.
CLAIMS = Claims(identity="one", grants={"room": "selftest", "roomJoin": True})


async def test_of_too_many_at_once_the_last_is_told_to_try_again() -> None:
    door = Doorkeeper(threads=1, waiting=2)
    for _ in range(2):
        answers = await asyncio.gather(*(door.admit(CLAIMS) for _ in range(3)), return_exceptions=True)
        assert answers[:2] == [CLAIMS, CLAIMS]
        assert isinstance(answers[2], Denied)
        assert answers[2].status == 503


@pytest.mark.django_db(transaction=True)
async def test_who_is_refused_leaves_room_for_the_next() -> None:
    room = await sync_to_async(make_room)()
    stranger = Claims(identity="one", grants={"room": room.media_name, "roomJoin": True})
    door = Doorkeeper(threads=1, waiting=1)
    for _ in range(2):
        with pytest.raises(Denied) as refused:
            await door.admit(stranger)
        assert refused.value.status == 403
    assert await door.admit(CLAIMS) == CLAIMS
