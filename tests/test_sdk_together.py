"""What people do beside speaking reaches the others through the portal: two stock clients in one portal room."""

import json
from typing import Any

import pytest

from meetings.probe import Probe, ProbeOptions
from tests.calls import leave_all, wait_until
from tests.people import Person
from tests.portal import Portal

pytestmark = pytest.mark.calls


def packets(probe: Probe, topic: str) -> list[Any]:
    """What the server sent to this participant: packets of a person would name one."""
    return [json.loads(packet.data) for packet in probe.data if packet.topic == topic and packet.participant is None]


async def test_a_chat_line_a_reaction_and_a_hand_reach_both(portal: Portal, alice: Person, bob: Person) -> None:
    slug = await alice.create_room()
    await alice.enter(slug)
    await bob.enter(slug)
    await alice.moderate(slug, bob, "admit")
    everyone = [Probe(number, ProbeOptions(audio=False, video=False)) for number in (1, 2)]
    try:
        for probe, person in zip(everyone, (alice, bob), strict=True):
            entrance = await person.entrance(slug)
            await probe.join(entrance.url, entrance.token)
        await wait_until(
            lambda: all(probe.room.remote_participants for probe in everyone),
            lambda: [list(probe.room.remote_participants) for probe in everyone],
        )

        answer = await bob.call(slug, "messages", {"text": "Bonjour à tous 👋", "key": "first"})
        assert answer.status_code == 201, answer.text
        message = answer.json()
        assert (message["identity"], message["text"]) == (bob.identity, "Bonjour à tous 👋")
        await _until_both_have(everyone, "portal.chat", [message])

        assert (await alice.call(slug, "reactions", {"reaction": "clap"})).status_code == 204
        await _until_both_have(everyone, "portal.reaction", [{"identity": alice.identity, "reaction": "clap"}])

        assert (await bob.call(slug, "hand", {"isRaised": True})).status_code == 204
        assert (await alice.state(slug))["hands"] == (await bob.state(slug))["hands"] == [bob.identity]
        await alice.moderate(slug, bob, "lower_hand")
        assert (await alice.state(slug))["hands"] == (await bob.state(slug))["hands"] == []

        assert (await alice.call(slug, f"messages/{message['id']}/delete")).status_code == 204
        gone = {"id": message["id"], "isDeleted": True}
        await _until_both_have(everyone, "portal.chat", [message, gone])

        assert (await bob.call(slug, "hand", {"isRaised": True})).status_code == 204
        await everyone[1].leave()  # the portal hears nothing of it but from the engine

        async def no_hand_is_up() -> bool:
            return not (await alice.state(slug))["hands"]

        await wait_until(no_hand_is_up, lambda: "the hand of who is gone is still up")
    finally:
        await leave_all(everyone)


async def _until_both_have(everyone: list[Probe], topic: str, expected: list[Any]) -> None:
    await wait_until(
        lambda: all(packets(probe, topic) == expected for probe in everyone),
        lambda: {probe.identity: packets(probe, topic) for probe in everyone},
    )
