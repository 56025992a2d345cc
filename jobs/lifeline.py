"""Two pipes between a child process and its supervisor, so that each learns of the other's end.

The first tells the child that its supervisor is gone, even by kill -9: the supervisor alone holds the write end; the
other end becomes readable when the kernel closes it. All children share that end, and the relay's event loop has made
it non-blocking: so it is waited for, not read.

Into the second the child writes a byte each second: one that does not any more hangs, and is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable

VARIABLE = "VISIO_ALIVE_FD"
PULSE_VARIABLE = "VISIO_PULSE_FD"
BEAT_SECONDS = 1.0
# What a process gets to end by itself after the supervisor's death.
GRACE_SECONDS = 10.0


def watch() -> None:
    """Ends this process (SIGTERM, then at once) when the supervisor that the environment names ends."""
    descriptor = os.environ.get(VARIABLE, "")
    if descriptor.isdigit():
        threading.Thread(target=_wait, args=(int(descriptor),), name="lifeline", daemon=True).start()


def _wait(descriptor: int) -> None:
    select.select([descriptor], [], [])  # nothing is ever written: this is its end
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


async def beat() -> None:
    """Tells the supervisor for ever that this event loop turns. Returns where there is no supervisor."""
    while _beat_once():  # noqa: ASYNC110  the sleep is the beat
        await asyncio.sleep(BEAT_SECONDS)


def beat_in_thread(is_turning: Callable[[], bool] = lambda: True, seconds: float = BEAT_SECONDS) -> None:
    """As `beat`, of a process whose threads may all be at long work: no longer than `is_turning` says that they turn.

    Returns after the first beat: a process that is about to wait for its database has begun.
    """
    if not _beat_once():
        return

    def run() -> None:
        while True:
            time.sleep(seconds)
            if is_turning():
                _beat_once()

    threading.Thread(target=run, name="heartbeat", daemon=True).start()


def _beat_once() -> bool:
    descriptor = os.environ.get(PULSE_VARIABLE, "")
    if not descriptor.isdigit():
        return False
    # Full: the supervisor was stopped for hours. Closed: it is gone, which the first pipe tells.
    with contextlib.suppress(BlockingIOError, BrokenPipeError):
        os.write(int(descriptor), b".")
    return True
