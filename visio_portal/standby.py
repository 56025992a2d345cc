"""A warm standby: a process that has imported everything and waits for its duty.

Importing costs web and a relay worker seconds of processor time, and LiveKit's native SDKs give up a resume after 5 s.
The supervisor starts a spare ahead, when nobody waits for the processor, and gives it the place of the next process of
its kind that has to start. The duty is a JSON object of environment variables on the spare's standard input, up to its
end; an input that ends without one means that the supervisor is gone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from visio_portal.endings import ending, failures_in_a_row, kill_group, pause_after
from visio_portal.heartbeat import Pulse

logger = logging.getLogger(__name__)

_WAITS = "-spare"  # how the name ends of a process that waits for its duty


@dataclass(slots=True)
class Spare:
    """The supervisor's side: at most one waiting process, for all children that share this object."""

    name: str
    command: Sequence[str]
    environment: Callable[[], Mapping[str, str]]
    descriptors: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    clock: Callable[[], float] = time.monotonic
    _pulse: Pulse | None = None  # which begins with its duty
    _known: Mapping[str, str] | None = None  # what the waiting process has in its environment
    _started_at: float = 0.0
    _start_at: float = 0.0
    _failures: int = 0

    def start_if_due(self, alive: Mapping[str, str], descriptors: Sequence[int]) -> None:
        """Called when the machine is calm."""
        if self.process is not None or self.clock() < self._start_at:
            return
        try:
            self._known, self._pulse, self.process = self._spawn(alive, descriptors)
        except OSError as error:  # no memory, processes or descriptors left
            self._failures += 1
            pause = pause_after(self._failures)
            logger.error("the spare of %s cannot be started (%s); tried again in %g s", self.name, error, pause)
            self._start_at = self.clock() + pause
            return
        self._started_at = self.clock()

    def _spawn(
        self, alive: Mapping[str, str], descriptors: Sequence[int]
    ) -> tuple[Mapping[str, str], Pulse, subprocess.Popen[bytes]]:
        pulse = Pulse(self.clock)
        environment = {**self.environment(), **alive, **pulse.environment}
        try:
            process = subprocess.Popen(  # noqa: S603  our own commands
                self.command,
                env=environment,
                pass_fds=(*descriptors, *self.descriptors, pulse.write_end),
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError:
            pulse.close()
            raise
        finally:
            pulse.hand_over()
        return environment, pulse, process

    @property
    def is_loading(self) -> bool:
        """Alive, and not yet waiting for its duty (see `wait_for_duty`)."""
        if self.process is None or self.process.poll() is not None:
            return False
        try:
            return not Path(f"/proc/{self.process.pid}/comm").read_text(encoding="utf-8").strip().endswith(_WAITS)
        except OSError:  # not on Linux: nobody can say
            return False

    def hand_over(self, environment: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], Pulse] | None:
        """The waiting process, told to serve with this environment, and its pulse. None if there is none (any more).

        One that still imports is taken, too: it is ahead of one that begins.
        """
        process, pulse, known = self.process, self._pulse, self._known or {}
        if process is None or pulse is None or process.poll() is not None or process.stdin is None:
            return None
        duty = {name: value for name, value in environment.items() if known.get(name) != value}
        try:
            with process.stdin as pipe:
                pipe.write(json.dumps(duty).encode())
        except BrokenPipeError:  # it has died just now; `reap` says so
            return None
        self.process = self._pulse = None
        return process, pulse

    def reap(self) -> None:
        """One that died is replaced, after a longer and longer pause."""
        if self.process is None or self.process.poll() is None:
            return
        lived = self.clock() - self._started_at
        self._failures = failures_in_a_row(self._failures, lived)
        pause = pause_after(self._failures)
        how = ending(self.process.returncode)
        logger.error("the spare of %s ended (%s) after %.1f s; the next starts in %g s", self.name, how, lived, pause)
        self._forget()
        self._start_at = self.clock() + pause

    def discard(self) -> None:
        """Ends the waiting process. It holds nothing that it would have to put in order."""
        if self.process is not None:
            kill_group(self.process.pid)
            self._forget()
        self._failures = 0
        self._start_at = 0.0

    def _forget(self) -> None:
        if self.process is not None:
            self.process.wait()
            if self.process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    self.process.stdin.close()
        if self._pulse is not None:
            self._pulse.close()
        self.process = self._pulse = None


def wait_for_duty(name: str) -> None:
    """The spare's side: returns with the environment of its duty. Ends the process if the supervisor is gone."""
    name_process(name + _WAITS)
    text = sys.stdin.buffer.read()
    if not text:
        sys.exit(0)
    os.environ.update(json.loads(text))


def name_process(name: str) -> None:
    """What `ps` and `top` show: which of several Python processes is which. At most 15 characters."""
    with contextlib.suppress(OSError):  # not on Linux
        Path("/proc/self/comm").write_text(name, encoding="ascii")
