"""What an order is worth: once, committed with its cause, tried again, given up with a reason."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connections, transaction

from jobs import leases
from jobs import worker as worker_module
from jobs.models import Job, State
from jobs.queue import GiveUp, Postponed, UnknownKind, enqueue, job
from jobs.tests.conftest import Clock
from jobs.worker import JOB_PATIENCE_SECONDS, ROUND_PATIENCE_SECONDS, THREADS, Work, Worker

pytestmark = pytest.mark.django_db
CEILING_SECONDS = 30


def order(clock: Clock, kind: str = "tests.note", **payload: object) -> Job:
    return enqueue(kind, payload, run_after=clock())


def test_a_job_runs_once_with_its_payload(worker: Worker, clock: Clock) -> None:
    seen: list[object] = []
    job("tests.note")(lambda work: seen.append(work.payload["text"]))
    ordered = order(clock, text="bonjour")
    assert worker.work_once()
    assert not worker.work_once()
    ordered.refresh_from_db()
    assert (seen, ordered.state, ordered.progress_percent) == (["bonjour"], State.SUCCEEDED, 100)


def test_an_order_is_gone_when_its_cause_is_rolled_back(worker: Worker, clock: Clock) -> None:
    job("tests.note")(lambda work: None)
    with transaction.atomic():
        order(clock)
        transaction.set_rollback(True)
    assert not worker.work_once()


def test_an_unknown_kind_is_refused_at_the_order() -> None:
    with pytest.raises(UnknownKind):
        enqueue("tests.never_written")


def test_two_orders_with_one_key_are_one_job(clock: Clock) -> None:
    job("tests.note")(lambda work: None)
    first = enqueue("tests.note", {"n": 1}, idempotency_key="k")
    second = enqueue("tests.note", {"n": 2}, idempotency_key="k")
    assert (first.pk, second.payload) == (second.pk, {"n": 1})
    assert Job.objects.count() == 1


def test_a_key_that_counts_until_done_is_free_after_the_end_whatever_it_was(worker: Worker, clock: Clock) -> None:
    def ordered() -> int:
        return enqueue("tests.note", run_after=clock(), idempotency_key="k", until_done=True).pk

    job("tests.note")(lambda work: None)
    first = ordered()
    assert ordered() == first
    assert worker.work_once()
    second = ordered()
    assert second != first
    Job.objects.filter(pk=second).update(state=State.DEAD)
    assert ordered() not in (first, second)


def test_a_handler_can_give_its_key_back(worker: Worker, clock: Clock) -> None:
    orders: list[int] = []

    def handle(work: Work) -> None:
        for _ in range(2):
            orders.append(enqueue("tests.note", idempotency_key="k", until_done=True).pk)
            work.free_key()

    job("tests.note")(handle)
    first = enqueue("tests.note", run_after=clock(), idempotency_key="k", until_done=True)
    assert worker.work_once()
    assert orders[0] == first.pk
    assert orders[1] != first.pk


def test_a_postponed_job_waits_for_its_turn_and_loses_no_attempt(worker: Worker, clock: Clock) -> None:
    until = clock() + timedelta(minutes=5)

    def handle(work: Work) -> None:
        raise Postponed(until, "another is at it")

    job("tests.note")(handle)
    ordered = order(clock)
    assert worker.work_once()
    ordered.refresh_from_db()
    assert (ordered.state, ordered.attempt, ordered.run_after) == (State.QUEUED, 0, until)
    assert ordered.error == "another is at it"


def test_a_job_waits_for_its_time_and_the_longest_due_goes_first(worker: Worker, clock: Clock) -> None:
    seen: list[str] = []
    job("tests.note")(lambda work: seen.append(work.payload["text"]))
    later = clock()
    order(clock, text="second")
    clock.advance(hours=-1)
    order(clock, text="first")
    assert worker.work_once()
    assert not worker.work_once()
    clock.now = later
    assert worker.work_once()
    assert seen == ["first", "second"]


@pytest.mark.usefixtures("caplog")
def test_a_failure_is_tried_again_later_and_later_then_given_up(worker: Worker, clock: Clock) -> None:
    def fail(work: Work) -> None:
        raise ConnectionError("recipient away")

    job("tests.note", max_attempts=3)(fail)
    ordered = order(clock)
    waits = []
    for _ in range(2):
        assert worker.work_once()
        ordered.refresh_from_db()
        assert ordered.state == State.QUEUED
        waits.append((ordered.run_after - clock()).total_seconds())
        assert not worker.work_once()
        clock.advance(seconds=waits[-1])
    assert worker.work_once()
    ordered.refresh_from_db()
    assert waits == [5, 10]
    assert (ordered.state, ordered.attempt, ordered.error) == (State.DEAD, 3, "ConnectionError: recipient away")


def test_the_wait_never_exceeds_an_hour() -> None:
    assert leases.back_off(40).total_seconds() == 3600


def test_a_handler_may_give_up_at_once(worker: Worker, clock: Clock) -> None:
    def hopeless(work: Work) -> None:
        raise GiveUp("The recording is gone.")

    job("tests.note")(hopeless)
    ordered = order(clock)
    assert worker.work_once()
    ordered.refresh_from_db()
    assert (ordered.state, ordered.attempt) == (State.DEAD, 1)
    assert "recording is gone" in ordered.error


def test_a_kind_that_a_newer_version_dropped_is_dead_with_a_reason(worker: Worker, clock: Clock) -> None:
    ordered = Job.objects.create(kind="tests.dropped", run_after=clock(), max_attempts=5)
    assert worker.work_once()
    ordered.refresh_from_db()
    assert ordered.state == State.DEAD
    assert "tests.dropped" in ordered.error


@pytest.mark.django_db(transaction=True)
def test_however_many_slow_jobs_wait_the_others_are_done() -> None:
    silent_address, is_waiting, is_done = threading.Event(), threading.Semaphore(0), threading.Event()

    def post(work: Work) -> None:
        is_waiting.release()
        silent_address.wait(CEILING_SECONDS)

    job("tests.post", is_slow=True)(post)
    job("tests.note")(lambda work: is_done.set())
    for _ in range(THREADS):
        enqueue("tests.post")
    worker = Worker(poll_seconds=0.01, housekeeping_seconds=0.05)

    def work() -> None:
        worker.run()
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert all(is_waiting.acquire(timeout=CEILING_SECONDS) for _ in range(THREADS - 1))
        enqueue("tests.note")
        assert is_done.wait(CEILING_SECONDS / 2), "it waited behind them"
    finally:
        silent_address.set()
        worker.stop()
        thread.join()
    assert Job.objects.filter(state=State.SUCCEEDED).count() >= THREADS


def test_progress_is_seen_while_the_job_runs(worker: Worker, clock: Clock) -> None:
    seen: list[tuple[int, str]] = []

    def slow(work: Work) -> None:
        work.report(40, "half-way")
        row = Job.objects.get()
        seen.append((row.progress_percent, row.step))

    job("tests.note")(slow)
    order(clock)
    worker.work_once()
    assert seen == [(40, "half-way")]


def test_a_worker_that_stops_puts_its_job_back_without_counting_the_attempt(worker: Worker, clock: Clock) -> None:
    def long(work: Work) -> None:
        worker.stop()
        work.report(10)
        raise AssertionError("went on after the stop")

    job("tests.note")(long)
    ordered = order(clock)
    worker.work_once()
    ordered.refresh_from_db()
    assert (ordered.state, ordered.attempt) == (State.QUEUED, 0)


@pytest.mark.django_db(transaction=True)
def test_a_key_is_not_given_back_before_an_order_that_found_it_is_committed(clock: Clock) -> None:
    """Or the job would look for the last time before what was ordered is there to be seen."""
    job("tests.note")(lambda work: None)
    enqueue("tests.note", run_after=clock(), idempotency_key="k", until_done=True)
    at_work = leases.claim("worker", clock(), lease=timedelta(hours=1))
    assert at_work is not None
    seen: list[bool] = []

    def end() -> None:
        assert leases.free_key(at_work)
        seen.append(Job.objects.filter(payload={"what": "the cause"}).exists())
        connections.close_all()

    ending = threading.Thread(target=end)
    with transaction.atomic():
        enqueue("tests.note", {"what": "the cause"})
        assert enqueue("tests.note", idempotency_key="k", until_done=True).pk == at_work.pk
        ending.start()
        ending.join(0.5)  # it waits for this transaction
    ending.join(CEILING_SECONDS)
    assert seen == [True]


@pytest.mark.django_db(transaction=True)
def test_a_worker_does_not_turn_where_a_loop_or_a_job_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    began, may_end = threading.Event(), threading.Event()

    def hang(work: Work) -> None:
        began.set()
        may_end.wait(CEILING_SECONDS)

    job("tests.note")(hang)
    enqueue("tests.note")
    worker = Worker(poll_seconds=0.01, housekeeping_seconds=0.01)
    running = threading.Thread(target=worker.run, name="main-of-the-test")
    running.start()

    def turns_in(seconds: float) -> bool:
        return worker.is_turning(clock=lambda: time.monotonic() + seconds)

    try:
        assert began.wait(CEILING_SECONDS)
        assert turns_in(0)
        assert not turns_in(ROUND_PATIENCE_SECONDS + 60), "as where all loops stopped at this moment"
        monkeypatch.setattr(worker_module, "ROUND_PATIENCE_SECONDS", 1e9)
        assert turns_in(JOB_PATIENCE_SECONDS - 60), "a job may take long"
        assert not turns_in(JOB_PATIENCE_SECONDS + 60)
        [work] = worker.current.values()
        work._heard_at += 1000
        assert turns_in(JOB_PATIENCE_SECONDS + 60), "and longer, where it says how far it is"
    finally:
        may_end.set()
        worker.stop()
        running.join(CEILING_SECONDS)
        connections.close_all()
