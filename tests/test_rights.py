"""What a person's token does not allow has no effect on anybody, whatever client is used."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field

import aiohttp
import pytest
from livekit import rtc
from livekit.protocol.rtc import SignalRequest
from livekit.rtc.data_stream import StreamError
from livekit.rtc.participant import PublishDataError, PublishTrackError

from meetings.probe import Probe
from tests.calls import assert_all_meet, leave_all, wait_until
from tests.people import Entrance, Person
from tests.portal import Portal
from tests.signalling_client import signalling

pytestmark = pytest.mark.calls

REFUSED_WITHIN_SECONDS = 5
_NO_CAMERA = (
    "from meetings.models import Participant; "
    "Participant.objects.filter(identity='{identity}').update(may_publish_sources=['microphone', 'screen_share'])"
)


@dataclass(slots=True)
class Meeting:
    """Alice hosts, Bob was admitted; each has a token for a stock client."""

    slug: str
    alice: Person
    bob: Person
    alices_entrance: Entrance
    bobs_entrance: Entrance
    host: Probe = field(default_factory=lambda: Probe(1))
    guest: Probe = field(default_factory=lambda: Probe(2))

    @property
    def everyone(self) -> list[Probe]:
        return [self.host, self.guest]


@pytest.fixture
async def meeting(portal: Portal, alice: Person, bob: Person) -> AsyncIterator[Meeting]:
    """Both are in, and hear and see each other."""
    found = await _meet(alice, bob)
    try:
        await found.host.join(found.alices_entrance.url, found.alices_entrance.token)
        await found.guest.join(found.bobs_entrance.url, found.bobs_entrance.token)
        await assert_all_meet(found.everyone)
        yield found
    finally:
        await leave_all(found.everyone)


async def test_data_that_a_person_sends_reaches_nobody(meeting: Meeting) -> None:
    guest = meeting.guest.room.local_participant
    for reliable in (True, False):
        for destinations in ([], [meeting.host.identity]):
            await _allowed_to_fail(guest.publish_data(b"psst", reliable=reliable, destination_identities=destinations))
    await _allowed_to_fail(guest.send_text("psst", topic="lk.chat"))
    await _settle(meeting)
    assert meeting.host.data == []


async def test_a_person_changes_neither_their_name_nor_attributes_nor_metadata(meeting: Meeting) -> None:
    guest = meeting.guest.room.local_participant
    await _allowed_to_fail(guest.set_name("The Minister"))
    await _allowed_to_fail(guest.set_attributes({"role": "host"}))
    await _allowed_to_fail(guest.set_metadata('{"role": "host"}'))
    await _settle(meeting)
    seen = meeting.host.room.remote_participants[meeting.guest.identity]
    assert (seen.name, dict(seen.attributes), seen.metadata) == ("Bob Petit", {}, "")
    changes = [name for name in meeting.host.event_names() if name.startswith("participant_") and "changed" in name]
    assert changes == []


async def test_a_source_that_the_row_does_not_allow_is_published_to_nobody(
    portal: Portal, alice: Person, bob: Person
) -> None:
    """The token is older than the row's change and still says that everything is allowed."""
    meeting = await _meet(alice, bob)
    portal.manage("shell", "-c", _NO_CAMERA.format(identity=bob.identity))
    try:
        await meeting.host.join(meeting.alices_entrance.url, meeting.alices_entrance.token)
        await meeting.guest.room.connect(meeting.bobs_entrance.url, meeting.bobs_entrance.token)
        await meeting.guest.publish_tone()
        await _allowed_to_fail(meeting.guest.publish_card(rtc.TrackSource.SOURCE_CAMERA))
        # A camera that calls itself a microphone, or no source at all, is none of what is allowed.
        await _allowed_to_fail(meeting.guest.publish_card(rtc.TrackSource.SOURCE_MICROPHONE))
        await _allowed_to_fail(meeting.guest.publish_card(rtc.TrackSource.SOURCE_UNKNOWN))
        # What is allowed comes last and the same way: when it is seen, the others would have been.
        await meeting.guest.publish_card(rtc.TrackSource.SOURCE_SCREENSHARE)
        await assert_all_meet(meeting.everyone)
        published = meeting.host.room.remote_participants[bob.identity].track_publications.values()
        assert sorted((publication.kind, publication.source) for publication in published) == [
            (rtc.TrackKind.KIND_AUDIO, rtc.TrackSource.SOURCE_MICROPHONE),
            (rtc.TrackKind.KIND_VIDEO, rtc.TrackSource.SOURCE_SCREENSHARE),
        ]
    finally:
        await leave_all(meeting.everyone)


async def test_a_removed_person_cannot_come_back_with_the_oldest_token(portal: Portal, meeting: Meeting) -> None:
    await meeting.alice.moderate(meeting.slug, meeting.bob, "remove")
    await wait_until(lambda: "disconnected" in meeting.guest.event_names(), meeting.guest.event_names)
    await wait_until(
        lambda: not meeting.host.room.remote_participants, lambda: list(meeting.host.room.remote_participants)
    )
    again = Probe(3)
    with pytest.raises(rtc.ConnectError):
        await again.join(meeting.bobs_entrance.url, meeting.bobs_entrance.token)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with signalling(meeting.bobs_entrance.url, meeting.bobs_entrance.token):
            pass
    assert refused.value.status in (401, 403)
    assert (await meeting.bob.call(meeting.slug, "token")).status_code == 403
    assert list(meeting.host.room.remote_participants) == []


async def test_a_person_who_waits_gets_no_token_and_a_foreign_one_opens_nothing(
    portal: Portal, alice: Person, bob: Person
) -> None:
    slug = await alice.create_room()
    await alice.enter(slug)
    assert await bob.enter(slug) == "waiting"
    assert (await bob.call(slug, "token")).status_code == 403
    room = _room_of(await alice.entrance(slug))
    # Signed with the right key, as a stolen or self-made token would be, but there is no admitted row behind it.
    for identity in (bob.identity, "somebody"):
        with pytest.raises(rtc.ConnectError):
            await Probe(2).join(portal.engine_url, portal.token(room, identity))


async def test_a_guest_gives_no_orders_to_the_engine(portal: Portal, meeting: Meeting) -> None:
    room = _room_of(meeting.bobs_entrance)
    orders = {
        "RemoveParticipant": {"room": room, "identity": meeting.host.identity},
        "MutePublishedTrack": {"room": room, "identity": meeting.host.identity, "track_sid": "TR_x", "muted": True},
        "SendData": {"room": room, "data": "cHNzdA==", "kind": "RELIABLE"},
        "DeleteRoom": {"room": room},
        "ListRooms": {},
        "UpdateParticipant": {"room": room, "identity": meeting.guest.identity, "name": "The Minister"},
    }
    for method, body in orders.items():
        answer = await meeting.bob.http.post(
            f"{portal.engine_url.replace('ws', 'http', 1)}/twirp/livekit.RoomService/{method}",
            json=body,
            headers={"Authorization": f"Bearer {meeting.bobs_entrance.token}"},
        )
        assert answer.status_code in (401, 403), f"{method}: {answer.status_code} {answer.text}"
    await _settle(meeting)
    assert meeting.host.data == []


async def test_a_client_that_is_no_sdk_cannot_rename_itself_or_mute_others(meeting: Meeting) -> None:
    host_track = meeting.host.audio
    assert host_track is not None
    async with signalling(meeting.bobs_entrance.url, meeting.bobs_entrance.token) as client:
        await wait_until(lambda: "disconnected" in meeting.guest.event_names(), meeting.guest.event_names)
        rename = SignalRequest()
        rename.update_metadata.name = "The Minister"
        rename.update_metadata.metadata = "host"
        rename.update_metadata.attributes["role"] = "host"
        await client.send(rename)
        mute = SignalRequest()
        mute.mute.sid = host_track.sid
        mute.mute.muted = True
        await client.send(mute)
        await client.ping()  # handled in order: the orders are through
        leave = SignalRequest()
        leave.leave.SetInParent()
        await client.send(leave)
    # The end of that client is the last thing it causes: whatever came before has arrived when this does.
    events = meeting.host.event_names
    await wait_until(lambda: not meeting.host.room.remote_participants, events)
    assert not [name for name in events() if "changed" in name and name.startswith("participant_")]
    assert "track_muted" not in events()
    assert not host_track.muted


async def _meet(alice: Person, bob: Person) -> Meeting:
    slug = await alice.create_room()
    await alice.enter(slug)
    await bob.enter(slug)
    await alice.moderate(slug, bob, "admit")
    return Meeting(slug, alice, bob, await alice.entrance(slug), await bob.entrance(slug))


async def _settle(meeting: Meeting) -> None:
    """Two rounds of media in both directions: an effect would have come the same way before."""
    for _ in range(2):
        await assert_all_meet(meeting.everyone)


async def _allowed_to_fail(order: Coroutine[object, object, object]) -> None:
    """The SDK may refuse, be refused, or wait for an answer that never comes: the effect on others counts.

    Any other error is the test's own, which would try nothing and see no effect.
    """
    with contextlib.suppress(PublishDataError, PublishTrackError, StreamError, TimeoutError):
        await asyncio.wait_for(order, REFUSED_WITHIN_SECONDS)


def _room_of(entrance: Entrance) -> str:
    """The engine's name of the room, as anybody can read it in their token."""
    payload = entrance.token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["video"]["room"])
