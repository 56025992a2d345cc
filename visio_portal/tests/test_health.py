"""What load balancers and operators are told."""

from __future__ import annotations

import asyncio
import json
import shutil
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from visio_portal.asgi import BoundedHttp, application
from visio_portal.tests.fake_relay import STATUS


@pytest.mark.django_db
@pytest.mark.usefixtures("relay")
def test_the_portal_is_ready_when_everything_answers(client: Client) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json()["ready"]) == (200, True)
    assert response.json()["checks"] == {"database": "ok", "cache": "ok", "disk": "ok", "relay-0": "ok"}
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.usefixtures("run_dir")
def test_a_missing_relay_worker_is_named(client: Client) -> None:
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["relay-0"] == "no answer"
    assert response.json()["checks"]["database"] == "ok"


@pytest.mark.django_db
@pytest.mark.usefixtures("relay")
def test_a_full_disk_is_named(client: Client, settings: Settings) -> None:
    settings.MIN_FREE_DISK_MB = (shutil.disk_usage("/").total >> 20) * 1000
    assert client.get("/readyz").json()["checks"]["disk"] == "almost full"


@pytest.mark.django_db
@pytest.mark.usefixtures("relay")
def test_status_shows_workers_people_jobs_disk_and_versions() -> None:
    out = StringIO()
    call_command("status", json=True, stdout=out)
    document = json.loads(out.getvalue())
    assert document["ready"]
    assert document["engine"] == [{"slot": 0, **STATUS}]
    assert document["disk_free_mb"] > 0
    assert {"visio", "python", "Django", "aiortc"} <= set(document["versions"])
    text = StringIO()
    call_command("status", stdout=text)
    assert "rooms 2  participants 7  loop_lag_ms 1.5" in text.getvalue()


@pytest.mark.django_db
@pytest.mark.usefixtures("run_dir")
def test_status_ends_1_and_says_what_is_wrong() -> None:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("status", stdout=out)
    assert ended.value.code == 1
    assert "NOT READY" in out.getvalue()
    assert "relay-0: no answer" in out.getvalue()


class Answers(list[dict[str, Any]]):
    """What an ASGI application sent."""

    async def send(self, message: dict[str, Any]) -> None:
        self.append(message)

    @property
    def status(self) -> int:
        return int(self[0]["status"])


async def nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def test_healthz_asks_nothing_but_the_process() -> None:
    answers = Answers()
    await application({"type": "http", "path": "/healthz", "headers": [], "client": None}, nothing, answers.send)
    assert answers.status == 200


async def test_an_unknown_websocket_is_refused_with_404() -> None:
    answers = Answers()
    await application({"type": "websocket", "path": "/nowhere", "headers": [], "client": None}, nothing, answers.send)
    assert answers.status == 404


async def test_beyond_the_bound_requests_are_told_to_come_back() -> None:
    gate = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    bounded = BoundedHttp(slow, 1)
    answers = [Answers() for _ in range(1 + 8 + 1)]  # one at work, eight waiting, one too many
    tasks = [asyncio.create_task(bounded({}, nothing, answer.send)) for answer in answers]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert answers[-1].status == 503
    assert (b"retry-after", b"2") in answers[-1][0]["headers"]
    gate.set()
    await asyncio.gather(*tasks)
    assert [answer.status for answer in answers[:-1]] == [200] * 9
    assert bounded.refused == 1
