"""A supervisor over small children, as a process that test_supervisor.py starts and kills.

    python -m visio_portal.tests.supervised <diary> [stubborn|patient|crashing|mute|absent|[dying-|…]spares]

Children write what happens to them into the diary: one line each, `name event pid`.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from jobs import lifeline
from visio_portal import standby
from visio_portal.standby import Spare
from visio_portal.supervisor import Child, Group, Supervisor


def note(diary: str, name: str, event: str, pid: int) -> None:
    with open(diary, "a", encoding="ascii") as file:
        file.write(f"{name} {event} {pid}\n")


def child(diary: str, name: str, manner: str) -> None:
    """Lives until it is told to end; a stubborn one has a child of its own and does not listen."""
    lifeline.watch()
    if name == "spare" and manner == "dying-spares":
        sys.exit(3)
    if name == "spare":
        note(diary, name, "waiting", os.getpid())
        standby.wait_for_duty(name)
        note(diary, name, os.environ["DUTY"], os.getpid())
    ended = threading.Event()

    def end(*_: object) -> None:
        note(diary, name, "told", os.getpid())
        if manner != "stubborn":
            ended.set()

    signal.signal(signal.SIGTERM, end)
    if manner == "stubborn":
        grandchild = subprocess.Popen(["sleep", "600"])
        note(diary, f"{name}-grandchild", "started", grandchild.pid)
    note(diary, name, "started", os.getpid())
    if manner == "crashing":
        sys.exit(3)
    if manner != "mute":
        lifeline.beat_in_thread(seconds=0.05)
    while not ended.wait(0.05) or (manner == "patient" and not _others_came_back(diary)):
        time.sleep(0.01)
    note(diary, name, "ended", os.getpid())


def _others_came_back(diary: str) -> bool:
    text = Path(diary).read_text(encoding="ascii")
    return min(text.count("web started"), text.count("relay-0 started")) >= 2


def main(diary: str, manner: str) -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    def python(manner: str) -> str:
        """An absent one is for the test to make."""
        return str(Path(diary).with_name("python")) if manner.startswith("absent") else sys.executable

    def small(name: str, group: Group) -> Child:
        own = manner if name == "worker" and not manner.endswith("spares") else ""
        command = [python(own), "-m", "visio_portal.tests.supervised", diary, own, name]
        seen = Path(diary)
        return Child(
            name=name,
            group=group,
            command=command,
            environment=lambda: {**os.environ, "DUTY": f"as-{name}"},
            is_ready=lambda: seen.exists() and f"{name} started" in seen.read_text(),
            stop_seconds=20.0 if own == "patient" else 1.0,
            spare=spare if group is (Group.WEB if manner == "web-spares" else Group.RELAY) else None,
        )

    # The relays share one, as in the product.
    waiting = [python(manner), "-m", "visio_portal.tests.supervised", diary, manner, "spare"]
    spare = Spare("the relays", waiting, lambda: dict(os.environ)) if manner.endswith("spares") else None
    names = {"relay-0": Group.RELAY, "relay-1": Group.RELAY} if spare else {"relay-0": Group.RELAY}
    names |= {"web": Group.WEB, "worker": Group.WORKER}
    supervisor = Supervisor(
        children=[small(name, group) for name, group in names.items()],
        alive_variables=[lifeline.VARIABLE],
        on_ready=lambda seconds: note(diary, "all", "ready", os.getpid()),
        calm_seconds=0.0,
        look_seconds=0.5,
    )
    sys.exit(supervisor.run())


if __name__ == "__main__":
    if len(sys.argv) == 4:
        child(sys.argv[1], sys.argv[3], sys.argv[2])
    else:
        main(sys.argv[1], (*sys.argv[2:], "")[0])
