"""Starts, watches, restarts and stops the portal's processes. Knows nothing of what they do.

Each child has its own process session and the read end of the supervisor's pipe, which closes when the supervisor
ends, whatever ended it. All children write to the supervisor's own standard error: one log stream.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

logger = logging.getLogger(__name__)

# Of a child that ends again and again soon after its start. The first restarts are quick: a call waits for it.
BACK_OFF_SECONDS = (0.0, 0.2, 1.0, 2.0, 5.0, 10.0, 30.0)
# One that lived this long did not fail at its start.
STABLE_SECONDS = 20.0
WORKER_PATIENCE_SECONDS = 10.0
_TICK_SECONDS = 1.0
_STARTING_TICK_SECONDS = 0.05


class Group(enum.IntEnum):
    """In the order of stop."""

    WEB = 0
    WORKER = 1
    RELAY = 2


@dataclass(slots=True)
class Child:
    """One process and its place in the order. `is_ready` is asked until it says yes once after each start."""

    name: str
    group: Group
    command: Sequence[str]
    environment: Callable[[], Mapping[str, str]]
    is_ready: Callable[[], bool]
    stop_seconds: float = 10.0
    descriptors: Sequence[int] = ()  # open files of ours that it inherits, at each start
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    start_at: float | None = None  # None: not to be started
    was_ready: bool = False
    is_stopping: bool = False

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass(slots=True)
class Supervisor:
    """`run` returns the exit code once every child has ended."""

    children: list[Child]
    alive_variables: Sequence[str]
    on_ready: Callable[[float], None]
    on_hangup: Callable[[], None] = lambda: None
    on_tick: Callable[[Supervisor], None] = lambda supervisor: None
    clock: Callable[[], float] = time.monotonic
    _must_end: bool = False  # SIGINT or SIGTERM came, perhaps while a child was being restarted
    _wakeup: tuple[int, int] = (-1, -1)
    _alive: tuple[int, int] = (-1, -1)

    def run(self) -> int:
        """Until SIGINT or SIGTERM."""
        self._open()
        started_at = self.clock()
        for child in self.children:
            child.start_at = started_at
        is_announced = False
        try:
            while not self._must_end:
                self._reap()
                self._start_due()
                if not is_announced and all(child.was_ready for child in self.children):
                    is_announced = True
                    self.on_ready(self.clock() - started_at)
                numbers = self._wait(self._seconds_until_next(is_announced))
                if signal.SIGHUP in numbers and not self._must_end:
                    self._hang_up()
                if not self._must_end:
                    self.on_tick(self)
            return 0
        finally:
            self.stop_all()
            self._close()

    def restart(self, child: Child) -> None:
        """Ends the child by order and starts it at once."""
        self._stop([child])
        child.failures = 0
        child.start_at = self.clock()

    def stop_all(self) -> None:
        """In the order of `Group`; what does not end in its time is killed. A second Ctrl-C kills at once."""
        for child in self.children:
            child.start_at = None
        for group in Group:
            self._stop([child for child in self.children if child.group is group])

    # --- Signals

    def _open(self) -> None:
        self._alive = os.pipe()
        self._wakeup = os.pipe()
        for descriptor in self._wakeup:
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)  # the number arrives by the pipe

    def _close(self) -> None:
        signal.set_wakeup_fd(-1)
        for descriptor in (*self._alive, *self._wakeup):
            os.close(descriptor)

    def _wait(self, seconds: float) -> list[int]:
        select.select([self._wakeup[0]], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            numbers = list(os.read(self._wakeup[0], 256))
            self._must_end = self._must_end or not {signal.SIGINT, signal.SIGTERM}.isdisjoint(numbers)
            return numbers
        return []

    def _hang_up(self) -> None:
        logger.info("restarting web and worker; the relays and their calls go on")
        self.on_hangup()
        for child in self.children:
            if child.group is not Group.RELAY and not self._must_end:
                self.restart(child)

    # --- Children

    def _start_due(self) -> None:
        for child in self.children:
            if child.process is None and child.start_at is not None and self.clock() >= child.start_at:
                if self._may_start(child, since=child.start_at):
                    self._start(child)
            elif child.is_running and not child.was_ready:
                child.was_ready = child.is_ready()

    def _seconds_until_next(self, is_announced: bool) -> float:
        if not is_announced:
            return _STARTING_TICK_SECONDS
        due = [child.start_at - self.clock() for child in self.children if not child.process and child.start_at]
        return max(_STARTING_TICK_SECONDS, min([_TICK_SECONDS, *due]))

    def _may_start(self, child: Child, *, since: float) -> bool:
        """Background jobs let the others have the processor while people wait for the portal, but not for ever."""
        first = [other for other in self.children if other.group is not Group.WORKER]
        is_quiet = all(other.was_ready for other in first) or self.clock() - since >= WORKER_PATIENCE_SECONDS
        return is_quiet or child.group is not Group.WORKER

    def _start(self, child: Child) -> None:
        alive = {name: str(self._alive[0]) for name in self.alive_variables}
        child.process = subprocess.Popen(  # noqa: S603  our own commands
            child.command,
            env={**child.environment(), **alive},
            pass_fds=(self._alive[0], *child.descriptors),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        child.started_at = self.clock()
        child.was_ready = False
        child.is_stopping = False

    def _reap(self) -> None:
        for child in self.children:
            if child.process is None or child.process.poll() is None or child.is_stopping:
                continue
            lived = self.clock() - child.started_at
            child.failures = 0 if lived >= STABLE_SECONDS else child.failures + 1
            delay = BACK_OFF_SECONDS[min(child.failures, len(BACK_OFF_SECONDS) - 1)]
            logger.error(
                "%s ended (%s) after %.1f s; starts again %s%s",
                child.name,
                ending(child.process.returncode),
                lived,
                f"in {delay:g} s" if delay else "now",
                f", time {child.failures} in a row" if child.failures > 1 else "",
            )
            self._forget(child)
            child.start_at = self.clock() + delay

    def _stop(self, children: Sequence[Child]) -> None:
        running = [child for child in children if child.process is not None]
        for child in running:
            child.is_stopping = True
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        for child in running:
            self._wait_for_end(child)
            self._forget(child)

    def _wait_for_end(self, child: Child) -> None:
        deadline = self.clock() + child.stop_seconds
        while child.process is not None and child.process.poll() is None:
            pressed_again = signal.SIGINT in self._wait(0.05)
            if pressed_again or self.clock() >= deadline:
                logger.warning("%s is killed: %s", child.name, "by order" if pressed_again else "it does not end")
                _kill_group(child.process.pid)
                child.process.wait()

    def _forget(self, child: Child) -> None:
        if child.process is not None:
            _kill_group(child.process.pid)  # what it may have started itself
            child.process.wait()
        child.process = None
        child.was_ready = False


def _kill_group(pid: int) -> None:
    # The child leads its session, so its pid names the group as long as anything of it lives.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def ending(returncode: int) -> str:
    """How a process ended, for people: "exit code 1", "SIGKILL"."""
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"
