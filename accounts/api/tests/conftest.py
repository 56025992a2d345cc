from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from accounts import rate_limits
from accounts.models import User

TEN_YEARS = 10 * 365 * 86_400


@pytest.fixture(autouse=True)
def no_limits_from_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A test that counts tries must not begin in one minute and end in the next.
    monkeypatch.setattr(rate_limits, "WINDOW_SECONDS", TEN_YEARS)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@culture.example", first_name="Alice", last_name="Martin")


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss@culture.example", first_name="Bea", last_name="Chef")
