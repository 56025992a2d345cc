"""`/test` and its tokens: open to anybody, of no use for anything but a test."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import jwt
import pytest
from django.test import Client
from django.utils import timezone

from jobs.models import Job
from jobs.queue import kinds
from meetings import temporary_rooms, tokens
from meetings.admission import admit, claims_of_token, portal_room
from meetings.models import Room
from meetings.services import connection_tests
from meetings.views import connection_test
from visio_portal.testing import Cast, FakeEngine


@pytest.mark.parametrize("name", ["alice", "eve"])
def test_the_page_is_there_for_anybody(name: str, cast: Cast) -> None:
    page = cast[name].client.get("/test", headers={"accept-language": "de"}).content.decode()
    found = re.search(r'<script id="test-config" type="application/json">(.*?)</script>', page)
    assert found
    assert json.loads(found.group(1)) == {"locale": "de", "api": "/api/test"}


def test_two_tokens_open_one_room_that_the_portal_does_not_know(cast: Cast) -> None:
    answer = cast.eve.post("/api/test").json()  # type: ignore[attr-defined]  # the test client's answer
    sender, receiver = (admit(claims_of_token(token)) for token in answer["tokens"])
    assert answer["url"].startswith("ws")
    assert sender.room == receiver.room
    assert portal_room(sender.room) is None
    assert Room.objects.count() == 0
    assert sender.identity != receiver.identity
    assert (sender.grants["canPublish"], receiver.grants["canPublish"]) == (True, False)
    for claims in (sender, receiver):
        assert not claims.grants["canPublishData"]
        assert not {"roomAdmin", "roomCreate", "roomList", "roomRecord"} & set(claims.grants)
        assert claims.room_config["maxParticipants"] == 2
    again = admit(claims_of_token(cast.eve.post("/api/test").json()["tokens"][0]))  # type: ignore[attr-defined]  # as above
    assert again.room != sender.room


def test_the_tokens_are_over_before_the_room_is_ended(cast: Cast) -> None:
    token = cast.eve.post("/api/test").json()["tokens"][0]  # type: ignore[attr-defined]  # as above
    payload = jwt.decode(token, options={"verify_signature": False})
    lifetime = timedelta(seconds=payload["exp"] - payload["nbf"] + tokens.LEEWAY_SECONDS)
    assert lifetime <= connection_tests.ENDS_AFTER
    order = Job.objects.get(kind=connection_tests.JOB_KIND)
    room_name = claims_of_token(token).room
    assert order.payload == {"room": room_name}
    assert temporary_rooms.is_temporary(room_name)
    assert not temporary_rooms.is_over(room_name)
    assert timedelta() < order.run_after - timezone.now() <= connection_tests.ENDS_AFTER


def test_the_job_ends_the_room_on_the_engine(db: None, engine: FakeEngine) -> None:
    class Ordered:
        payload = {"room": "connection-test-1"}  # noqa: RUF012  never changed

    kinds[connection_tests.JOB_KIND].handler(Ordered())  # type: ignore[arg-type]  # all that the handler reads
    assert [order.room for order in engine.told("DeleteRoom")] == ["connection-test-1"]


def test_tests_are_limited_by_address_and_for_all_together(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = connection_test.TESTS_PER_MINUTE * connection_test.LIFE_MINUTES
    assert at_once < 30, "open at the same time from one address"
    answers = [cast.eve.post("/api/test").status_code for _ in range(at_once + 1)]
    assert (answers[0], answers[-2], answers[-1]) == (200, 200, 429)
    others = [
        Client(REMOTE_ADDR=f"192.0.2.{number}").post("/api/test").status_code
        for number in range(connection_test.ALL_TESTS_PER_MINUTE)
    ]
    assert others[0] == 200
    assert others[-1] == 429


def test_another_site_cannot_start_a_test_in_somebodys_browser(db: None) -> None:
    assert Client(enforce_csrf_checks=True).post("/api/test").status_code == 403
    assert Client().get("/api/test").status_code == 405
