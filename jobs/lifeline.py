"""The pipe that tells a child process that its supervisor is gone, even by kill -9.

The supervisor alone holds the write end; the other end becomes readable when the kernel closes it. All children share
that end, and the relay's event loop has made it non-blocking: so it is waited for, not read.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time

VARIABLE = "VISIO_ALIVE_FD"
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
