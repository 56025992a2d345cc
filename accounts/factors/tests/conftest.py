from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts import rate_limits
from accounts.factors.tests.codes import code_of, secret_on
from accounts.models import User

EMAIL = "boss@culture.example"
PASSWORD = "un bien long secret"

Commit = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_limits_from_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A test that counts tries must not begin in one window and end in the next.
    monkeypatch.setattr(rate_limits, "WINDOW_SECONDS", 10**8)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser(EMAIL, PASSWORD, first_name="Camille", last_name="Dubois")


def by_password(client: Client | None = None, email: str = EMAIL) -> Client:
    """Through the page, as far as the password leads."""
    client = client or Client()
    assert client.post("/accounts/login/", {"login": email, "password": PASSWORD}).status_code == 302
    return client


def add_app(client: Client) -> str:
    """Sets up an authenticator app; its secret."""
    secret = secret_on(client.get("/accounts/security/app/add/").content.decode())
    answer = client.post("/accounts/security/app/add/", {"code": code_of(secret)})
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/security/recovery-codes/")
    return secret
