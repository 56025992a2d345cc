"""The supervisor over real processes: order of stop, restarts, crash loops, and nobody left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from visio_portal.supervisor import ending

REPOSITORY = Path(__file__).resolve().parent.parent.parent
CEILING_SECONDS = 30


class Supervised:
    """A running supervisor and the diary of its children."""

    def __init__(self, folder: Path, manner: str) -> None:
        self.diary = folder / "diary"
        self.log = folder / "log"
        command = [
            sys.executable,
            "-m",
            "visio_portal.tests.supervised",
            str(self.diary),
            *([manner] if manner else []),
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=REPOSITORY, stderr=log)

    def lines(self) -> list[tuple[str, str, int]]:
        text = self.diary.read_text() if self.diary.exists() else ""
        words = [line.split() for line in text.splitlines() if line.count(" ") == 2]
        return [(name, event, int(pid)) for name, event, pid in words]

    def events(self) -> list[tuple[str, str]]:
        return [(name, event) for name, event, _ in self.lines()]

    def pids(self, name: str) -> list[int]:
        return [pid for who, event, pid in self.lines() if (who, event) == (name, "started")]

    def wait_for(self, what: Callable[[], object]) -> None:
        deadline = time.monotonic() + CEILING_SECONDS
        while not what():
            assert time.monotonic() < deadline, f"{self.events()}\n{self.log.read_text()}"
            time.sleep(0.02)

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: ("all", "ready") in self.events())

    def living(self) -> list[int]:
        return [pid for who, event, pid in self.lines() if event == "started" and is_alive(pid)]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    started: list[Supervised] = []

    def start_one(manner: str = "") -> Supervised:
        started.append(Supervised(tmp_path, manner))
        return started[-1]

    yield start_one
    for supervised in started:
        supervised.process.kill()
        supervised.process.wait()
        for pid in supervised.living():
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_web_is_stopped_first_then_jobs_then_relays(start: Callable[..., Supervised], number: signal.Signals) -> None:
    supervised = start()
    supervised.wait_until_ready()
    supervised.process.send_signal(number)
    assert supervised.process.wait(CEILING_SECONDS) == 0
    after = supervised.events()[supervised.events().index(("all", "ready")) + 1 :]
    told_and_ended = [(name, event) for name in ("web", "worker", "relay-0") for event in ("told", "ended")]
    assert after == told_and_ended
    assert supervised.living() == []


def test_nobody_outlives_a_supervisor_that_is_killed(start: Callable[..., Supervised]) -> None:
    supervised = start()
    supervised.wait_until_ready()
    assert len(supervised.living()) == 3
    supervised.process.kill()
    supervised.process.wait()
    supervised.wait_for(lambda: not supervised.living())


def test_a_hang_up_restarts_web_and_jobs_and_leaves_the_relay(start: Callable[..., Supervised]) -> None:
    supervised = start()
    supervised.wait_until_ready()
    relay = supervised.pids("relay-0")
    supervised.process.send_signal(signal.SIGHUP)
    supervised.wait_for(lambda: len(supervised.pids("web")) == 2 and len(supervised.pids("worker")) == 2)
    assert supervised.pids("relay-0") == relay
    assert is_alive(relay[0])


def test_a_killed_child_is_started_again_at_once(start: Callable[..., Supervised]) -> None:
    supervised = start()
    supervised.wait_until_ready()
    os.kill(supervised.pids("relay-0")[0], signal.SIGKILL)
    supervised.wait_for(lambda: len(supervised.pids("relay-0")) == 2)
    assert "relay-0 ended (SIGKILL)" in supervised.log.read_text()
    assert len(supervised.pids("web")) == 1


def test_a_crash_loop_is_slowed_down_and_named(start: Callable[..., Supervised]) -> None:
    supervised = start("crashing")
    supervised.wait_for(lambda: "time 3 in a row" in supervised.log.read_text())
    lines = [line for line in supervised.log.read_text().splitlines() if "worker ended (exit code 3)" in line]
    assert [line.partition("starts again ")[2] for line in lines[:3]] == [
        "in 0.2 s",
        "in 1 s, time 2 in a row",
        "in 2 s, time 3 in a row",
    ]


def test_a_child_that_does_not_listen_is_killed_with_its_own_children(start: Callable[..., Supervised]) -> None:
    supervised = start("stubborn")
    supervised.wait_until_ready()
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.process.wait(CEILING_SECONDS) == 0
    assert "worker is killed: it does not end" in supervised.log.read_text()
    assert supervised.pids("worker-grandchild") != []
    assert supervised.living() == []


def test_a_second_ctrl_c_waits_for_nobody(start: Callable[..., Supervised]) -> None:
    supervised = start("stubborn")
    supervised.wait_until_ready()
    supervised.process.send_signal(signal.SIGINT)
    supervised.wait_for(lambda: ("worker", "told") in supervised.events())
    supervised.process.send_signal(signal.SIGINT)
    assert supervised.process.wait(CEILING_SECONDS) == 0
    assert "worker is killed: by order" in supervised.log.read_text()
    assert supervised.living() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_order_to_stop_during_a_restart_is_not_lost(
    start: Callable[..., Supervised], number: signal.Signals
) -> None:
    supervised = start("stubborn")
    supervised.wait_until_ready()
    supervised.process.send_signal(signal.SIGHUP)
    supervised.wait_for(lambda: ("worker", "told") in supervised.events())  # and it does not listen: a restart of 2 s
    supervised.process.send_signal(number)
    assert supervised.process.wait(CEILING_SECONDS) == 0
    assert supervised.living() == []


@pytest.mark.parametrize(("code", "text"), [(0, "exit code 0"), (3, "exit code 3"), (-9, "SIGKILL"), (-64, "SIGRTMAX")])
def test_an_end_is_told_in_words(code: int, text: str) -> None:
    assert ending(code) == text
