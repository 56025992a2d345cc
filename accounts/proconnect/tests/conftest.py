from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django import Settings

from accounts.proconnect.tests.hostile_provider import CLIENT_ID, CLIENT_SECRET, HostileProvider, Visit


@pytest.fixture
def provider(settings: Settings) -> Iterator[HostileProvider]:
    """A sign-in service that this portal is set up for."""
    cache.clear()
    with HostileProvider().running() as running:
        settings.PORTAL_URL = "http://testserver"
        settings.OIDC_ISSUER = running.issuer
        settings.OIDC_CLIENT_ID = CLIENT_ID
        settings.OIDC_CLIENT_SECRET = CLIENT_SECRET
        settings.SUPPORT_CONTACT = "support@culture.example"
        yield running
    cache.clear()


@pytest.fixture
def visit(provider: HostileProvider) -> Visit:
    return Visit(provider)
