"""Somebody signed in by ProConnect before HR's file first named them: one person has one account."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Employment, HrDuty, Membership, Organisation, SignInIdentity, User
from accounts.provisioning.tests.conftest import Provision, exported, file_of
from accounts.provisioning.tests.test_provision_users import ANNA as UNDATED
from accounts.provisioning.tests.test_provision_users import BEN, offices_of, person
from accounts.provisioning.tests.test_undo import undo
from accounts.services.identities import Known, enter
from jobs.models import Job

pytestmark = pytest.mark.django_db
ANNA = f"{UNDATED};2020-01-01"
SIRET, ELSEWHERE = "13002526500013", "11000201100044"


@pytest.fixture(autouse=True)
def siret_of_the_ministry(offices: dict[str, Organisation]) -> None:
    Organisation.objects.filter(external_id="M").update(siret=SIRET)


def signs_in(email: str = "anna@m.example", siret: str = SIRET, *, is_verified: bool = True) -> User:
    known = Known(
        issuer="https://proconnect.example",
        sub=f"sub-of-{email}",
        email=email,
        is_email_verified=is_verified,
        siret=siret,
        given_name="Anna",
        family_name="Petit-Jean",
        organisation="",
        idp_id="",
        uid="",
        acr="eidas1",
    )
    return enter(known).user


def test_the_row_takes_over_the_account_and_the_person_comes_back_to_it(provision: Provision) -> None:
    anna = signs_in()
    said = provision(file_of(ANNA, BEN))
    assert (said.code, said.counts) == (0, {"adopted": 1, "created": 1})
    assert person("1") == anna
    anna.refresh_from_db()
    assert (anna.first_name, anna.last_name, anna.is_active) == ("Anna", "Petit", True)
    assert offices_of(anna) == ["A"]
    assert signs_in() == anna
    entry = AuditEntry.objects.get(action="person_adopted")
    assert (entry.object_id, entry.values_after["hr_id"]) == (str(anna.public_id), "1")
    # From now on HR's key finds them, whatever the address.
    assert provision(file_of(ANNA.replace("anna@", "anna.petit@"), BEN)).counts == {"updated": 1, "unchanged": 1}
    assert person("1") == anna
    assert provision(file_of(BEN), "--full", "--max-leavers=50").counts["left"] == 1
    anna.refresh_from_db()
    assert not anna.is_active


def test_a_dry_run_says_so_and_changes_nothing(provision: Provision) -> None:
    signs_in()
    before = exported()
    dry = provision(file_of(ANNA, BEN), apply=False)
    assert dry.counts == {"adopted": 1, "created": 1}
    with Path(dry.facts["changes"]).open(encoding="utf-8-sig") as file:
        changes = {(row[1], row[3]): row[4:] for row in list(csv.reader(file, delimiter=";"))[1:]}
    assert changes["1", "last_name"] == ["Petit-Jean", "Petit"]
    assert changes["1", "status"] == ["", "present"]
    assert exported() == before


def test_undone_the_account_is_what_the_sign_in_made(provision: Provision) -> None:
    anna = signs_in()
    before = exported()
    run = provision(file_of(ANNA, BEN)).facts["run"]
    said = undo(run)
    assert (said.code, said.facts["counts"], said.facts["left"]) == (0, {"adopted": 1, "created": 1}, [])
    assert exported() == before
    assert not Employment.objects.exists()
    assert not Membership.objects.exists()
    assert signs_in() == anna
    assert provision(file_of(ANNA, BEN)).counts == {"adopted": 1, "created": 1}


def test_an_undoing_that_was_interrupted_finds_the_account_given_up_already(provision: Provision) -> None:
    anna = signs_in()
    run = provision(file_of(ANNA)).facts["run"]
    Employment.objects.all().delete()
    Membership.objects.all().delete()
    User.objects.filter(pk=anna.pk).update(last_name="Petit-Jean")
    assert undo(run).facts["left"] == []


def test_what_is_of_the_record_and_was_changed_since_stays_and_is_told(provision: Provision) -> None:
    signs_in()
    run = provision(file_of(ANNA)).facts["run"]
    Employment.objects.update(manager_hr_id="9")
    said = undo(run)
    assert (said.code, said.facts["left"]) == (7, [{"hr_id": "1", "reason": "the HR record was changed since"}])
    assert person("1").last_name == "Petit-Jean"


@pytest.mark.parametrize("row", [ANNA, f"{ANNA};;suspendu"])
def test_whom_the_row_or_somebody_before_suspends_is_out(provision: Provision, row: str) -> None:
    anna = signs_in()
    if row == ANNA:
        User.objects.filter(pk=anna.pk).update(is_active=False)
    assert provision(file_of(row)).counts == {"adopted": 1}
    assert not person("1").is_active
    assert [job.payload for job in Job.objects.filter(kind="accounts.see_off")] == (
        [] if row == ANNA else [{"people": [anna.pk]}]
    )


def test_the_safety_stop_counts_whom_it_takes_over_and_suspends(provision: Provision) -> None:
    provision(file_of(*(f"x{n};x{n}@m.example;X;X;A" for n in range(10))))
    for n in range(30):
        signs_in(f"p{n}@m.example")
    assert provision(file_of(*(f"{n};p{n}@m.example;P;P;A;2020-01-01;;suspendu" for n in range(30)))).code == 4
    assert not User.objects.filter(is_active=False).exists()


@pytest.mark.parametrize(
    "case",
    [
        "siret",
        "no organisation",
        "staff",
        "superuser",
        "hr",
        "other source",
        "no sign-in",
        "before arrival",
        "future",
        "no first day",
    ],
)
def test_where_there_is_a_doubt_the_account_stays_and_the_row_is_told(
    provision: Provision, offices: dict[str, Organisation], case: str
) -> None:
    anna = signs_in(siret=ELSEWHERE if case == "siret" else SIRET)
    today = timezone.localdate()
    row = {
        "no organisation": "1;anna@m.example;Anna;Petit",
        "future": f"{UNDATED};{today + timedelta(days=9)}",
        "before arrival": f"{UNDATED};{today - timedelta(days=9)}",
        "no first day": UNDATED,
    }.get(case, ANNA)
    if case == "no sign-in":
        SignInIdentity.objects.all().delete()
    if case == "before arrival":
        SignInIdentity.objects.update(created_at=timezone.now() - timedelta(days=30))
    if case == "hr":
        HrDuty.objects.create(user=anna, source="sirh")
    if case == "other source":
        Employment.objects.create(user=anna, source="other", hr_id="x", email="anna@m.example")
    User.objects.filter(pk=anna.pk).update(is_staff=case in ("staff", "superuser"), is_superuser=case == "superuser")
    for apply in (False, True):
        said = provision(file_of(row, BEN), apply=apply)
        assert (said.code, said.counts) == (1, {"created": 1, "refused": 1} if not apply else said.counts)
        assert said.wrong[0][1:3] == ["Courriel", "anna@m.example"]
    assert not Employment.objects.filter(source="sirh", hr_id="1").exists()
    anna.refresh_from_db()
    assert anna.last_name == "Petit-Jean"


def test_an_address_that_nobody_verified_takes_nothing_over(provision: Provision) -> None:
    anna = signs_in(is_verified=False)
    assert provision(file_of(ANNA)).counts == {"created": 1}
    assert person("1") != anna
