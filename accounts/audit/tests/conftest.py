from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from accounts.audit import triggers
from accounts.audit.parties import SERVER, Party
from accounts.audit.record import Entry, record_many
from accounts.models import User

PASSWORD = "un bien long secret"


@pytest.fixture(autouse=True)
def no_limits_from_before() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def protected(db: None) -> Iterator[None]:
    """With the triggers that the product has."""
    triggers.create(connection)
    yield
    triggers.drop(connection)


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@culture.example", PASSWORD, first_name="Alice", last_name="Martin")


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss@culture.example", PASSWORD, first_name="Bea", last_name="Boss")


@pytest.fixture
def office(boss: User) -> Client:
    """The administration, as its superuser sees it."""
    client = Client()
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def write(db: None) -> Callable[[int], None]:
    """So many entries."""

    def writes(count: int) -> None:
        record_many(
            Entry("name_changed", SERVER, Party("person", f"p{number}", f"Person {number}"), after={"n": number})
            for number in range(count)
        )

    return writes
