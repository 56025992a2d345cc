"""Fixtures of the tests of rooms: the cast, a room with Alice, Bob and Charlie in it, an engine to give orders to."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.contrib.contenttypes.management import create_contenttypes
from django.core.cache import cache
from django.db.models.signals import post_migrate
from django.utils.translation import trans_real
from pytest_django import Settings

from accounts import rate_limits
from meetings import media
from meetings.models import Participant, Room
from meetings.models.participant import Role
from visio_portal.testing import Cast, FakeEngine, make_cast

TEN_YEARS = 10 * 365 * 86_400


@dataclass
class Meeting:
    """Alice's room: she hosts, Bob moderates, Charlie takes part; Dana and Eve have the link and no row."""

    cast: Cast
    room: Room
    alice: Participant
    bob: Participant
    charlie: Participant


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """A test that commits empties the tables. Django would then make each permission anew, for nobody: 60 ms a test."""
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)


@pytest.fixture
def no_limits_from_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A test that counts tries must not begin in one minute and end in the next.
    monkeypatch.setattr(rate_limits, "WINDOW_SECONDS", TEN_YEARS)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def cast(db: None, no_limits_from_before: None) -> Cast:
    return make_cast()


@pytest.fixture
def engine(settings: Settings) -> Iterator[FakeEngine]:
    with FakeEngine().running() as fake:
        settings.LIVEKIT_URL = fake.url
        yield fake
        media.close()


@pytest.fixture
def meeting(cast: Cast, engine: FakeEngine) -> Meeting:
    return make_meeting(cast)


def make_meeting(cast: Cast) -> Meeting:
    room = Room.objects.create(owner=cast.alice.signed_in, name="Budget committee")
    return Meeting(
        cast=cast,
        room=room,
        alice=cast.alice.sits(room, role=Role.HOST),
        bob=cast.bob.sits(room, role=Role.MODERATOR),
        charlie=cast.charlie.sits(room),
    )


@pytest.fixture
def compiled_locale(tmp_path: Path, settings: Settings) -> Iterator[None]:
    """The catalogues as they are now, whether or not somebody has compiled them in the tree."""
    for source in sorted(Path(settings.BASE_DIR).glob("locale/*/LC_MESSAGES/django.po")):
        target = tmp_path / source.relative_to(Path(settings.BASE_DIR) / "locale").with_suffix(".mo")
        target.parent.mkdir(parents=True)
        subprocess.run(["msgfmt", "-o", target, source], check=True)
    settings.LOCALE_PATHS = [str(tmp_path)]
    trans_real._translations = {}  # type: ignore[attr-defined]  # the cache that Django's own tests empty so
    yield
    trans_real._translations = {}  # type: ignore[attr-defined]  # the cache that Django's own tests empty so
