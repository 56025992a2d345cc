"""Jobs by the clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jobs import schedule
from jobs.models import Job, Schedule, State
from jobs.queue import enqueue, kinds, scheduled
from jobs.tasks import KEEP_DONE
from jobs.tests.conftest import Clock
from jobs.worker import Worker

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def only_ours(kinds_of_the_test: None) -> None:
    kinds.clear()


def test_a_scheduled_kind_is_ordered_at_its_time_and_once(clock: Clock) -> None:
    scheduled("tests.nightly", "30 * * * *")(lambda work: None)
    schedule.synchronise(clock())
    assert schedule.order_due(clock()) == 0
    clock.advance(minutes=30)
    assert schedule.order_due(clock()) == 1
    assert schedule.order_due(clock()) == 0
    assert Job.objects.get().kind == "tests.nightly"


def test_missed_times_are_made_up_for_once(clock: Clock) -> None:
    scheduled("tests.nightly", "30 * * * *")(lambda work: None)
    schedule.synchronise(clock())
    clock.advance(hours=30)
    schedule.order_due(clock())
    assert Job.objects.count() == 1
    assert Schedule.objects.get().next_run_at > clock()


def test_an_operator_can_switch_a_schedule_off(clock: Clock) -> None:
    scheduled("tests.nightly", "30 * * * *")(lambda work: None)
    schedule.synchronise(clock())
    Schedule.objects.update(is_enabled=False)
    clock.advance(hours=2)
    assert schedule.order_due(clock()) == 0
    schedule.synchronise(clock())
    assert not Schedule.objects.get().is_enabled


def test_rows_follow_the_code(clock: Clock) -> None:
    scheduled("tests.old", "0 1 * * *")(lambda work: None)
    scheduled("tests.moved", "0 1 * * *")(lambda work: None)
    schedule.synchronise(clock())
    del kinds["tests.old"]
    scheduled("tests.moved", "0 2 * * *")(lambda work: None)
    schedule.synchronise(clock())
    row = Schedule.objects.get()
    assert (row.kind, row.cron, row.next_run_at.astimezone(UTC)) == (
        "tests.moved",
        "0 2 * * *",
        datetime(2027, 3, 2, 1, 0, tzinfo=UTC),  # 02:00 in Paris
    )


def test_old_rows_are_purged(worker: Worker, clock: Clock) -> None:
    from jobs.tasks import purge

    scheduled("jobs.purge", "0 3 * * *")(purge)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    Job.objects.create(kind="x", state=State.SUCCEEDED, finished_at=long_ago, max_attempts=1, run_after=long_ago)
    Job.objects.create(kind="y", state=State.QUEUED, max_attempts=1, run_after=datetime(2099, 1, 1, tzinfo=UTC))
    enqueue("jobs.purge", run_after=clock())
    assert KEEP_DONE.days < 365
    worker.work_once()
    assert set(Job.objects.values_list("kind", flat=True)) == {"y", "jobs.purge"}
