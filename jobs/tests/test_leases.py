"""Two workers, one job: a lease is held by one, kept by renewing, and falls to the next when its holder dies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from jobs import leases
from jobs.models import Job, State
from jobs.queue import LeaseLost, enqueue, job
from jobs.tests.conftest import Clock
from jobs.worker import Work, Worker

pytestmark = pytest.mark.django_db
LEASE = timedelta(seconds=60)


@pytest.fixture
def ordered(clock: Clock) -> Job:
    job("tests.note", max_attempts=2)(lambda work: None)
    return enqueue("tests.note", run_after=clock())


def test_of_two_workers_that_reach_for_a_job_one_gets_it(ordered: Job, clock: Clock) -> None:
    first = leases.claim("a", clock(), lease=LEASE)
    assert first is not None
    assert (first.pk, first.lease_owner, first.attempt) == (ordered.pk, "a", 1)
    assert leases.claim("b", clock(), lease=LEASE) is None


def test_a_job_that_is_taken_between_look_and_reach_is_left(ordered: Job, clock: Clock) -> None:
    taken: list[Job | None] = []

    def other_is_quicker(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and not taken:
            taken.append(None)  # not again by the claim itself
            taken[0] = leases.claim("quick", clock(), lease=LEASE)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(other_is_quicker):
        assert leases.claim("slow", clock(), lease=LEASE) is None
    assert taken[0] is not None
    ordered.refresh_from_db()
    assert (ordered.lease_owner, ordered.attempt) == ("quick", 1)


def test_a_renewed_lease_is_not_taken(ordered: Job, clock: Clock) -> None:
    held = leases.claim("a", clock(), lease=LEASE)
    assert held is not None
    clock.advance(seconds=50)
    assert leases.renew(held, clock(), lease=LEASE)
    clock.advance(seconds=50)
    assert leases.reap(clock()) == 0


def test_a_dead_workers_job_goes_to_the_next_after_a_pause(ordered: Job, clock: Clock) -> None:
    leases.claim("a", clock(), lease=LEASE)
    clock.advance(seconds=61)
    assert leases.reap(clock()) == 1
    assert leases.claim("b", clock(), lease=LEASE) is None
    clock.advance(seconds=5)
    second = leases.claim("b", clock(), lease=LEASE)
    assert second is not None
    assert (second.lease_owner, second.attempt) == ("b", 2)


def test_a_job_that_kills_its_workers_is_given_up(ordered: Job, clock: Clock) -> None:
    for owner in ("a", "b"):
        assert leases.claim(owner, clock(), lease=LEASE)
        clock.advance(seconds=61)
        leases.reap(clock())
        clock.advance(seconds=60)
    ordered.refresh_from_db()
    assert ordered.state == State.DEAD
    assert "The worker b ended" in ordered.error


def test_a_worker_that_lost_its_lease_changes_nothing_any_more(ordered: Job, clock: Clock) -> None:
    stuck = leases.claim("a", clock(), lease=LEASE)
    assert stuck is not None
    clock.advance(seconds=61)
    leases.reap(clock())
    clock.advance(seconds=5)
    assert leases.claim("b", clock(), lease=LEASE)
    assert not leases.renew(stuck, clock(), lease=LEASE)
    assert not leases.report(stuck, 99, "too late")
    assert not leases.succeed(stuck, clock())
    assert not leases.put_back(stuck, clock())
    leases.fail(stuck, clock(), "too late")
    ordered.refresh_from_db()
    assert (ordered.state, ordered.lease_owner, ordered.step, ordered.error[:3]) == (State.RUNNING, "b", "", "The")


def test_a_handler_hears_that_its_job_was_taken_over(worker: Worker, clock: Clock) -> None:
    heard: list[type[Exception]] = []

    def slow(work: Work) -> None:
        Job.objects.update(lease_owner="b")
        worker.renew_all()
        try:
            work.report(50)
        except LeaseLost:
            heard.append(LeaseLost)
            raise

    job("tests.slow")(slow)
    enqueue("tests.slow", run_after=clock())
    worker.work_once()
    assert heard == [LeaseLost]
    assert Job.objects.get().lease_owner == "b"


def test_a_handler_hears_that_its_job_was_cancelled_and_nothing_of_it_comes_back(worker: Worker, clock: Clock) -> None:
    reached: list[int] = []

    def slow(work: Work) -> None:
        for percent in (10, 20):
            work.report(percent)
            reached.append(percent)
            assert leases.cancel(Job.objects.all(), clock()) == 1

    job("tests.slow")(slow)
    enqueue("tests.slow", run_after=clock())
    assert worker.work_once()
    assert reached == [10]
    clock.advance(seconds=3600)
    leases.reap(clock())
    assert not worker.work_once()
    row = Job.objects.get()
    assert (row.state, row.progress_percent, row.error) == (State.CANCELLED, 10, "")


def test_a_job_that_waits_is_cancelled_and_one_that_ended_is_not(ordered: Job, worker: Worker, clock: Clock) -> None:
    worker.work_once()
    job("tests.note")(lambda work: None)
    enqueue("tests.note", run_after=clock())
    assert leases.cancel(Job.objects.all(), clock()) == 1
    assert not worker.work_once()
    assert list(Job.objects.order_by("pk").values_list("state", flat=True)) == [State.SUCCEEDED, State.CANCELLED]
