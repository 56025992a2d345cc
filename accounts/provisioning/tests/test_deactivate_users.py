"""`deactivate_users`: out at once, by whatever name, and in again."""

from __future__ import annotations

import io
import sys
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Employment, ProvisioningRun, User
from accounts.provisioning.daily import forget_changes
from accounts.provisioning.runs import only_one
from accounts.provisioning.tests.conftest import Provision, Said, command, file_of
from accounts.provisioning.tests.test_provision_users import ANNA, BEN, person
from accounts.provisioning.tests.test_undo import undo as undo_import
from accounts.services.leavers import suspended
from jobs.models import Job
from jobs.worker import Worker

pytestmark = pytest.mark.django_db


def deactivate(*people: str, apply: bool = True) -> Said:
    return command("deactivate_users", *people, "--json", *["--apply"] * apply)


def undo(run: str) -> Said:
    return command("deactivate_users", "--undo", run, "--json")


def test_people_are_found_by_address_public_id_and_hr_id(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    hand = User.objects.create_user("hand@m.example")
    names = (
        "HAND@m.example",
        str(person("1").public_id),
        "sirh:2",
        "nobody@m.example",
        "sirh:3",
        "no id",
        str(hand.public_id),
    )
    dry = deactivate(*names, apply=False)
    assert (dry.code, dry.counts) == (1, {"suspended": 3})
    assert User.objects.filter(is_active=True).count() == 3
    said = deactivate(*names)
    assert (said.code, said.counts) == (1, {"suspended": 3})
    assert [one["person"] for one in said.facts["refused"]] == ["nobody@m.example", "sirh:3", "no id"]
    assert not User.objects.filter(is_active=True).exists()
    assert AuditEntry.objects.filter(action="person_suspended").count() == 3
    assert deactivate("hand@m.example").counts == {"unchanged": 1}


def test_their_sessions_no_longer_work_and_whoever_listens_is_told() -> None:
    """By a job that is committed with the suspension: a process that dies right after it leaves nobody in a call."""
    hand = User.objects.create_user("hand@m.example", "un bien long secret")
    browser = Client()
    browser.force_login(hand, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get("/accounts/profile/").status_code == 200
    told: list[list[int]] = []

    def listen(people: list[int], **_: object) -> None:
        told.append(people)

    suspended.connect(listen)
    try:
        deactivate("hand@m.example")
        assert browser.get("/accounts/profile/").status_code == 302
        assert Worker().work_once()
    finally:
        suspended.disconnect(listen)
    assert told == [[hand.pk]]


def test_whoever_is_let_in_again_before_the_job_keeps_their_sessions() -> None:
    hand = User.objects.create_user("hand@m.example")
    run = deactivate("hand@m.example").facts["run"]
    undo(run)
    browser = Client()
    browser.force_login(hand, backend="django.contrib.auth.backends.ModelBackend")
    assert Worker().work_once()
    assert Job.objects.get(kind="accounts.see_off").state == "succeeded"
    assert browser.get("/accounts/profile/").status_code == 200


def test_no_file_lets_them_in_again_and_undoing_does(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    run = deactivate("anna@m.example", "ben@m.example").facts["run"]
    provision(file_of(ANNA.replace("Petit", "Grand"), BEN))
    assert not User.objects.filter(is_active=True).exists()
    User.objects.filter(email="ben@m.example").update(is_active=True)
    said = undo(run)
    assert (said.code, said.facts["left"]) == (7, [{"person": "ben@m.example", "reason": "was let in meanwhile"}])
    assert User.objects.filter(is_active=True).count() == 2
    assert undo(run).code == 7
    assert undo_import(run).code == 7  # is no import


def test_undoing_lets_nobody_in_whom_hr_says_to_have_left_meanwhile(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    run = deactivate("anna@m.example").facts["run"]
    provision(file_of(BEN), "--full", "--max-leavers", "100")
    said = undo(run)
    assert "HR says that they are not there" in said.text
    assert not User.objects.get(email="anna@m.example").is_active


def test_neither_a_gap_in_the_files_nor_a_first_day_lets_them_in(provision: Provision) -> None:
    later = (timezone.localdate() + timedelta(days=3)).isoformat()
    provision(file_of(ANNA, f"{BEN};{later}"))
    deactivate("anna@m.example", "ben@m.example")
    provision(file_of(f"{BEN};{later}"), "--full", "--max-leavers", "100")
    forget_changes_of_long_ago()
    provision(file_of(ANNA, BEN), "--full")
    assert not User.objects.filter(is_active=True).exists()
    assert Employment.objects.get(hr_id="1").status == "present"


def forget_changes_of_long_ago() -> None:
    ProvisioningRun.objects.update(started_at=timezone.now() - timedelta(days=4000))
    forget_changes()


def test_the_last_administrator_stays(provision: Provision) -> None:
    for name in ("a", "b"):
        User.objects.create_superuser(f"{name}@m.example")
    User.objects.create_user("c@m.example")
    said = deactivate("a@m.example", "b@m.example", "c@m.example")
    assert (said.code, said.counts) == (1, {"suspended": 1})
    assert User.objects.filter(is_superuser=True, is_active=True).count() == 2
    assert deactivate("a@m.example").counts == {"suspended": 1}
    assert deactivate("b@m.example").code == 1
    assert User.objects.get(email="b@m.example").is_active


def test_it_waits_for_no_import(provision: Provision, monkeypatch: pytest.MonkeyPatch) -> None:
    provision(file_of(ANNA, BEN))
    monkeypatch.setattr(sys, "stdin", io.StringIO("anna@m.example\nsirh:2\n"))
    with only_one():
        said = deactivate("-")
    assert said.counts == {"suspended": 2}
    assert Employment.objects.filter(status="present").count() == 2
