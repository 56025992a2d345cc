"""LiveKit's Go SDK and its Python SDK in one call: two independent clients agree on what the engine sends them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from meetings.probe import Probe, ProbeOptions
from tests.calls import in_room, wait_until
from tests.go_participant import GoParticipant
from tests.portal import Portal

pytestmark = pytest.mark.calls

# In a file without a stream's state a VP8 decoder shows every picture; two seconds of them are enough.
_FRAMES = 30


@asynccontextmanager
async def meeting(
    portal: Portal, room: str, folder: Path, options: ProbeOptions | None = None
) -> AsyncIterator[tuple[Probe, GoParticipant]]:
    """A Python and a Go participant in a room without a row; both publish."""
    go = GoParticipant(folder)
    async with in_room(portal, room, 1, options) as (python,):
        try:
            await go.join(portal.engine_url, portal.token(room, "gopher"))
            await wait_until(lambda: go.names().count("published") == 2, go.names)
            yield python, go
        finally:
            await go.leave()
    assert "failed" not in go.names(), go.events


def _meet(python: Probe, go: GoParticipant) -> Callable[[], bool]:
    """From now on both get the other's picture and sound."""
    python.forget()
    before = {kind: go.media(python.identity, kind).get("frames", 0) for kind in ("audio", "video")}

    def condition() -> bool:
        sees = python.sees() == {"gopher": {go.number}} and len(python.counters("gopher")) >= 3
        gets = all(
            go.media(python.identity, kind).get("frames", 0) >= frames + _FRAMES for kind, frames in before.items()
        )
        # The newest half second: on a busy machine concealed sound before it is no pure tone.
        newest = [(heard.identity, heard.tones) for heard in list(python.heard)[-5:]]
        return sees and newest == [("gopher", frozenset({go.number}))] * 5 and gets

    return condition


def _describe(python: Probe, go: GoParticipant) -> Callable[[], object]:
    return lambda: (python.sees(), python.hears(), [go.media(python.identity, kind) for kind in ("audio", "video")])


async def test_a_go_and_a_python_participant_get_each_others_own_picture_and_sound(
    portal: Portal, tmp_path: Path
) -> None:
    async with meeting(portal, "go-and-python", tmp_path) as (python, go):
        await wait_until(_meet(python, go), _describe(python, go))
        identity = python.identity
    numbers, counters = go.saw(identity)
    assert numbers == {python.number}
    assert len(counters) >= _FRAMES
    assert go.heard(identity) == {python.number}


async def test_mute_and_unpublish_of_the_go_participant_reach_the_python_one(portal: Portal, tmp_path: Path) -> None:
    async with meeting(portal, "go-mute", tmp_path) as (python, go):
        await wait_until(_meet(python, go), _describe(python, go))
        for kind in ("audio", "video"):
            await go.do("mute", kind=kind)
        await wait_until(lambda: python.event_names().count("track_muted") == 2, python.event_names)
        for kind in ("audio", "video"):
            await go.do("unmute", kind=kind)
        await wait_until(_meet(python, go), _describe(python, go))
        await go.do("unpublish", kind="video")
        await wait_until(lambda: "track_unpublished" in python.event_names(), python.event_names)


async def test_data_passes_both_ways(portal: Portal, tmp_path: Path) -> None:
    async with meeting(portal, "go-data", tmp_path) as (python, go):
        await wait_until(_meet(python, go), _describe(python, go))
        await go.do("data", text="from Go", topic="greeting")
        await wait_until(lambda: python.data, lambda: python.data)
        assert [(packet.data, packet.topic) for packet in python.data] == [(b"from Go", "greeting")]
        await python.room.local_participant.publish_data("from Python", topic="answer")
        await wait_until(lambda: "data" in go.names(), go.names)
        (received,) = [event for event in go.events if event["event"] == "data"]
        assert received == {"event": "data", "identity": python.identity, "topic": "answer", "text": "from Python"}


async def test_a_resumed_go_participant_keeps_its_call(portal: Portal, tmp_path: Path) -> None:
    async with meeting(portal, "go-resume", tmp_path) as (python, go):
        await wait_until(_meet(python, go), _describe(python, go))
        await go.do("simulate", what="signal-reconnect")
        await wait_until(lambda: "reconnected" in go.names(), go.names)
        await wait_until(_meet(python, go), _describe(python, go))
        assert "participant_disconnected" not in python.event_names()
