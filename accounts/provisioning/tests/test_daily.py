"""Arrivals and departures of which a file told in advance."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import Employment, Membership, ProvisioningChange, ProvisioningRun, User
from accounts.provisioning import daily
from accounts.provisioning.tests.conftest import Provision, exported, file_of
from accounts.provisioning.tests.test_provision_users import ANNA, BEN, CLEO, person
from accounts.provisioning.tests.test_undo import undo
from jobs.queue import kinds

TODAY = timezone.localdate()


def day(offset: int) -> str:
    return (TODAY + timedelta(days=offset)).isoformat()


def test_who_was_expected_is_let_in_on_the_day_and_who_leaves_is_out_on_the_day_after(provision: Provision) -> None:
    provision(file_of(f"{ANNA};{day(3)}", f"{BEN};;{day(3)}", CLEO))
    assert not daily.apply_dates(TODAY + timedelta(days=2))
    daily.apply_dates(TODAY + timedelta(days=3))
    assert (person("1").is_active, person("2").is_active) == (True, True)
    assert daily.apply_dates(TODAY + timedelta(days=4)) == {"left": 1}
    assert (person("1").is_active, person("2").is_active) == (True, False)
    assert Membership.objects.get(user=person("2")).until_on == TODAY + timedelta(days=3)
    assert not daily.apply_dates(TODAY + timedelta(days=4))  # once is enough


def test_what_the_day_did_is_undone_like_any_run(provision: Provision) -> None:
    provision(file_of(f"{ANNA};{day(3)}", f"{BEN};;{day(3)}"))
    before = exported()
    daily.apply_dates(TODAY + timedelta(days=4))
    assert exported() != before
    assert undo(ProvisioningRun.objects.get(kind="dates").key).code == 0
    assert exported() == before


def test_the_last_administrator_stays_whatever_the_calendar_says(provision: Provision) -> None:
    provision(file_of(f"{ANNA};;{day(1)}"))
    User.objects.filter(pk=person("1").pk).update(is_superuser=True)
    assert daily.apply_dates(TODAY + timedelta(days=2)) == {"refused": 1}
    assert person("1").is_active


def test_both_jobs_are_on_the_clock_and_old_changes_are_forgotten(provision: Provision) -> None:
    assert {"accounts.apply_dates", "accounts.forget_provisioning"} <= {n for n, kind in kinds.items() if kind.cron}
    provision(file_of(ANNA))
    assert daily.forget_changes() == 0
    ProvisioningRun.objects.update(started_at=timezone.now() - timedelta(days=100))
    assert daily.forget_changes() == 1
    assert not ProvisioningChange.objects.exists()
    assert Employment.objects.count() == 1
