"""What load balancers and operators are told."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from jobs import self_report
from jobs.models import Job, State
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


def status_of(**values: Any) -> tuple[int, str]:
    """Its exit code and its lines."""
    out, code = StringIO(), 0
    try:
        call_command("status", stdout=out, **values)
    except SystemExit as ended:
        code = int(str(ended.code))
    return code, out.getvalue()


@pytest.mark.django_db
@pytest.mark.usefixtures("relay")
def test_a_missing_worker_for_jobs_is_an_error_for_operators_and_leaves_the_portal_in_service(
    client: Client, run_dir: Path
) -> None:
    assert status_of()[0] == 0
    assert client.get("/readyz").json()["warnings"] == {}
    [report] = run_dir.glob("worker.*.report.json")
    said = json.loads(report.read_text())
    report.write_text(json.dumps({**said, "at": time.time() - 60}))
    code, text = status_of()
    assert (code, "worker: no answer" in text) == (1, True)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["warnings"]) == (200, {"worker": "no answer"})


@pytest.mark.django_db
@pytest.mark.usefixtures("relay")
def test_a_worker_that_is_well_hides_no_other_that_is_silent(run_dir: Path) -> None:
    other = subprocess.Popen(["sleep", "600"])
    try:
        as_said_by(other.pid, run_dir, seconds_ago=60)
        assert self_report.read("worker") is not None
        code, text = status_of()
        assert (code, "worker: no answer" in text) == (1, True)
        as_said_by(other.pid, run_dir, seconds_ago=1)
        self_report.write("worker", {"at_work": 0})
        assert len(list(run_dir.glob("worker.*.report.json"))) == 2
        assert status_of()[0] == 0
    finally:
        other.kill()
        other.wait()


@pytest.mark.django_db
@pytest.mark.usefixtures("relay")
def test_reports_of_processes_that_are_gone_count_for_nothing_and_are_forgotten(run_dir: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    [own] = run_dir.glob("worker.*.report.json")
    own.unlink()
    as_said_by(gone.pid, run_dir, seconds_ago=5)
    assert status_of()[0] == 0, "during a reload there is no alarm"
    as_said_by(gone.pid, run_dir, seconds_ago=60)
    assert status_of()[0] == 1
    self_report.write("worker", {"at_work": 0})
    assert status_of()[0] == 0
    assert list(run_dir.glob("worker.*.report.json")) == [own]


def as_said_by(pid: int, run_dir: Path, *, seconds_ago: float) -> None:
    said = {"at_work": 1, "pid": pid, "began": self_report._began(pid), "at": time.time() - seconds_ago}
    (run_dir / f"worker.{pid}.report.json").write_text(json.dumps(said))


@pytest.mark.django_db
@pytest.mark.usefixtures("relay")
def test_a_job_that_nobody_takes_is_an_error_for_operators(client: Client) -> None:
    Job.objects.create(kind="x", max_attempts=1, run_after=timezone.now() - timedelta(minutes=6))
    code, text = status_of()
    assert (code, "jobs: late" in text) == (1, True)
    assert client.get("/readyz").json()["warnings"] == {"jobs": "late"}
    Job.objects.update(run_after=timezone.now() + timedelta(hours=1))
    assert status_of()[0] == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("relay")
def test_jobs_that_were_given_up_are_told_and_are_no_failure(client: Client) -> None:
    Job.objects.create(kind="x", max_attempts=1, state=State.DEAD)
    code, text = status_of()
    assert (code, "jobs: 1 given up" in text) == (0, True)
    assert client.get("/readyz").json()["warnings"] == {}


@pytest.mark.django_db
@pytest.mark.usefixtures("relay")
def test_status_shows_what_web_counted() -> None:
    links = [{"slot": 0, "state": "up", "is_draining": False, "counters": {"events_given_up": 2, "nothing": 0}}]
    self_report.write("web", {"links": links, "counters": {"rtc_denied_403": 3, "requests_refused": 0}})
    text = status_of()[1]
    assert "rtc_denied_403 3" in text
    assert "requests_refused" not in text
    assert "link 0  up  events_given_up 2\n" in text
    out = StringIO()
    call_command("status", json=True, stdout=out)
    assert json.loads(out.getvalue())["web"]["counters"] == {"rtc_denied_403": 3, "requests_refused": 0}


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
