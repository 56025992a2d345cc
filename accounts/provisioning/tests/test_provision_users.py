"""`provision_users` from its arguments to the rows, the report and the audit log."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.audit.verify import verify
from accounts.models import AuditEntry, Employment, Membership, Organisation, ProvisioningRun, User
from accounts.provisioning import daily
from accounts.provisioning.tests.conftest import HEADER, Provision, command, exported, file_of

ANNA = "1;anna@m.example;Anna;Petit;A"
BEN = "2;ben@m.example;Ben;Roux;A"
CLEO = "3;cleo@m.example;Cléo;Noël;B"


def person(hr_id: str, source: str = "sirh") -> User:
    return Employment.objects.get(source=source, hr_id=hr_id).user


def offices_of(user: User) -> list[str]:
    return sorted(Membership.objects.current().filter(user=user).values_list("organisation__external_id", flat=True))


def test_people_are_created_with_account_record_membership_and_audit(provision: Provision) -> None:
    said = provision(file_of(ANNA, BEN, CLEO))
    assert (said.code, said.counts) == (0, {"created": 3})
    cleo = person("3")
    assert (cleo.email, cleo.first_name, cleo.last_name, cleo.is_active) == ("cleo@m.example", "Cléo", "Noël", True)
    assert not cleo.has_usable_password()
    assert offices_of(cleo) == ["B"]
    entry = AuditEntry.objects.get(object_id=str(cleo.public_id))
    assert (entry.action, entry.values_after["hr_id"]) == ("person_created", "3")
    assert verify().count == 5  # begin, three people, end


def test_the_same_file_again_changes_nothing(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    before = exported()
    assert provision(file_of(ANNA, BEN)).counts == {"unchanged": 2}
    assert exported() == before


def test_a_dry_run_tells_exactly_what_applying_does_and_changes_nothing(provision: Provision, tmp_path: Path) -> None:
    provision(file_of(ANNA, BEN, CLEO))
    before = exported()
    later = file_of(ANNA.replace("Petit;A", "Petit;B"), BEN + ";;;suspendu", "4;dan@m.example;Dan;Lac;B")
    dry = provision(later, "--full", "--max-leavers", "50", apply=False)
    assert dry.counts == {"moved": 1, "suspended": 1, "created": 1, "left": 1}
    assert exported() == before
    with Path(dry.facts["changes"]).open(encoding="utf-8-sig") as file:
        changes = [(row[1], row[3], row[5]) for row in csv.reader(file, delimiter=";")][1:]
    assert ("2", "status", "suspended") in changes
    assert ("4", "email", "dan@m.example") in changes
    assert ("3", "is_active", "False") in changes
    assert provision(later, "--full", "--max-leavers", "50").counts == dry.counts


def test_a_move_ends_one_membership_and_begins_another(provision: Provision, offices: dict[str, Organisation]) -> None:
    provision(file_of(ANNA + ";2020-01-01"))
    assert provision(file_of(ANNA.replace("Petit;A", "Petit;B") + ";2020-01-01")).counts == {"moved": 1}
    anna, today = person("1"), timezone.localdate()
    periods = (
        Membership.objects.filter(user=anna).order_by("from_on").values_list("organisation", "from_on", "until_on")
    )
    assert list(periods)[1:] == [(offices["B"].pk, today, None)]
    assert periods[0][2] == today - timedelta(days=1)
    assert offices_of(anna) == ["B"]


def test_many_are_changed_at_once_each_as_their_row_says(
    provision: Provision, offices: dict[str, Organisation]
) -> None:
    """As many as databases get in one piece: their own types, and what is empty, included."""
    rows = [f"{n};p{n}@m.example;P{n};Nom;A;2020-01-01;{'2199-12-31' * (n % 2)}" for n in range(80)]
    provision(file_of(*rows))
    before = exported()
    later = [f"{n};q{n}@m.example;P{n};Neu;B;2020-01-01;{'2199-12-31' * (1 - n % 2)};suspendu" for n in range(80)]
    said = provision(file_of(*later), "--max-leavers=100")
    assert said.counts == {"suspended": 80}
    found = Employment.objects.filter(organisation=offices["B"], status="suspended").select_related("user")
    told = {e.hr_id: (e.user.email, e.user.last_name, e.user.is_active, str(e.leaves_on)) for e in found}
    assert told == {str(n): (f"q{n}@m.example", "Neu", False, "None" if n % 2 else "2199-12-31") for n in range(80)}
    assert command("provision_users", "--undo", said.facts["run"]).code == 0
    assert exported() == before


def test_suspended_and_back_again(provision: Provision) -> None:
    provision(file_of(ANNA))
    assert provision(file_of(ANNA + ";;;suspendu")).counts == {"suspended": 1}
    assert not person("1").is_active
    assert provision(file_of(ANNA)).counts == {"reactivated": 1}
    assert person("1").is_active
    words = AuditEntry.objects.filter(action__startswith="person_").order_by("seq").values_list("action", flat=True)
    assert list(words) == ["person_created", "person_suspended", "person_reactivated"]


def test_who_is_missing_from_a_full_file_has_left_and_comes_back(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    assert provision(file_of(ANNA), "--full", "--max-leavers", "50").counts == {"left": 1, "unchanged": 1}
    ben = person("2")
    assert not ben.is_active
    assert offices_of(ben) == []
    assert provision(file_of(ANNA, BEN)).counts == {"reactivated": 1, "unchanged": 1}
    assert person("2").is_active
    assert offices_of(ben) == ["A"]


def test_without_full_nobody_leaves(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    assert provision(file_of(ANNA)).counts == {"unchanged": 1}
    assert person("2").is_active


def test_more_leavers_than_allowed_stop_everything(provision: Provision) -> None:
    provision(file_of(*(f"{n};p{n}@m.example;P;{n};A" for n in range(100))))
    before = exported()
    said = provision(file_of(*(f"{n};p{n}@m.example;P;{n};B" for n in range(97))), "--full")
    assert (said.code, said.facts["leavers"]) == (4, 3)
    assert exported() == before
    assert provision(file_of(*(f"{n};p{n}@m.example;P;{n};A" for n in range(98))), "--full").counts["left"] == 2


def test_hand_made_guest_foreign_and_administrator_accounts_never_leave(provision: Provision) -> None:
    User.objects.create_user("hand@m.example")
    provision(file_of("9;elsewhere@m.example;E;E"), source="other")
    provision(file_of(ANNA, BEN))
    User.objects.filter(pk=person("2").pk).update(is_staff=True)
    said = provision(file_of(ANNA), "--full", "--max-leavers", "100")
    assert said.counts == {"unchanged": 1}
    assert not User.objects.filter(is_active=False).exists()


def test_the_last_administrator_is_not_suspended_by_a_row(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    User.objects.filter(pk__in=[person("1").pk, person("2").pk]).update(is_superuser=True, is_staff=True)
    assert provision(file_of(ANNA + ";;;suspendu")).counts == {"suspended": 1}
    said = provision(file_of(BEN + ";;;suspendu"))
    assert (said.code, said.counts) == (1, {"refused": 1})
    assert person("2").is_active


def test_rows_that_name_nobody_keep_leavers_from_leaving(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    said = provision(file_of(ANNA, ";;Ben;Roux;A"), "--full", "--max-leavers", "50")
    assert (said.code, said.facts["leavers_withheld"]) == (1, 1)
    assert person("2").is_active


def test_a_faulty_row_is_nobodys_departure(provision: Provision) -> None:
    provision(file_of(ANNA, BEN, CLEO))
    faulty = file_of(ANNA, "2;not an address;Ben;Roux;A", ";cleo@m.example;Cléo;Noël;B")
    said = provision(faulty, "--full", "--max-leavers", "100")
    assert said.counts == {"unchanged": 1, "refused": 2}
    assert User.objects.filter(is_active=True).count() == 3


def test_each_wrong_row_is_told_with_line_column_value_and_remedy_and_the_others_go_on(provision: Provision) -> None:
    rows = [
        ANNA,
        "2;nobody;Ben;Roux;A",
        "3;c@m.example;C;C;Z",
        "4;d@m.example;D;D;A;32/01/2026",
        "5;e@m.example;E;E;A;2026-02-01;2026-01-01",
        "6;f@m.example;F;F;A;;;who knows",
        "1;g@m.example;G;G;A",
        "8;anna@m.example;H;H;A",
        "=9;i@m.example;I;I;A",
        "10;j@m.example;=HYPERLINK(1);J;A",
        "11;k@m.example;K;K;A;;;;too much",
        "12;l\0@m.example;L;L;A",
    ]
    said = provision(file_of(*rows))
    assert (said.code, said.counts) == (1, {"created": 1, "refused": 11})
    told = {row[0]: row[1:3] for row in said.wrong}
    assert told["3"] == ["Courriel", "nobody"]
    assert told["4"] == ["Service", "Z"]
    assert told["5"] == ["Date d'arrivée", "32/01/2026"]
    assert told["7"] == ["Statut", "who knows"]
    assert told["10"] == ["Matricule", "'=9"]  # no formula in the report, either
    assert set(told) == {str(number) for number in range(3, 14)}
    assert all(row[3] and row[4] for row in said.wrong)


def test_strict_changes_nothing_where_one_row_is_wrong(provision: Provision) -> None:
    said = provision(file_of(ANNA, "2;nobody;Ben;Roux;A"), "--strict")
    assert said.code == 6
    assert not User.objects.exists()
    assert Path(said.facts["report"]).read_text("utf-8-sig").count("\n") == 2


def test_a_person_of_the_future_is_expected_and_one_of_the_past_is_not_made(provision: Provision) -> None:
    today = timezone.localdate()
    soon, past = (today + timedelta(days=9)).isoformat(), (today - timedelta(days=9)).isoformat()
    said = provision(file_of(f"{ANNA};{soon}", f"{BEN};;{past}", f"{CLEO};;{soon}"))
    assert said.counts == {"created": 2, "unchanged": 1}
    assert (person("1").is_active, person("3").is_active) == (False, True)
    assert Employment.objects.get(hr_id="1").status == "expected"
    assert str(Membership.objects.get(user=person("3")).until_on) == soon


def test_columns_that_the_file_lacks_change_nothing(provision: Provision) -> None:
    provision(file_of(ANNA + ";2020-01-01;2999-01-01"[: len(";2020-01-01")]))
    said = provision("hr_id,email\n1,anna.petit@m.example\n")
    assert said.counts == {"updated": 1}
    anna = Employment.objects.select_related("user").get(hr_id="1")
    assert (anna.user.email, anna.user.first_name, str(anna.arrives_on)) == (
        "anna.petit@m.example",
        "Anna",
        "2020-01-01",
    )
    assert offices_of(anna.user) == ["A"]


def test_two_people_may_exchange_their_addresses(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    anna, ben = person("1").pk, person("2").pk
    said = provision(file_of(ANNA.replace("anna@", "ben@"), BEN.replace("ben@", "anna@")))
    assert (said.code, said.counts["updated"]) == (0, 2)
    assert User.objects.get(pk=anna).email == "ben@m.example"
    assert User.objects.get(pk=ben).email == "anna@m.example"


def test_an_address_that_goes_to_somebody_else_takes_no_account_with_it(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    old = person("1").pk
    said = provision(file_of(BEN, "7;anna@m.example;Anna;Grand;A"), "--full", "--max-leavers", "50")
    assert (said.code, said.counts) == (0, {"created": 1, "left": 1, "unchanged": 1})
    new = person("7")
    assert new.pk != old
    assert (new.email, new.last_name) == ("anna@m.example", "Grand")
    assert User.objects.get(pk=old).email.endswith("@freed.invalid")
    freed = AuditEntry.objects.get(action="person_address_freed")
    assert freed.values_before == {"email": "anna@m.example"}


@pytest.mark.parametrize("is_admin", [False, True])
def test_an_account_made_by_hand_is_never_taken_over_by_its_address(provision: Provision, is_admin: bool) -> None:
    User.objects.create_user("anna@m.example", is_staff=is_admin, is_superuser=is_admin)
    said = provision(file_of(ANNA, BEN))
    assert (said.code, said.counts) == (1, {"created": 1, "refused": 1})
    assert not Employment.objects.filter(hr_id="1").exists()


def test_who_signs_in_with_another_address_keeps_it(provision: Provision) -> None:
    provision(file_of(ANNA))
    User.objects.filter(pk=person("1").pk).update(email="anna@other.example")
    provision(file_of(ANNA.replace("anna@", "a.petit@")))
    assert person("1").email == "anna@other.example"
    assert Employment.objects.get(hr_id="1").email == "a.petit@m.example"


def test_who_has_another_employer_stays(provision: Provision) -> None:
    provision(file_of(ANNA))
    Employment.objects.create(user=person("1"), source="other", hr_id="x")
    assert provision(file_of(BEN), "--full", "--max-leavers", "100").counts == {"created": 1, "left": 1}
    assert person("1").is_active
    assert Employment.objects.get(source="sirh", hr_id="1").status == "left"


def test_who_was_locked_by_hand_is_not_unlocked_by_a_row(provision: Provision) -> None:
    provision(file_of(ANNA))
    User.objects.filter(pk=person("1").pk).update(is_active=False)
    provision(file_of(ANNA.replace("Petit", "Grand")))
    assert (person("1").last_name, person("1").is_active) == ("Grand", False)


def test_one_run_at_a_time(provision: Provision, settings: object) -> None:
    from accounts.provisioning.runs import only_one

    with only_one():
        said = provision(file_of(ANNA))
    assert (said.code, User.objects.count()) == (5, 0)
    assert provision(file_of(ANNA)).code == 0


def test_a_call_without_file_or_source_is_refused(offices: object) -> None:
    from django.core.management.base import CommandError

    with pytest.raises(CommandError):
        command("provision_users")
    assert HEADER.count(";") == 7
    assert not ProvisioningRun.objects.exists()


def made_administrators(*hr_ids: str) -> None:
    User.objects.filter(pk__in=[person(hr_id).pk for hr_id in hr_ids]).update(is_staff=True, is_superuser=True)


def test_a_file_moves_no_administrators_address(provision: Provision) -> None:
    provision(file_of(ANNA, BEN))
    made_administrators("1")
    provision(file_of(ANNA.replace("anna@m.example", "mallory@evil.example"), BEN))
    assert person("1").email == "anna@m.example"


def test_no_administrator_leaves_by_a_file_or_a_date(provision: Provision) -> None:
    provision(file_of(ANNA, BEN, CLEO))
    made_administrators("1", "2")
    today = timezone.localdate()
    said = provision(file_of(f"{ANNA};;{today.isoformat()}", f"{BEN};;;parti", CLEO))
    assert (said.code, said.counts["refused"]) == (1, 1)
    daily.apply_dates(today + timedelta(days=1))
    assert person("1").is_active
    assert person("2").is_active


@pytest.mark.parametrize("state", ["suspendu", "parti"])
def test_the_safety_stop_counts_whom_the_file_says_to_be_gone(provision: Provision, state: str) -> None:
    everybody = [f"{n};p{n}@m.example;P;N{n};A" for n in range(30)]
    provision(file_of(*everybody))
    assert provision(file_of(*(f"{row};;;{state}" for row in everybody))).code == 4
    assert User.objects.filter(is_active=True).count() == 30
