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

from visio_portal.endings import ending, failures_in_a_row, kill_group, pause_after
from visio_portal.heartbeat import LOOK_SECONDS, Pulse
from visio_portal.standby import Spare

logger = logging.getLogger(__name__)

WORKER_PATIENCE_SECONDS = 10.0
_TICK_SECONDS = 1.0
_STARTING_TICK_SECONDS = 0.05
# All children have been ready for so long: nobody waits for the processor that a spare's start takes.
CALM_SECONDS = 2.0
# How long the old process goes on serving while its successor loads the new code.
LOAD_PATIENCE_SECONDS = 15.0


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
    spare: Spare | None = None  # a process that may take its place, shared by children of one kind
    process: subprocess.Popen[bytes] | None = None
    pulse: Pulse | None = None
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
    on_reload: Callable[[], None] = lambda: None
    on_tick: Callable[[Supervisor], None] = lambda supervisor: None
    clock: Callable[[], float] = time.monotonic
    calm_seconds: float = CALM_SECONDS
    look_seconds: float = LOOK_SECONDS
    _must_end: bool = False  # an order to stop came, perhaps while a child was being restarted
    _must_reload: bool = False  # so did an order to reload
    _unrest_at: float = 0.0  # when a child was not ready last
    _stop_signals: frozenset[signal.Signals] = frozenset()
    _reload_signals: frozenset[signal.Signals] = frozenset()
    _wakeup: tuple[int, int] = (-1, -1)
    _alive: tuple[int, int] = (-1, -1)

    def run(self) -> int:
        """Until SIGINT or SIGTERM, or until the terminal is closed that it was started from."""
        self._open()
        started_at = self.clock()
        for child in self.children:
            child.start_at = started_at
        is_announced = False
        try:
            while not self._must_end:
                self._look_after()
                self._keep_spares()
                if not is_announced and all(child.was_ready for child in self.children):
                    is_announced = True
                    self.on_ready(self.clock() - started_at)
                self._wait(self._seconds_until_next(is_announced))
                if self._must_reload and not self._must_end:
                    self._reload()
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
        if not self._must_end:
            self._start_due()

    def stop_all(self) -> None:
        """In the order of `Group`; what does not end in its time is killed. A second Ctrl-C kills at once."""
        self._must_end = True
        for spare in self.spares:
            spare.discard()
        for child in self.children:
            child.start_at = None
        for group in Group:
            self._stop([child for child in self.children if child.group is group])

    @property
    def spares(self) -> list[Spare]:
        """Each once."""
        return list({id(child.spare): child.spare for child in self.children if child.spare is not None}.values())

    # --- Signals

    def _open(self) -> None:
        self._alive = os.pipe()
        self._wakeup = os.pipe()
        for descriptor in self._wakeup:
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
        self._choose_signals()
        for number in (*self._stop_signals, *self._reload_signals, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)  # the number arrives by the pipe

    def _choose_signals(self) -> None:
        """SIGHUP is a service manager's order to reload; from a terminal it means that the terminal is closed."""
        self._stop_signals = frozenset({signal.SIGINT, signal.SIGTERM})
        self._reload_signals = frozenset({signal.SIGUSR1})
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            return  # started by nohup: the closing of its terminal is to have no effect
        if has_terminal():
            self._stop_signals |= {signal.SIGHUP}
        else:
            self._reload_signals |= {signal.SIGHUP}

    def _close(self) -> None:
        signal.set_wakeup_fd(-1)
        for descriptor in (*self._alive, *self._wakeup):
            os.close(descriptor)

    def _wait(self, seconds: float) -> list[int]:
        select.select([self._wakeup[0]], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            numbers = list(os.read(self._wakeup[0], 256))
            self._must_end = self._must_end or not self._stop_signals.isdisjoint(numbers)
            self._must_reload = self._must_reload or not self._reload_signals.isdisjoint(numbers)
            return numbers
        return []

    def _reload(self) -> None:
        """One after the other, each at once: jobs may take long to stop, and people wait for web meanwhile."""
        logger.info("restarting web and worker; the relays and their calls go on")
        self._must_reload = False
        for spare in self.spares:
            spare.discard()  # it has imported the former code
        self.on_reload()
        for child in self.children:
            if child.group is Group.RELAY:
                continue
            if child.spare is not None:
                self._load(child.spare)
            if not self._must_end:
                self.restart(child)

    def _load(self, spare: Spare) -> None:
        """Returns when the spare can serve at once, or takes too long, or died."""
        deadline = self.clock() + LOAD_PATIENCE_SECONDS
        spare.start_if_due(self._alive_environment(), [self._alive[0]])
        while spare.is_loading and not self._must_end and self.clock() < deadline:
            self._attend()

    def _attend(self) -> list[int]:
        """A short wait in the midst of an order: whoever else dies is started again as ever."""
        if not self._must_end:
            self._look_after()
        return self._wait(_STARTING_TICK_SECONDS)

    # --- Children

    def _look_after(self) -> None:
        self._kill_hung()
        self._reap()
        self._start_due()

    def _kill_hung(self) -> None:
        """One that does not turn any more: a deadlock, an endless loop, a stopped process. `_reap` starts it again."""
        for child in self.children:
            if child.process is None or child.pulse is None or child.is_stopping or not child.is_running:
                continue
            if child.pulse.has_stopped():
                # First the deed: where nobody reads our log, its line may wait for hours, and the child live again.
                kill_group(child.process.pid)
                logger.error("%s was silent for %g s: it is killed", child.name, child.pulse.silence_seconds)

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

    def _keep_spares(self) -> None:
        now = self.clock()
        for spare in self.spares:
            spare.reap()
        if not all(child.was_ready for child in self.children):
            self._unrest_at = now
        elif now - self._unrest_at >= self.calm_seconds:
            for spare in self.spares:
                spare.start_if_due(self._alive_environment(), [self._alive[0]])

    def _alive_environment(self) -> dict[str, str]:
        return {name: str(self._alive[0]) for name in self.alive_variables}

    def _start(self, child: Child) -> None:
        try:
            child.process, child.pulse = self._spawn(child)
        except OSError as error:  # no memory, processes or descriptors left: the others go on
            child.failures += 1
            delay = pause_after(child.failures)
            logger.error("%s cannot be started (%s); tried again in %g s", child.name, error, delay)
            child.start_at = self.clock() + delay
            return
        child.started_at = self.clock()
        child.was_ready = False
        child.is_stopping = False

    def _spawn(self, child: Child) -> tuple[subprocess.Popen[bytes], Pulse]:
        environment = {**child.environment(), **self._alive_environment()}
        if child.spare is not None and (spare := child.spare.hand_over(environment)) is not None:
            return spare
        pulse = Pulse(self.clock, self.look_seconds)
        try:
            process = subprocess.Popen(  # noqa: S603  our own commands
                child.command,
                env={**environment, **pulse.environment},
                pass_fds=(self._alive[0], *child.descriptors, pulse.write_end),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            pulse.close()
            raise
        finally:
            pulse.hand_over()
        return process, pulse

    def _reap(self) -> None:
        for child in self.children:
            if child.process is None or child.process.poll() is None or child.is_stopping:
                continue
            lived = self.clock() - child.started_at
            child.failures = failures_in_a_row(child.failures, lived)
            delay = pause_after(child.failures)
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
            pressed_again = signal.SIGINT in self._attend()
            if pressed_again or self.clock() >= deadline:
                logger.warning("%s is killed: %s", child.name, "by order" if pressed_again else "it does not end")
                kill_group(child.process.pid)
                child.process.wait()

    def _forget(self, child: Child) -> None:
        if child.process is not None:
            kill_group(child.process.pid)  # what it may have started itself
            child.process.wait()
        if child.pulse is not None:
            child.pulse.close()
        child.process = child.pulse = None
        child.was_ready = False


def has_terminal() -> bool:
    """Whether this process belongs to a terminal, whose closing it is told by SIGHUP."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
