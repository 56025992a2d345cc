"""Process entry of one relay worker: `python -m relay.worker`, configured by RELAY_* in the environment.

It listens on its Unix socket, opens its media sockets, and runs until SIGTERM, or until the pipe that its supervisor
holds closes. Then every client is told to rejoin, and the process ends within two seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import uvloop

from relay import clock, config, logs, sids, wire
from relay.admission import JoinGate
from relay.config import Settings, SettingsError
from relay.context import Context
from relay.media import RelayMedia
from relay.metrics import Metrics
from relay.pulse import TICK_SECONDS, Beat, GarbageKeeper, Pulse
from relay.rooms import Rooms
from relay.speakers import WINDOW_SECONDS
from relay.weblink import WebLinks

logger = logging.getLogger(__name__)

LAST_WORDS_SECONDS = 1.0
CLOSE_SECONDS = 0.5


class Worker:
    """Everything of one worker process, wired together."""

    def __init__(self, settings: Settings) -> None:
        loop = asyncio.get_running_loop()
        self.settings = settings
        self.instance = settings.instance or sids.new_sid(sids.NODE)
        self.metrics = Metrics()
        self.media = RelayMedia(settings, self.metrics)
        self.gate = JoinGate(settings.handshakes, loop.call_later)
        self.context = Context(
            settings,
            self.media,
            later=loop.call_later,
            spawn=self._spawn,
            on_settled=self.gate.settled,
            node_id=self.instance,
        )
        self.rooms = Rooms(self.context)
        commands = {"Status": self.status, "Drain": self._drain, "ResetStats": self._reset}
        self.links = WebLinks(self.rooms, self.gate, commands, self._greeting)
        self._garbage = GarbageKeeper()
        self.pulse = Pulse(
            [
                Beat(TICK_SECONDS, self.media.router.tick),
                Beat(WINDOW_SECONDS, lambda _now: self.rooms.tick_speakers()),
                Beat(1.0, self.rooms.tick),
                Beat(1.0, self._collect),
                Beat(1.0, self._tell_supervisor),
                Beat(5.0, lambda _now: self.rooms.tick_quality()),
            ]
        )
        self._started_at = clock.now()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serves until told to stop."""
        await self.media.ports.open()
        server = await asyncio.start_unix_server(self.links.serve, sock=_listen(self.settings.socket))
        self._watch_for_the_end()
        pulse = asyncio.create_task(self.pulse.run())
        gc.collect()
        gc.freeze()
        addresses = [f"{c.protocol}:{c.address}:{c.port}" for c in self.media.ports.candidates]
        logger.info("worker ready", extra={"instance": self.instance, "addresses": addresses})
        await self._stop.wait()
        logger.info("worker stops", extra={"rooms": len(self.rooms.by_name)})
        pulse.cancel()
        server.close()
        await self._last_words()
        await self.links.close()
        await self.media.ports.close()

    def stop(self) -> None:
        self._stop.set()

    def status(self) -> dict[str, Any]:
        """`Relay.Status`: for people, for tests and for the supervisor."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            **self._greeting(),
            "pid": os.getpid(),
            "uptime_seconds": round(clock.now() - self._started_at, 1),
            "participants": self.rooms.participant_count,
            "loop_lag_ms": self.pulse.lag_ms(),
            "cpu_seconds": round(time.process_time(), 3),
            "rss_mb": usage.ru_maxrss // 1024,
            "events_waiting": len(self.context.events),
            "events_dropped": self.context.events.overflowed,
            "links": len(self.links.links),
            "counters": {**self.metrics.snapshot(), **self.context.counters},
        }

    def _collect(self, now: float) -> None:
        self._garbage.tick(now, self.rooms.participant_count)

    def _tell_supervisor(self, _now: float) -> None:
        """The loop turns: a worker that hangs is killed and started again."""
        if self.settings.pulse_fd >= 0:
            # Full: the supervisor was stopped for hours. Closed: it is gone, and so are we at once.
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                os.write(self.settings.pulse_fd, b".")

    def _greeting(self) -> dict[str, Any]:
        return {
            "version": wire.VERSION,
            "instance": self.instance,
            "slot": self.settings.slot,
            "rooms": len(self.rooms.by_name),
            "draining": self.rooms.is_draining,
        }

    def _drain(self) -> dict[str, Any]:
        self.rooms.is_draining = True
        logger.info("worker drains", extra={"rooms": len(self.rooms.by_name)})
        return self._greeting()

    def _reset(self) -> dict[str, Any]:
        self.metrics.reset()
        self.context.counters.clear()
        self.pulse.reset()
        return {}

    def _watch_for_the_end(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        if self.settings.alive_fd >= 0:
            loop.add_reader(self.settings.alive_fd, self._read_pipe)

    def _read_pipe(self) -> None:
        """The supervisor never writes: readable means closed, even after its kill -9."""
        try:
            is_closed = not os.read(self.settings.alive_fd, 4096)
        except BlockingIOError:
            return
        except OSError:
            is_closed = True
        if is_closed:
            asyncio.get_running_loop().remove_reader(self.settings.alive_fd)
            self.stop()

    async def _last_words(self) -> None:
        """Tells all clients, and gives web a moment to take the last events."""
        self.rooms.shut_down()
        ends_at = clock.now() + LAST_WORDS_SECONDS
        while self._has_news() and clock.now() < ends_at:  # noqa: ASYNC110  no event says that web has taken all
            await asyncio.sleep(0.01)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)

    def _has_news(self) -> bool:
        """Whether web is there and has not yet taken all events."""
        return len(self.context.events) > 0 and self.links.events_link is not None

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("background task failed", exc_info=task.exception())


def _listen(path: str) -> socket.socket:
    """A listening socket at `path`, for our user only, in the place of one that a dead worker left."""
    new = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        Path(new).unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(new)
    finally:
        os.umask(before)
    listener.listen(64)
    Path(new).replace(path)
    return listener


async def _serve(settings: Settings) -> None:
    await Worker(settings).run()


def _wait_for_duty() -> bool:
    """A spare has imported everything and takes the place of a worker that died: with the environment in the JSON
    object on its standard input. False: the input ended without one, so the supervisor has."""
    _name_process("relay-spare")
    text = sys.stdin.buffer.read()
    if text:
        os.environ.update(json.loads(text))
    return bool(text)


def _name_process(name: str) -> None:
    """What `ps` and `top` show. At most 15 characters."""
    with contextlib.suppress(OSError):  # not on Linux
        Path("/proc/self/comm").write_text(name, encoding="ascii")


def main(arguments: Sequence[str] = ()) -> int:
    """`--spare`: see `_wait_for_duty`."""
    if "--spare" in arguments and not _wait_for_duty():
        return 0
    try:
        settings = config.from_environment()
    except SettingsError as error:
        sys.stderr.write(f"relay: {error}\n")
        return 2
    _name_process(f"relay-{settings.slot}")
    logs.configure(settings.slot)
    try:
        uvloop.run(_serve(settings))
    except OSError as error:
        logger.error("worker cannot start", extra={"error": str(error)})
        return 1
    with contextlib.suppress(FileNotFoundError):
        Path(settings.socket).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
