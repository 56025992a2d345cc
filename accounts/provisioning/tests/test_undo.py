"""`provision_users --undo RUN`: what the run did is gone, and what others did since is not."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone
from django.utils.translation import override

from accounts.audit.verify import verify
from accounts.hr_desk.reasons import in_words
from accounts.models import AuditEntry, Employment, Group, Membership, Organisation, ProvisioningRun, User
from accounts.provisioning.tests.conftest import Provision, Said, command, exported, file_of
from accounts.provisioning.tests.test_provision_users import ANNA, BEN, CLEO, person


def undo(run: str) -> Said:
    return command("provision_users", "--undo", run, "--json")


def test_undoing_the_first_file_leaves_nobody_and_the_export_as_it_was(provision: Provision) -> None:
    User.objects.create_user("hand@m.example", first_name="Hand")
    before = exported()
    run = provision(file_of(ANNA, BEN, CLEO)).facts["run"]
    assert exported() != before
    said = undo(run)
    assert (said.code, said.facts["counts"]) == (0, {"created": 3})
    assert exported() == before
    assert ProvisioningRun.objects.get().state == "undone"
    assert AuditEntry.objects.filter(action="person_restored").count() == 3
    assert verify().count > 0


def test_undoing_a_month_gives_back_a_byte_equal_export(provision: Provision) -> None:
    rows = [f"{n};p{n}@m.example;P{n};Nom{n};{'AB'[n % 2]};2020-01-01" for n in range(40)]
    provision(file_of(*rows))
    provision(file_of(rows[30] + ";;suspendu"))
    before = exported()
    month = [row.replace("Nom", "Neu") for row in rows[:5]]  # renamed
    month += [row.replace(";A;", ";B;") for row in rows[5:10]]  # moved
    month += [rows[10].replace("p10@", "p11@"), rows[11].replace("p11@", "p10@")]  # exchanged addresses
    month += rows[12:30]
    month += [rows[30], rows[31] + ";;suspendu", "99;p39@m.example;New;New;A"]  # back, suspended, a leaver's address
    month += rows[32:38]
    said = provision(file_of(*month), "--full", "--max-leavers", "20")
    assert said.code == 0
    assert said.counts["left"] == 2
    assert exported() != before
    again = undo(said.facts["run"])
    assert (again.code, again.facts["left"]) == (0, [])
    assert exported() == before


def test_a_run_that_is_undone_can_be_made_again(provision: Provision) -> None:
    first = provision(file_of(ANNA, BEN))
    undo(first.facts["run"])
    again = provision(file_of(ANNA, BEN))
    assert again.counts == {"created": 2}
    assert again.facts["run"] != first.facts["run"]


def test_a_later_run_must_be_undone_first(provision: Provision) -> None:
    first = provision(file_of(ANNA)).facts["run"]
    second = provision(file_of(ANNA.replace("Petit", "Grand"))).facts["run"]
    said = undo(first)
    assert said.code == 7
    assert second in said.facts["text"]
    assert undo(second).code == 0
    assert undo(first).code == 0
    assert undo(first).code == 7  # twice is once too often
    assert undo("2020-01-01-1").code == 7


def test_an_account_that_was_used_is_suspended_instead_of_deleted(
    provision: Provision, offices: dict[str, Organisation]
) -> None:
    run = provision(file_of(ANNA, BEN, CLEO)).facts["run"]
    User.objects.filter(pk=person("1").pk).update(last_login=timezone.now())
    Group.objects.create(name="Chorale").members.add(person("2"))
    said = undo(run)
    assert said.code == 7
    assert {one["hr_id"] for one in said.facts["left"]} == {"1", "2"}
    assert list(User.objects.order_by("pk").values_list("email", "is_active")) == [
        ("anna@m.example", False),
        ("ben@m.example", False),
    ]
    assert provision(file_of(ANNA, BEN)).counts == {"reactivated": 2}


def test_what_somebody_changed_since_stays_and_is_told(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    run = provision(file_of(ANNA.replace("Anna;Petit;A", "Anne;Grand;B"), BEN.replace("Roux", "Noir"))).facts["run"]
    User.objects.filter(pk=person("1").pk).update(last_name="Martin")
    Membership.objects.filter(user=person("1"), until_on=None).update(role="manager")
    said = undo(run)
    assert said.code == 7
    assert [one["reason"] for one in said.facts["left"]] == [
        "memberships were changed since",
        "last_name was changed since",
    ]
    assert (person("1").first_name, person("1").last_name, person("2").last_name) == ("Anna", "Martin", "Roux")


def test_an_address_that_somebody_took_meanwhile_is_not_taken_from_them(provision: Provision) -> None:
    provision(file_of(ANNA))
    run = provision(file_of(ANNA.replace("anna@", "anna.petit@"))).facts["run"]
    User.objects.create_user("anna@m.example")
    said = undo(run)
    assert (said.code, len(said.facts["left"])) == (7, 1)
    assert person("1").email == "anna.petit@m.example"


@pytest.mark.parametrize("times", [1, 2])
def test_an_undoing_that_was_interrupted_goes_on(provision: Provision, times: int) -> None:
    provision(file_of(ANNA, BEN))
    before = exported()
    run = provision(file_of(ANNA.replace("Petit", "Grand"), BEN.replace("Roux", "Noir"), CLEO)).facts["run"]
    # As after a kill: one of the changes is taken back already, and the run is not marked.
    User.objects.filter(pk=person("1").pk).update(last_name="Petit")
    old = Employment.objects.get(hr_id="2")
    Employment.objects.filter(hr_id="1").update(run=old.run)
    for _ in range(times):
        said = undo(run)
    assert said.code == (0 if times == 1 else 7)
    assert exported() == before


def made_administrator(hr_id: str) -> User:
    someone = person(hr_id)
    someone.is_staff = someone.is_superuser = True
    someone.save()
    return someone


def test_undoing_leaves_administrators_as_they_are(provision: Provision) -> None:
    run = provision(file_of(ANNA, BEN)).facts["run"]
    anna = made_administrator("1")
    said = undo(run)
    assert [one["hr_id"] for one in said.facts["left"]] == ["1"]
    assert list(User.objects.filter(is_active=True)) == [anna]


def test_undoing_suspends_nobody_whom_another_employer_has(provision: Provision) -> None:
    provision(file_of(f"{ANNA};;;suspendu", BEN))
    run = provision(file_of(ANNA, BEN)).facts["run"]
    Employment.objects.create(user=person("1"), source="other", hr_id="9", status="present")
    undo(run)
    assert person("1").is_active


def test_undoing_a_change_of_address_ends_the_sign_in_by_the_new_one(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    run = provision(file_of(ANNA.replace("anna@", "annette@"), BEN)).facts["run"]
    EmailAddress.objects.create(user=person("1"), email="annette@m.example", verified=True, primary=True)
    undo(run)
    assert person("1").email == "anna@m.example"
    assert not EmailAddress.objects.exists()


def addresses() -> set[tuple[str, str, bool, bool]]:
    rows = EmailAddress.objects.values_list("user__email", "email", "verified", "primary")
    return {(account, email, is_verified, is_primary) for account, email, is_verified, is_primary in rows}


def test_undoing_a_change_of_address_gives_back_those_that_were_beside_it(provision: Provision) -> None:
    provision(file_of(ANNA, BEN, CLEO))
    for hr_id in ("1", "2", "3"):
        own = person(hr_id)
        EmailAddress.objects.create(user=own, email=own.email, verified=True, primary=True)
        EmailAddress.objects.create(user=own, email=f"home.{own.email}", verified=hr_id == "1")
    before = addresses()
    # Anna and Ben exchange theirs, Cléo's goes to somebody new.
    rows = [ANNA.replace("anna@", "ben@"), BEN.replace("ben@", "anna@"), "4;cleo@m.example;C;New;A"]
    run = provision(file_of(*rows), "--full", "--max-leavers=50").facts["run"]
    assert not EmailAddress.objects.exists()
    said = undo(run)
    assert (said.code, said.facts["left"]) == (0, [])
    assert addresses() == before


def test_an_address_that_somebody_else_confirmed_meanwhile_stays_theirs_and_is_told(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    EmailAddress.objects.create(user=person("1"), email="home@m.example", verified=True)
    run = provision(file_of(ANNA.replace("anna@", "annette@"), BEN)).facts["run"]
    EmailAddress.objects.create(user=person("2"), email="home@m.example", verified=True)
    said = undo(run)
    assert said.code == 7
    reason = said.facts["left"][0]["reason"]
    assert "home@m.example" in reason
    with override("fr"):  # on HR's page
        assert in_words(reason).startswith("quelqu’un d’autre a confirmé home@m.example")
    assert addresses() == {("ben@m.example", "home@m.example", True, False)}


def test_where_the_account_has_another_address_by_now_those_beside_it_stay_away_and_that_is_told(
    provision: Provision,
) -> None:
    provision(file_of(ANNA))
    EmailAddress.objects.create(user=person("1"), email="home@m.example", verified=True)
    run = provision(file_of(ANNA.replace("anna@", "annette@"))).facts["run"]
    User.objects.filter(pk=person("1").pk).update(email="mine@m.example")
    said = undo(run)
    assert [one["reason"].split(":")[0] for one in said.facts["left"]] == [
        "email was changed since",
        "the account has another address",
    ]
    assert not EmailAddress.objects.exists()
