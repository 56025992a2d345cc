"""The only reader of time in the relay, so that tests can hand in their own."""

from __future__ import annotations

import time

now = time.monotonic
now_ns = time.monotonic_ns
# Processor time of the loop's thread: what work took, however busy the machine is.
cpu = time.thread_time


def wall() -> float:
    """Seconds since 1970. Only for what leaves the machine: SR extrapolation and logs never compare it."""
    return time.time()
