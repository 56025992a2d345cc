"""The worker's time: a new connection brings none, and many people together take no more than they may."""

from __future__ import annotations

import itertools

import pytest
from livekit.protocol import rtc

from relay import clock
from relay.permissions import Permission
from relay.tests.stage import CAMERA, VIDEO, Client, Stage
from relay.timeshares import (
    ALL_BEYOND,
    MAX_REMEMBERED,
    QUIET,
    SENDER,
    SIGNALS,
    SIGNALS_BEYOND,
    TEST,
    TESTS_BEYOND,
    PersonShares,
    TimeShares,
)

LISTENER = Permission(can_publish_data=False)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> float:
    stopped = clock.now()
    monkeypatch.setattr(clock, "now", lambda: stopped)
    return stopped


def shares_of(client: Client) -> list[PersonShares]:
    return [transport.shares for transport in (client.publisher, client.subscriber) if transport.shares is not None]


def taken(shares: list[PersonShares], now: float) -> float:
    """The seconds that people take who always send what costs a hundredth of a second."""
    total = 0.0
    for person in shares:
        while not person.sctp.is_spent(now):
            person.sctp.spend(0.01, now)
            total += 0.01
    return total


def test_who_joins_again_has_no_more_than_before(now: float) -> None:
    stage = Stage()
    eve = shares_of(stage.join("eve"))
    assert len(eve) == 2
    assert taken(eve, now) == pytest.approx(SENDER[1], abs=0.02), "both connections together"
    eve[0].rtcp.spend(QUIET[1] + ALL_BEYOND[1], now)
    again = shares_of(stage.join("eve"))
    assert taken(again, now) == 0
    assert taken(shares_of(stage.join("bob")), now) > 0


def test_all_who_may_send_nothing_share_what_goes_beyond_their_own(now: float) -> None:
    stage = Stage()
    crowd = [shares_of(stage.join(f"eve{number}", permission=LISTENER))[0] for number in range(10)]
    assert taken(crowd, now) == pytest.approx(ALL_BEYOND[1] + 10 * QUIET[1], abs=0.2)
    alice, bob = stage.join("alice"), stage.join("bob", permission=LISTENER)
    assert not any(share.is_spent(now) for share in (*shares_of(alice)[0], *shares_of(bob)[0])), (
        "theirs is left to them"
    )


def test_reports_are_shared_likewise(now: float) -> None:
    shares = TimeShares()
    eve, bob = (shares.of("council", name, sends_data=True, gives_way=False) for name in ("eve", "bob"))
    for seconds in (2 * QUIET[1], 2 * ALL_BEYOND[1]):
        assert not eve.rtcp.is_spent(now)
        eve.rtcp.spend(seconds, now)
    assert eve.rtcp.is_spent(now)
    assert not bob.rtcp.is_spent(now)
    bob.rtcp.spend(2 * QUIET[1], now)
    assert bob.rtcp.is_spent(now)


def join_test(stage: Stage, room: str, identity: str = "test-a") -> PersonShares:
    return shares_of(stage.join(identity, room=room, permission=LISTENER, gives_way=True))[0]


def take_all(eve: PersonShares, now: float) -> None:
    for share in (eve.sctp, eve.rtcp, eve.signals):
        while not share.is_spent(now):
            share.spend(0.01, now)


def test_hostile_connection_tests_take_nothing_from_an_honest_one_nor_from_people(now: float) -> None:
    stage = Stage()
    crowd = [join_test(stage, f"test{number}") for number in range(10)]
    assert taken(crowd, now) == pytest.approx(TESTS_BEYOND[1] + 10 * TEST[1], abs=0.15)
    for eve in crowd:
        take_all(eve, now)
    honest = join_test(stage, "honest")
    for share in (honest.sctp, honest.rtcp, honest.signals):
        share.spend(0.9 * TEST[1], now)
        assert not share.is_spent(now), "the part of one's own is left, whatever the others take"
    bob = shares_of(stage.join("bob", permission=LISTENER))
    assert taken(bob, now) == pytest.approx(QUIET[1] + ALL_BEYOND[1], abs=0.04)


def test_a_connection_test_that_joins_again_has_no_more_than_before(now: float) -> None:
    stage = Stage()
    assert taken([join_test(stage, "test")], now) > TEST[1]
    assert taken([join_test(stage, "test")], now) == 0


def test_however_many_connection_tests_there_are_no_persons_share_is_forgotten(now: float) -> None:
    shares = TimeShares()
    bob = shares.of("council", "bob", sends_data=True, gives_way=False)
    for number in range(MAX_REMEMBERED + 1):
        shares.of(f"test{number}", "test-a", sends_data=False, gives_way=True)
    assert shares.of("council", "bob", sends_data=True, gives_way=False) is bob


def test_an_honest_connection_test_needs_no_more_than_its_own_part() -> None:
    """Both ends over each of three ways, as the page does it, at this machine's speed of today."""
    stage = Stage()
    take_all(join_test(stage, "hostile"), clock.now() + 3600)  # for an hour nothing is common
    for _ in ("udp", "tcp", "turn"):
        sender, receiver = (
            stage.join(identity, room="test", permission=LISTENER, gives_way=True) for identity in ("test-a", "test-b")
        )
        for _ in range(10):
            sender.send(trickle=rtc.TrickleRequest(candidateInit="x"))
            receiver.send(ping=1)
        sender.publish("mic")
        sender.publish("cam", VIDEO, CAMERA)
        receiver.answer_all()
        for client in (sender, receiver):
            client.send(leave=rtc.LeaveRequest())
        stage.settle()
        for client in (sender, receiver):
            assert not client.participant.shares.signals.is_spent(clock.now())


def test_a_change_of_rights_changes_the_share(now: float) -> None:
    stage = Stage()
    bob = stage.join("bob")
    before = shares_of(bob)
    bob.participant.set_permission(LISTENER)
    after = shares_of(bob)
    assert before[0] is before[1]
    assert after[0] is after[1] is not before[0]


def test_each_signal_is_charged_with_the_time_it_took(now: float, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    eve, bob = stage.join("eve"), stage.join("bob")
    processor = itertools.count()
    monkeypatch.setattr(clock, "cpu", lambda: next(processor) * 0.01)  # whatever is asked for takes this long
    shares = eve.participant.shares.signals
    sent = 0
    while not shares.is_spent(now):
        eve.send(trickle=rtc.TrickleRequest())
        sent += 1
    assert sent * 0.01 == pytest.approx(SIGNALS[1] + SIGNALS_BEYOND[1], abs=0.03)
    assert not bob.participant.shares.signals.is_spent(now), "the part of one's own is left"
    again = stage.join("eve").participant.shares.signals
    assert again.is_spent(now)
    assert again.wait(now + 1) == 0


def test_who_makes_the_others_renegotiate_is_charged_with_that(now: float, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    eve, *crowd = (stage.join(name) for name in ("eve", *(f"p{number}" for number in range(20))))
    eve.publish("mic")
    for client in crowd:
        client.answer_all()
    monkeypatch.setattr(clock, "cpu", lambda: 0.0)
    shares = eve.participant.shares.signals
    times = 0
    while not shares.is_spent(now):
        eve.send(subscription_permission=rtc.SubscriptionPermission(all_participants=bool(times % 2)))
        times += 1
    assert times < 20
