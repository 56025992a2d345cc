"""The worker process: takes due jobs, keeps their leases, and stops in order.

A few threads, the first of which takes no slow kinds: orders to the engine do not wait behind webhooks to an address
that is silent. Long computations belong in a process of their own, which a later release adds.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone

from jobs import leases, schedule
from jobs.models import Job
from jobs.queue import GiveUp, Interrupted, LeaseLost, Postponed, kinds

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
THREADS = 3
# What a job gets to come to a point where it can stop; then its row is given back and the process ends anyway.
STOP_SECONDS = 15.0
# Reaping and the clock's jobs.
HOUSEKEEPING_SECONDS = 5.0
# How long a round of this process's own loops may take: more than its database makes anybody wait for an answer.
ROUND_PATIENCE_SECONDS = 300.0
# How long a job may take without a word (`Work.report`). One that hangs is tried again by the next worker, and given up
# in the end.
JOB_PATIENCE_SECONDS = 1800.0


@dataclass(slots=True)
class Work:
    """What a handler gets: its payload, and a way to say how far it is."""

    job: Job
    _stopping: threading.Event = field(repr=False)
    _lost: threading.Event = field(default_factory=threading.Event, repr=False)
    _heard_at: float = field(default_factory=time.monotonic, repr=False)
    _owner: str = field(default_factory=lambda: threading.current_thread().name, repr=False)

    @property
    def payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = self.job.payload
        return payload

    @property
    def attempt(self) -> int:
        return self.job.attempt

    def report(self, percent: int, step: str = "") -> None:
        """Notes progress. Raises `Interrupted` or `LeaseLost` where the work must stop: let them pass."""
        self._heard_at = time.monotonic()
        if self._lost.is_set() or not leases.report(self.job, percent, step):
            raise LeaseLost
        if self._stopping.is_set():
            raise Interrupted

    def free_key(self) -> None:
        """Gives the idempotency key back: see `queue.enqueue`, `until_done`. Raises `LeaseLost`."""
        if not leases.free_key(self.job):
            raise LeaseLost


class Worker:
    """`run` until `stop` is called, from a signal handler or another thread."""

    def __init__(
        self,
        *,
        threads: int = THREADS,
        lease_seconds: float = leases.LEASE_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        housekeeping_seconds: float = HOUSEKEEPING_SECONDS,
        now: Callable[[], datetime] = timezone.now,
    ) -> None:
        # Unique for each start: a restarted worker must not renew its predecessor's leases.
        self.owner = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self.lease = timedelta(seconds=lease_seconds)
        self.poll_seconds = poll_seconds
        self.housekeeping_seconds = housekeeping_seconds
        self.now = now
        self.stopping = threading.Event()
        self.current: dict[int, Work] = {}
        self._lock = threading.Lock()
        self._rounds: dict[str, float] = {}  # when each loop began its last round
        self._threads = [
            threading.Thread(target=self._loop, args=(n > 0 or threads == 1,), name=f"jobs-{n}", daemon=True)
            for n in range(threads)
        ]

    def stop(self) -> None:
        self.stopping.set()

    def run(self, on_ready: Callable[[], None] = lambda: None, on_round: Callable[[], None] = lambda: None) -> None:
        """Works until stopped; what cannot end in `STOP_SECONDS` is given back to the queue. `on_round` is called after
        each housekeeping, and at the start.
        """
        self._round()
        schedule.synchronise(self.now())
        for thread in (*self._threads, threading.Thread(target=self._keep_leases, name="leases", daemon=True)):
            thread.start()
        on_ready()
        on_round()
        while not self.stopping.wait(self.housekeeping_seconds):
            self._round()
            self.keep_house()
            on_round()
        for thread in self._threads:
            thread.join(STOP_SECONDS / len(self._threads))
        self._give_back()

    def is_turning(self, *, clock: Callable[[], float] = time.monotonic) -> bool:
        """Whether every loop is at a round, and every job at work, that began (or said a word) not too long ago.

        Asked by a thread that must not wait: takes no lock and asks no database.
        """
        now = clock()
        at_work = {work._owner: work._heard_at for work in list(self.current.values())}
        if any(now - heard_at > JOB_PATIENCE_SECONDS for heard_at in at_work.values()):
            return False
        waited = [began_at for name, began_at in list(self._rounds.items()) if name not in at_work]
        return all(now - began_at <= ROUND_PATIENCE_SECONDS for began_at in waited)

    def _round(self) -> None:
        self._rounds[threading.current_thread().name] = time.monotonic()

    def keep_house(self) -> None:
        """Takes back what dead workers held, and orders what is due by the clock."""
        try:
            close_old_connections()
            now = self.now()
            if count := leases.reap(now):
                logger.warning("%d jobs taken back from workers that ended", count)
            schedule.order_due(now)
        except DatabaseError:
            logger.warning("jobs: the database does not answer", exc_info=True)

    def work_once(self, *, takes_slow: bool = True) -> bool:
        """Runs one due job to its end; False if none is due."""
        without = () if takes_slow else [name for name, kind in kinds.items() if kind.is_slow]
        job = leases.claim(self.owner, self.now(), lease=self.lease, without=without)
        if job is None:
            return False
        work = Work(job, self.stopping)
        with self._lock:
            self.current[job.pk] = work
        try:
            self._perform(work)
        finally:
            with self._lock:
                self.current.pop(job.pk, None)
        return True

    def _perform(self, work: Work) -> None:
        job = work.job
        try:
            kind = kinds.get(job.kind)
            if kind is None:
                raise GiveUp(f"No handler for {job.kind!r} in this version.")
            kind.handler(work)
        except Interrupted:
            leases.put_back(job, self.now())
        except Postponed as wait:
            leases.put_back(job, wait.until, str(wait))
        except LeaseLost:
            logger.warning("job is no longer ours: taken over, or cancelled", extra=_names(job))
        except GiveUp as reason:
            self._fail(job, reason, is_final=True)
        except Exception as error:
            logger.exception("job failed", extra=_names(job))
            self._fail(job, error, is_final=False)
        else:
            if not leases.succeed(job, self.now()):
                logger.warning("job ended after it was taken over or cancelled", extra=_names(job))

    def _fail(self, job: Job, error: Exception, *, is_final: bool) -> None:
        if leases.fail(job, self.now(), f"{type(error).__name__}: {error}", is_final=is_final):
            logger.error("job given up", extra=_names(job))

    def _loop(self, takes_slow: bool) -> None:
        while not self.stopping.is_set():
            self._round()
            try:
                close_old_connections()
                if not self.work_once(takes_slow=takes_slow):
                    self.stopping.wait(self.poll_seconds)
            except DatabaseError:
                logger.warning("jobs: the database does not answer", exc_info=True)
                self.stopping.wait(self.poll_seconds * 4)
        self._rounds.pop(threading.current_thread().name, None)
        connections.close_all()

    def _keep_leases(self) -> None:
        # Goes on while jobs end after `stop`: the process must not lose what it still works on.
        pause = threading.Event()
        while not pause.wait(self.lease.total_seconds() / 4):
            self._round()
            close_old_connections()
            self.renew_all()

    def renew_all(self) -> None:
        """Renews the lease of each job at work; one that is lost is told so."""
        with self._lock:
            held = list(self.current.values())
        for work in held:
            try:
                if not leases.renew(work.job, self.now(), lease=self.lease):
                    work._lost.set()
            except DatabaseError:
                logger.warning("a lease could not be renewed", extra=_names(work.job))

    def _give_back(self) -> None:
        with self._lock:
            held = list(self.current.values())
        for work in held:
            logger.warning("job is put back: it did not come to an end in time", extra=_names(work.job))
            leases.put_back(work.job, self.now())


def _names(job: Job) -> dict[str, Any]:
    return {"job": job.pk, "kind": job.kind, "attempt": job.attempt}
