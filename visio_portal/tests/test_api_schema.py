"""The API against its own OpenAPI document: whatever is sent, no failure of ours, and only answers that it describes.

schemathesis makes requests from the document that the portal serves, right ones and wrong ones, the same at each run,
and sends them through Django's own WSGI entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from accounts.api import throttles
from accounts.api.scopes import scopes
from accounts.api.tests.callers import token_for
from accounts.models import User
from accounts.models.api_token import MAX_PER_MINUTE
from meetings.models import CallSession
from meetings.tests.rows import make_participant, make_room
from visio_portal.api_document import document

# Each operation, right and wrong: some 400 requests in twenty seconds.
EXAMPLES = 12
pytestmark = pytest.mark.long
_PATHS = document()["paths"]
OPERATIONS = sorted(f"{method.upper()} {path}" for path, methods in _PATHS.items() for method in methods)
# Those of one room or person are asked for some that is there, and for any id.
CASES = [(name, is_there) for name in OPERATIONS for is_there in ((True, False) if "{id}" in name else (True,))]


@pytest.fixture
def schema(db: None) -> Iterator[Any]:
    # As Django's own test client does: the test's transaction goes on from request to request.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def secret(db: None, monkeypatch: pytest.MonkeyPatch) -> str:
    cache.clear()
    monkeypatch.setattr(throttles.AddressThrottle, "per_minute", 10 * MAX_PER_MINUTE)
    boss = User.objects.create_superuser("boss@culture.example", first_name="Bea")
    return token_for(boss, *scopes, requests_per_minute=MAX_PER_MINUTE).secret


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize(("name", "is_there"), CASES)
def test_whatever_is_sent_the_answer_is_one_that_the_document_describes(
    schema: Any, name: str, is_there: bool, mode: GenerationMode, secret: str
) -> None:
    method, path = name.split()
    place = {"id": str(_something("people" in path))} if is_there and "{id}" in path else None
    wishes = schema[path][method].as_strategy(generation_mode=mode, path_parameters=place)
    statuses = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(wish=wishes)
    def ask(wish: Any) -> None:
        if mode is GenerationMode.POSITIVE and wish.query:
            wish.query.pop("cursor", None)  # a right one is of the page before, which no schema says
        headers = {"Authorization": f"Bearer {secret}"}
        answer = wish.call(headers=headers)
        statuses.append(answer.status_code)
        wish.validate_response(answer, headers=headers)

    ask()
    # Neither is everything refused at the door, nor let in.
    assert any(status < 300 for status in statuses) or mode is not GenerationMode.POSITIVE or not is_there
    assert any(status >= 400 for status in statuses) or mode is not GenerationMode.NEGATIVE


def _something(is_person: bool) -> UUID:
    """The id of somebody, or of a room with a call."""
    boss = User.objects.get()
    if is_person:
        return boss.public_id
    room = make_room(boss, name="Budget")
    make_participant(room, "Charlie", user=boss)
    now = timezone.now()
    CallSession.objects.create(room=room, sid="RM_1", started_at=now, last_seen_at=now)
    return room.pk
