"""Guessing ends soon, and the owner of the account is not the one who stands outside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from accounts import rate_limits
from accounts.browsers import lockout
from accounts.factors.tests.conftest import add_app
from accounts.models import AuditEntry, User

pytestmark = pytest.mark.django_db

EMAIL = "alice@culture.example"
PASSWORD = "un bien long secret"
HOME, OFFICE, STRANGER = "192.0.2.1", "192.0.2.9", "198.51.100.7"


@pytest.fixture(autouse=True)
def no_limits_from_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A test that counts tries must not begin in one window and end in the next.
    monkeypatch.setattr(rate_limits, "WINDOW_SECONDS", 10**8)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def alice() -> User:
    return User.objects.create_user(EMAIL, PASSWORD)


def at(address: str) -> Client:
    return Client(REMOTE_ADDR=address)


def attempt(client: Client, password: str = PASSWORD, email: str = EMAIL) -> bool:
    """Whether it signed in."""
    return client.post("/accounts/login/", {"login": email, "password": password}).status_code == 302


def known_browser(address: str = HOME) -> Client:
    """Signed in once, and out again."""
    client = at(address)
    assert attempt(client)
    client.post("/accounts/logout/")
    return client


def attack(tries: int, *addresses: str) -> None:
    for number in range(tries):
        assert not attempt(at(addresses[number % len(addresses)]), f"guess {number}")


def test_a_strangers_tries_lock_the_stranger_out_and_not_the_owner() -> None:
    attack(6, STRANGER)
    assert not attempt(at(STRANGER))  # not even with the right one
    assert attempt(at(HOME))


def test_a_known_browser_gets_in_under_an_attack_from_everywhere_and_from_its_own_network() -> None:
    owner = known_browser()
    attack(8, HOME)
    attack(lockout.ACCOUNT.per_minute * 60 + 5, *(f"203.0.113.{number}" for number in range(20)))
    assert not attempt(at(OFFICE))  # a browser that nobody knows, at the worst of times
    assert attempt(owner)


def test_the_owners_session_goes_on_meanwhile() -> None:
    owner = at(HOME)
    assert attempt(owner)
    attack(10, HOME, STRANGER)
    assert owner.get("/rooms/").status_code == 200


def test_a_known_browser_is_no_place_to_guess_from_either() -> None:
    thief = known_browser()
    for number in range(6):
        assert not attempt(thief, f"guess {number}")
    assert not attempt(thief)


def test_the_mark_is_worth_nothing_for_another_account_or_when_it_is_forged() -> None:
    other = User.objects.create_user("bob@culture.example", PASSWORD)
    attacker = known_browser(STRANGER)
    for number in range(5):
        assert not attempt(attacker, f"guess {number}", other.email)
    assert not attempt(attacker, email=other.email)
    forger = at(OFFICE)
    forger.cookies["visio_browser"] = known_browser(HOME).cookies["visio_browser"].value[:-2] + "xx"
    attack(5, OFFICE)
    assert not attempt(forger)


def test_one_network_is_stopped_before_it_has_tried_many_accounts() -> None:
    for number in range(61):
        attempt(at(STRANGER), "guess", f"person{number}@culture.example")
    assert not attempt(at(STRANGER))
    assert attempt(at(HOME))


def test_a_network_is_a_whole_prefix_of_ipv6() -> None:
    attack(6, *(f"2001:db8:0:1::{number}" for number in range(6)))
    assert not attempt(at("2001:db8:0:1::ffff"))
    assert attempt(at("2001:db8:0:2::1"))


def test_signing_in_often_uses_nothing_up() -> None:
    for _ in range(12):
        assert attempt(at(HOME))


def test_who_learnt_the_password_cannot_keep_the_owner_from_typing_their_code() -> None:
    from accounts.factors.tests.codes import code_of

    owner = at(HOME)
    attempt(owner)
    secret = add_app(owner)
    owner.post("/accounts/logout/")
    thief = at(STRANGER)
    assert attempt(thief)
    for number in range(7):
        thief.post("/accounts/security/code/", {"code": f"{number:06}"})
    assert attempt(owner)
    assert owner.post("/accounts/security/code/", {"code": code_of(secret)}).status_code == 302
    assert owner.get("/rooms/").status_code == 200


def test_the_audit_log_tells_of_the_refusals_without_drowning() -> None:
    attack(20, STRANGER)
    refused = AuditEntry.objects.filter(action="sign_in_refused")
    assert refused.count() == 3
    assert refused[0].values_after == {"reason": "too_many_attempts"}
