"""`manage.py serve` as an administrator meets it: what it prints, how it ends, what a second one is told."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.people import ALICE, Person
from tests.portal import ROOT, Portal

pytestmark = pytest.mark.calls
CEILING_SECONDS = 30
# LiveKit's native SDKs give up a resume after that.
NATIVE_PATIENCE_SECONDS = 5
SPARES = ["relay-spare", "web-spare"]


@pytest.fixture
def fresh(own_portal: Callable[..., Portal]) -> Portal:
    """A portal at its first start."""
    return own_portal(workers=1)


def wait_for(what: Callable[[], object], portal: Portal) -> None:
    deadline = time.monotonic() + CEILING_SECONDS
    while not what():
        assert time.monotonic() < deadline, portal.log()
        time.sleep(0.1)


def printed(portal: Portal, pattern: str) -> str:
    wait_for(lambda: re.search(pattern, portal.log(), re.MULTILINE), portal)
    found = re.search(pattern, portal.log(), re.MULTILINE)
    assert found is not None
    return found[1]


def test_web_and_the_worker_for_jobs_say_how_they_are(fresh: Portal) -> None:
    printed(fresh, r"(Ready in .*)")

    def status() -> dict[str, Any]:
        document: dict[str, Any] = json.loads(fresh.manage("status", "--json"))
        return document

    wait_for(lambda: status()["web"].get("links"), fresh)  # told every few seconds
    document = status()
    children = fresh.children()
    assert (document["web"]["pid"], document["worker"]["pid"]) == (children["web"], children["worker"])
    assert document["warnings"] == {}
    assert document["web"]["counters"]["requests_refused"] == 0
    assert document["web"]["links"][0]["state"] == "up"


def processes_of(portal: Portal) -> list[int]:
    """Every living process that carries this portal's own key in its environment."""
    return [pid for pid in all_pids() if _belongs(pid, portal.environment["SECRET_KEY"])]


def all_pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _belongs(pid: int, mark: str) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/environ", "rb") as environment:
            is_dead = stat.read().rpartition(")")[2].split()[0] == "Z"
            return not is_dead and pid != os.getpid() and mark.encode() in environment.read()
    except OSError:
        return False


def test_the_first_start_prints_an_address_a_working_administrators_link_and_a_room(fresh: Portal) -> None:
    address = printed(fresh, r"^Visio portal: (\S+)$")
    link = printed(fresh, r"^First administrator, set your password: (\S+)$")
    room = printed(fresh, r"^A room, ready made: (\S+)$")
    printed(fresh, r"^(Ready in [\d.]+ s: web on .*)\. Ctrl-C stops it\.$")
    with httpx.Client(follow_redirects=True) as browser:
        assert browser.get(address).status_code == 200
        assert 'type="password"' in browser.get(link).text
        assert 'id="call-config"' in browser.get(room).text


async def test_ctrl_c_leaves_no_process_behind_and_no_word_of_trouble(fresh: Portal) -> None:
    async with Person(fresh, "Alice Martin") as alice:
        await alice.accept(fresh.manage("invite", ALICE))
        slug = await alice.create_room()
        await alice.enter(slug)
        assert (await alice.call(slug, "end")).status_code == 204  # web has given the engine an order
    wait_for(lambda: fresh.spares() == SPARES, fresh)
    assert len(processes_of(fresh)) == 4  # serve, web, its spare, worker; the relays are given no secret
    children = set(fresh.children().values())
    assert fresh.process is not None
    fresh.process.send_signal(signal.SIGINT)
    assert fresh.process.wait(CEILING_SECONDS) == 0
    assert processes_of(fresh) == []
    assert children.isdisjoint(all_pids())
    for trouble in ("Traceback", "Unclosed", "[error"):
        assert trouble not in fresh.log(1000)


def test_a_web_process_that_is_killed_is_replaced_by_its_spare(fresh: Portal) -> None:
    wait_for(lambda: fresh.spares() == SPARES, fresh)
    former = fresh.kill("web")
    assert httpx.get(f"{fresh.url}/readyz", timeout=CEILING_SECONDS).status_code == 200
    assert fresh.children()["web"] != former
    wait_for(lambda: fresh.spares() == SPARES, fresh)


def test_without_warm_standby_web_is_started_afresh(own_portal: Callable[..., Portal]) -> None:
    lean = own_portal(workers=1, environment={"WARM_STANDBY": "false"})
    lean.kill("web")
    assert httpx.get(f"{lean.url}/healthz", timeout=CEILING_SECONDS).status_code == 200
    assert lean.spares() == []


def test_an_order_to_reload_restarts_web_and_jobs_under_running_calls(fresh: Portal) -> None:
    wait_for(lambda: fresh.spares() == SPARES, fresh)
    before = fresh.children()
    assert fresh.process is not None
    fresh.process.send_signal(signal.SIGUSR1)
    slowest = 0.0

    def is_done() -> bool:
        nonlocal slowest
        asked_at = time.monotonic()
        assert httpx.get(f"{fresh.url}/healthz", timeout=CEILING_SECONDS).status_code == 200
        slowest = max(slowest, time.monotonic() - asked_at)
        return set(fresh.children()) == set(before) and fresh.children()["worker"] != before["worker"]

    wait_for(is_done, fresh)
    assert slowest < NATIVE_PATIENCE_SECONDS
    after = fresh.children()
    assert after["relay-0"] == before["relay-0"]
    assert after["web"] != before["web"]
    assert httpx.get(f"{fresh.url}/healthz", timeout=CEILING_SECONDS).status_code == 200


def test_a_second_serve_on_the_same_folder_is_refused_with_the_remedy(fresh: Portal) -> None:
    command = [sys.executable, "manage.py", "serve"]
    done = subprocess.run(command, cwd=ROOT, env=fresh.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"DATA_DIR={fresh.data_dir}" in done.stderr
    assert "another DATA_DIR and PORT" in done.stderr


def test_a_setting_that_cannot_work_stops_the_start_by_name(fresh: Portal) -> None:
    environment = {**fresh.environment, "PORTAL_URL": "http://visio.example.org"}
    command = [sys.executable, "manage.py", "serve"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "visio.E005" in done.stderr
    assert "PORTAL_URL=http://visio.example.org" in done.stderr


def test_a_job_that_is_ordered_is_done_by_the_worker(fresh: Portal) -> None:
    fresh.manage("shell", "-c", "from jobs.queue import enqueue; enqueue('jobs.purge')")

    def is_done() -> bool:
        look = (
            "from jobs.models import Job; print(*Job.objects.filter(kind='jobs.purge').values_list('state', flat=True))"
        )
        return "succeeded" in fresh.manage("shell", "-c", look)

    wait_for(is_done, fresh)
