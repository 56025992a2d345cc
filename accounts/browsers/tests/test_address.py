"""Confirming the address: by a link from its mail, in the session of the person, and nobody else's."""

from __future__ import annotations

import re
import time

import pytest
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.core.signing import TimestampSigner, b62_encode
from django.test import Client

from accounts.browsers.address import is_confirmed
from accounts.models import AuditEntry, User

pytestmark = pytest.mark.django_db

EMAIL = "alice@culture.example"
PASSWORD = "un bien long secret"
PAGE = "/accounts/profile/address/"


@pytest.fixture(autouse=True)
def alice() -> User:
    cache.clear()
    return User.objects.create_user(EMAIL, PASSWORD)


class Yesterday(TimestampSigner):
    def timestamp(self) -> str:
        return b62_encode(int(time.time()) - 25 * 3600)


def signed_in(email: str = EMAIL) -> Client:
    client = Client()
    assert client.post("/accounts/login/", {"login": email, "password": PASSWORD}).status_code == 302
    return client


def token_from(mailoutbox: list[EmailMessage]) -> str:
    found = re.search(r"/accounts/profile/address/\?token=(\S+)", str(mailoutbox[-1].body))
    assert found
    return found.group(1)


def test_the_link_confirms_when_somebody_says_so_and_not_by_being_opened(
    alice: User, mailoutbox: list[EmailMessage]
) -> None:
    client = signed_in()
    assert client.post(PAGE + "send/").status_code == 302
    token = token_from(mailoutbox)
    assert mailoutbox[0].to == [EMAIL]
    page = client.get(PAGE, {"token": token.replace("%3A", ":")})
    assert page.status_code == 200
    assert not is_confirmed(alice)
    assert client.post(PAGE, {"token": token.replace("%3A", ":")}).status_code == 302
    assert is_confirmed(alice)
    assert AuditEntry.objects.get(action="address_confirmed").actor_id == str(alice.public_id)
    assert "send/" not in client.get("/accounts/profile/").content.decode()


def test_another_account_another_address_and_another_day_confirm_nothing(
    alice: User, mailoutbox: list[EmailMessage]
) -> None:
    client = signed_in()
    client.post(PAGE + "send/")
    token = token_from(mailoutbox).replace("%3A", ":")
    eve = User.objects.create_user("eve@culture.example", PASSWORD)
    for wrong, who in ((token, signed_in(eve.email)), ("", client), (token + "x", client)):
        assert who.post(PAGE, {"token": wrong}).status_code == who.get(PAGE, {"token": wrong}).status_code == 404
    of_yesterday = Yesterday(salt="accounts.browsers.address").sign_object([str(alice.public_id), EMAIL])
    assert client.post(PAGE, {"token": of_yesterday}).status_code == 404
    alice.email = "alice.new@culture.example"
    alice.save()
    assert client.post(PAGE, {"token": token}).status_code == 404
    assert not is_confirmed(alice)


def test_lesson_18_a_confirmed_address_that_is_given_to_somebody_else_is_not_confirmed_for_them(
    alice: User, mailoutbox: list[EmailMessage]
) -> None:
    client = signed_in()
    client.post(PAGE + "send/")
    client.post(PAGE, {"token": token_from(mailoutbox).replace("%3A", ":")})
    alice.email = "alice.former@culture.example"
    alice.save()
    assert not is_confirmed(alice)
    assert not is_confirmed(User.objects.create_user(EMAIL, PASSWORD))


def test_nobody_fills_a_mailbox(mailoutbox: list[EmailMessage]) -> None:
    client = signed_in()
    assert [client.post(PAGE + "send/").status_code for _ in range(4)] == [302, 302, 429, 429]
