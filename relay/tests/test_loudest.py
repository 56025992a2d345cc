"""Which microphones of a room are forwarded, when their levels are only what senders claim."""

from __future__ import annotations

from collections import Counter

import pytest

from relay.audio import AudioSelector
from relay.tests.plane import Peer, Plane

MICROPHONE, SHARED_SOUND = 2, 4


class Council:
    """People with microphones of one room, and an ear that hears what is forwarded."""

    def __init__(self, places: int) -> None:
        self.plane = Plane()
        self.selector = AudioSelector(places)
        self.ear = self.plane.peer()
        self._voices: dict[int, tuple[Peer, int]] = {}  # by outgoing SSRC: whose it is, and its own SSRC
        self._number = 0

    def person(self) -> Peer:
        return self.plane.peer()

    def microphone(self, person: Peer, source: int = MICROPHONE) -> int:
        """Its outgoing SSRC, under which what it says is heard."""
        ssrc = 60 + len(self._voices)
        track = self.plane.publish(person, selector=self.selector, source=source, ssrcs=(ssrc,))
        self.plane.subscribe(track, self.ear)
        self._voices[track.ssrc] = person, ssrc
        return track.ssrc

    def talk(self, seconds: int, levels: dict[int, int]) -> Counter[int]:
        """Everybody sends for so long, at the levels that they claim. How many packets of each were heard."""
        for _ in range(seconds * 50):
            self._number += 1
            for out, (person, ssrc) in self._voices.items():
                person.audio(self._number, ssrc=ssrc, level=levels[out])
            self.plane.advance(0.02)
        return Counter(packet.ssrc for packet in self.ear.take())


def test_many_microphones_of_one_person_take_one_place() -> None:
    council = Council(places=4)
    eve = council.person()
    eves = [council.microphone(eve) for _ in range(8)]
    honest = [council.microphone(council.person()) for _ in range(3)]
    levels = dict.fromkeys(eves, 0) | dict.fromkeys(honest, 25)
    council.talk(2, levels)
    heard = council.talk(4, levels)
    assert [heard[voice] for voice in honest] == [200, 200, 200]
    assert sum(heard[voice] for voice in eves) == 200, "one of hers at a time"


def test_a_persons_shared_sound_has_a_place_of_its_own() -> None:
    council = Council(places=2)
    silent = [council.microphone(council.person()) for _ in range(3)]
    alice = council.person()
    voice, film, second = (council.microphone(alice, source) for source in (MICROPHONE, SHARED_SOUND, MICROPHONE))
    levels = {voice: 20, film: 22, second: 24} | dict.fromkeys(silent, 80)
    council.talk(1, levels)
    assert council.talk(2, levels) == {voice: 100, film: 100}


def test_no_claim_of_being_loud_keeps_somebody_who_speaks_unheard() -> None:
    council = Council(places=8)
    claimants = [council.microphone(council.person()) for _ in range(10)]
    honest = council.microphone(council.person())
    levels = dict.fromkeys(claimants, 0) | {honest: 90}
    council.talk(20, levels)
    levels[honest] = 30
    assert council.talk(3, levels)[honest] > 25, "heard within three seconds"
    heard = council.talk(30, levels)
    assert heard[honest] > 0.5 * 30 * 50
    assert min(heard[voice] for voice in claimants) > 0.5 * 30 * 50, "nor does it keep out them, should they be honest"


def test_who_speaks_keeps_the_place_through_their_pauses_while_others_claim_to_be_louder() -> None:
    council = Council(places=2)
    claimants = [council.microphone(council.person()) for _ in range(3)]
    honest = council.microphone(council.person())
    levels = dict.fromkeys(claimants, 0) | {honest: 25}
    assert any(council.talk(1, levels)[honest] for _ in range(20))
    for _ in range(3):
        assert council.talk(1, levels | {honest: 70})[honest] == 50
        assert council.talk(1, levels)[honest] == 50


def after_turns(places: int) -> tuple[Council, int, int, dict[int, int]]:
    """A lecturer has spoken all the time. All other places were given as turns, and those who got them say no more.

    Who lectures, somebody else who has not spoken yet, and everybody's level: silence but for the lecturer.
    """
    council = Council(places)
    first = [council.microphone(council.person()) for _ in range(places - 1)]
    lecturer = council.microphone(council.person())
    guests = [council.microphone(council.person()) for _ in range(places - 1)]
    late = council.microphone(council.person())
    silent = dict.fromkeys((*first, lecturer, *guests, late), 90)
    lecture = silent | {lecturer: 25}
    council.talk(1, lecture | dict.fromkeys(first, 25))
    for guest in guests:  # a turn each, for which one of the first goes
        levels = lecture | dict.fromkeys((*first, *guests[: guests.index(guest) + 1]), 25)
        for _ in range(8):
            if council.talk(1, levels)[guest]:
                break
        else:
            raise AssertionError("no turn was given")
    return council, lecturer, late, lecture


@pytest.mark.parametrize("places", [2, 3, 4])
def test_who_is_silent_in_their_turn_goes_before_a_lecturer_who_speaks(places: int) -> None:
    council, lecturer, late, lecture = after_turns(places)
    heard = council.talk(6, lecture | {late: 25})
    assert heard[lecturer] == 300
    assert heard[late] > 150


@pytest.mark.parametrize("places", [2, 3, 4])
def test_a_lecturer_who_takes_breath_keeps_the_place_that_somebody_silent_can_give(places: int) -> None:
    council, lecturer, late, lecture = after_turns(places)
    assert council.talk(2, lecture)[lecturer] == 100
    heard = council.talk(1, lecture | {lecturer: 90, late: 25})
    assert (heard[lecturer], heard[late] > 30) == (50, True)
