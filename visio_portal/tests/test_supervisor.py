"""The supervisor over real processes: order of stop, restarts, crash loops, and nobody left behind."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from visio_portal.endings import ending
from visio_portal.heartbeat import Pulse
from visio_portal.supervisor import Child, Group, Supervisor

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
            # In a session without a terminal, as a service manager starts it.
            self.process = subprocess.Popen(command, cwd=REPOSITORY, stderr=log, start_new_session=True)

    def lines(self) -> list[tuple[str, str, int]]:
        text = self.diary.read_text() if self.diary.exists() else ""
        words = [line.split() for line in text.splitlines() if line.count(" ") == 2]
        return [(name, event, int(pid)) for name, event, pid in words]

    def events(self) -> list[tuple[str, str]]:
        return [(name, event) for name, event, _ in self.lines()]

    def pids(self, name: str) -> list[int]:
        return [pid for who, event, pid in self.lines() if (who, event) == (name, "started")]

    def spares(self) -> list[int]:
        """All that ever waited."""
        return [pid for _, event, pid in self.lines() if event == "waiting"]

    def wait_for(self, what: Callable[[], object]) -> None:
        deadline = time.monotonic() + CEILING_SECONDS
        while not what():
            assert time.monotonic() < deadline, f"{self.events()}\n{self.log.read_text()}"
            time.sleep(0.02)

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: ("all", "ready") in self.events())

    def living(self) -> list[int]:
        return [pid for who, event, pid in self.lines() if event in ("started", "waiting") and is_alive(pid)]


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


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_an_order_to_reload_restarts_web_and_jobs_and_leaves_the_relay(
    start: Callable[..., Supervised], number: signal.Signals
) -> None:
    supervised = start()
    supervised.wait_until_ready()
    relay = supervised.pids("relay-0")
    supervised.process.send_signal(number)
    supervised.wait_for(lambda: len(supervised.pids("web")) == 2 and len(supervised.pids("worker")) == 2)
    assert supervised.pids("relay-0") == relay
    assert is_alive(relay[0])


def test_while_jobs_are_waited_for_web_is_back_and_a_killed_relay_is_started_again(
    start: Callable[..., Supervised],
) -> None:
    supervised = start("patient")  # its worker ends once web and relay-0 have been started twice
    supervised.wait_until_ready()
    supervised.process.send_signal(signal.SIGUSR1)
    supervised.wait_for(lambda: ("worker", "told") in supervised.events())
    os.kill(supervised.pids("relay-0")[0], signal.SIGKILL)
    supervised.wait_for(lambda: len(supervised.pids("worker")) == 2)
    assert ("worker", "ended") in supervised.events(), "it was killed, waiting for the others"


def test_web_serves_until_its_successor_has_loaded_the_new_code(start: Callable[..., Supervised]) -> None:
    supervised = start("web-spares")
    supervised.wait_for(supervised.spares)
    supervised.process.send_signal(signal.SIGUSR1)
    supervised.wait_for(lambda: ("spare", "as-web") in supervised.events())
    successor = supervised.spares()[1]
    assert ("spare", "as-web", successor) in supervised.lines(), "not the one with the former code"
    assert supervised.lines().index(("spare", "waiting", successor)) < supervised.events().index(("web", "told"))


def test_an_order_to_reload_during_a_reload_is_not_lost(start: Callable[..., Supervised]) -> None:
    supervised = start("stubborn")
    supervised.wait_until_ready()
    supervised.process.send_signal(signal.SIGUSR1)
    supervised.wait_for(lambda: ("worker", "told") in supervised.events())
    supervised.process.send_signal(signal.SIGUSR1)
    supervised.wait_for(lambda: len(supervised.pids("web")) == 3)


@pytest.mark.parametrize(("manner", "who"), [("absent", "worker"), ("absent-spares", "the spare of the relays")])
def test_a_process_that_cannot_be_made_is_tried_again_and_the_others_go_on(
    start: Callable[..., Supervised], manner: str, who: str
) -> None:
    supervised = start(manner)
    supervised.wait_for(lambda: supervised.log.read_text().count(f"{who} cannot be started") == 3)
    pauses = [line.rpartition(" in ")[2] for line in supervised.log.read_text().splitlines()]
    assert pauses == ["0.2 s", "1 s", "2 s"]
    assert (len(supervised.pids("web")), len(supervised.pids("relay-0"))) == (1, 1)
    partial = supervised.log.with_name("new")
    partial.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    partial.chmod(0o755)
    partial.rename(supervised.log.with_name("python"))
    supervised.wait_for(lambda: supervised.spares() if "spare" in manner else supervised.pids("worker"))
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.process.wait(CEILING_SECONDS) == 0


def test_a_killed_child_is_started_again_at_once(start: Callable[..., Supervised]) -> None:
    supervised = start()
    supervised.wait_until_ready()
    os.kill(supervised.pids("relay-0")[0], signal.SIGKILL)
    supervised.wait_for(lambda: len(supervised.pids("relay-0")) == 2)
    assert "relay-0 ended (SIGKILL)" in supervised.log.read_text()
    assert len(supervised.pids("web")) == 1


def test_a_child_that_hangs_is_killed_and_started_again_and_the_others_go_on(
    start: Callable[..., Supervised],
) -> None:
    supervised = start()
    supervised.wait_until_ready()
    [hung] = supervised.pids("worker")
    os.kill(hung, signal.SIGSTOP)
    supervised.wait_for(lambda: len(supervised.pids("worker")) == 2)
    assert not is_alive(hung)
    assert "worker was silent for 1.5 s: it is killed" in supervised.log.read_text()
    assert "worker ended (SIGKILL)" in supervised.log.read_text()
    assert (len(supervised.pids("web")), len(supervised.pids("relay-0"))) == (1, 1)


def test_a_child_that_hangs_before_its_first_beat_is_killed_after_the_time_for_a_start(
    start: Callable[..., Supervised],
) -> None:
    supervised = start("mute")
    supervised.wait_until_ready()
    [hung] = supervised.pids("worker")
    supervised.wait_for(lambda: len(supervised.pids("worker")) == 2)
    assert not is_alive(hung)
    assert "worker was silent for 6 s: it is killed" in supervised.log.read_text()
    assert (len(supervised.pids("web")), len(supervised.pids("relay-0"))) == (1, 1)


def test_a_hung_child_is_dead_before_anything_is_said_of_it() -> None:
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    child = Child("worker", Group.WORKER, [], dict, lambda: True, process=process, pulse=Stopped(time.monotonic))
    at_the_line: list[int | None] = []
    listener = logging.Handler()
    # As where nobody reads our log: who is not dead by now lives again when the line is out.
    listener.emit = lambda record: at_the_line.append(process.wait(CEILING_SECONDS))  # type: ignore[method-assign]
    logging.getLogger("visio_portal.supervisor").addHandler(listener)
    try:
        Supervisor([child], [], lambda seconds: None)._kill_hung()
    finally:
        logging.getLogger("visio_portal.supervisor").removeHandler(listener)
        process.kill()
        process.wait()
    assert at_the_line == [-signal.SIGKILL]


class Stopped(Pulse):
    def has_stopped(self) -> bool:
        return True


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
    supervised.wait_for(lambda: ("worker", "told") in supervised.events())  # and it does not listen: a restart of 1 s
    supervised.process.send_signal(number)
    assert supervised.process.wait(CEILING_SECONDS) == 0
    assert supervised.living() == []


def test_the_spare_takes_the_place_of_a_killed_child_and_the_next_one_waits(start: Callable[..., Supervised]) -> None:
    supervised = start("spares")
    supervised.wait_for(lambda: len(supervised.spares()) == 1)
    os.kill(supervised.pids("relay-0")[0], signal.SIGKILL)
    supervised.wait_for(lambda: ("spare", "as-relay-0") in supervised.events() and len(supervised.spares()) == 2)
    os.kill(supervised.pids("relay-1")[0], signal.SIGKILL)  # shares it
    supervised.wait_for(lambda: ("spare", "as-relay-1") in supervised.events())
    duties = {event: pid for _, event, pid in supervised.lines() if event.startswith("as-")}
    assert [duties["as-relay-0"], duties["as-relay-1"]] == supervised.spares()[:2]
    supervised.process.send_signal(signal.SIGINT)
    assert supervised.process.wait(CEILING_SECONDS) == 0
    assert ("spare", "ended") in supervised.events(), "it is stopped in order, as the one before it"
    assert supervised.living() == []


def test_a_waiting_spare_ends_quietly_with_the_rest(start: Callable[..., Supervised]) -> None:
    supervised = start("spares")
    supervised.wait_for(supervised.spares)
    supervised.process.send_signal(signal.SIGINT)
    assert supervised.process.wait(CEILING_SECONDS) == 0
    assert supervised.living() == []
    assert supervised.log.read_text() == ""


def test_a_waiting_spare_does_not_outlive_a_supervisor_that_is_killed(start: Callable[..., Supervised]) -> None:
    supervised = start("spares")
    supervised.wait_for(supervised.spares)
    assert len(supervised.living()) == 5
    supervised.process.kill()
    supervised.process.wait()
    supervised.wait_for(lambda: not supervised.living())


def test_a_reload_replaces_the_spare_which_has_the_former_code(start: Callable[..., Supervised]) -> None:
    supervised = start("spares")
    supervised.wait_for(supervised.spares)
    supervised.process.send_signal(signal.SIGUSR1)
    supervised.wait_for(lambda: len(supervised.spares()) == 2)
    old, new = supervised.spares()
    assert not is_alive(old)
    assert is_alive(new)


def test_a_spare_that_dies_is_replaced_after_longer_and_longer_pauses(start: Callable[..., Supervised]) -> None:
    supervised = start("dying-spares")
    supervised.wait_for(lambda: supervised.log.read_text().count("the spare of the relays ended (exit code 3)") == 3)
    pauses = [line.rpartition(" in ")[2] for line in supervised.log.read_text().splitlines() if "the spare" in line]
    assert pauses[:3] == ["0.2 s", "1 s", "2 s"]
    os.kill(supervised.pids("relay-0")[0], signal.SIGKILL)
    supervised.wait_for(lambda: len(supervised.pids("relay-0")) == 2)  # without one, a child starts as ever


def test_closing_the_terminal_stops_what_was_started_from_it(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    command = [sys.executable, "-m", "visio_portal.tests.supervised", str(diary)]
    # It alone holds the terminal's other end: its death is what the closing of a window is.
    window = "import pty, sys; pty.spawn(sys.argv[1:])"
    process = subprocess.Popen([sys.executable, "-c", window, *command], cwd=REPOSITORY, stdin=subprocess.DEVNULL)

    def lines(event: str) -> list[int]:
        text = diary.read_text() if diary.exists() else ""
        return [int(line.split()[2]) for line in text.splitlines() if line.split()[1:2] == [event]]

    def wait_for(what: Callable[[], object]) -> None:
        deadline = time.monotonic() + CEILING_SECONDS
        while not what():
            assert time.monotonic() < deadline, diary.read_text()
            time.sleep(0.02)

    wait_for(lambda: lines("ready"))
    [supervisor] = lines("ready")
    process.kill()
    process.wait()
    wait_for(lambda: not is_alive(supervisor))
    assert [is_alive(pid) for pid in lines("started")] == [False] * 3
    assert len(lines("ended")) == 3, "each was told and ended in order"


@pytest.mark.parametrize(("code", "text"), [(0, "exit code 0"), (3, "exit code 3"), (-9, "SIGKILL"), (-64, "SIGRTMAX")])
def test_an_end_is_told_in_words(code: int, text: str) -> None:
    assert ending(code) == text
