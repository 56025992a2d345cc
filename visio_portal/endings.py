"""How processes end: in words, with all that they started, and how long to wait before the next try."""

from __future__ import annotations

import contextlib
import os
import signal

# Before the next start of one that ends again and again. The first are quick: a call waits for it.
BACK_OFF_SECONDS = (0.0, 0.2, 1.0, 2.0, 5.0, 10.0, 30.0)
# One that lived this long did not fail at its start.
STABLE_SECONDS = 20.0


def failures_in_a_row(before: int, lived_seconds: float) -> int:
    """The count after one more end."""
    return 0 if lived_seconds >= STABLE_SECONDS else before + 1


def pause_after(failures: int) -> float:
    """Seconds until the next start."""
    return BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)]


def kill_group(pid: int) -> None:
    """SIGKILL for a process that leads its session, and for all that it has started."""
    # Its pid names the group as long as anything of it lives.
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
