"""`provision_organisations`: a tree from a file, changed by the next, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from accounts.audit.verify import verify
from accounts.models import AuditEntry, Employment, Membership, Organisation, User
from accounts.models.organisation import MAX_DEPTH
from accounts.provisioning.tests.conftest import Said, command
from accounts.provisioning.tests.test_undo import undo as undo_people

pytestmark = pytest.mark.django_db

HEADER = "Code;Libellé;SIRET;Rattachement;Date de fermeture"
Import = Callable[..., Said]
MINISTRY, DIRECTORATE, OFFICE = "M;Ministère;;;", "D;Direction;;M;", "B;Bureau;;D;"


@pytest.fixture
def import_(tmp_path: Path) -> Import:
    def run(*rows: str, options: tuple[str, ...] = (), header: str = HEADER, apply: bool = True) -> Said:
        file = tmp_path / "organisations.csv"
        file.write_text("\n".join([header, *rows]) + "\n")
        arguments = ["provision_organisations", str(file), "--source", "sirh", "--json", *options]
        return command(*arguments, *["--apply"] * apply)

    return run


def undo(run: str) -> Said:
    return command("provision_organisations", "--undo", run, "--json")


def tree() -> dict[str, tuple[str, str, str]]:
    """Of each key: name, SIRET and the way from the root; the lineage must say the same as the parents."""
    found = {}
    for one in Organisation.objects.select_related("parent"):
        above: list[Organisation] = []
        parent = one.parent
        while parent is not None:
            above.insert(0, parent)
            parent = parent.parent
        assert one.ancestor_ids == [other.pk for other in above]
        found[one.external_id or one.name] = (one.name, one.siret, "/".join(o.external_id or o.name for o in above))
    return found


def test_a_tree_is_made_whatever_the_order_of_its_rows(import_: Import) -> None:
    said = import_(OFFICE, "C;Culture;13000766900018;D;", DIRECTORATE, MINISTRY)
    assert (said.code, said.counts) == (0, {"created": 4})
    assert tree() == {
        "M": ("Ministère", "", ""),
        "D": ("Direction", "", "M"),
        "B": ("Bureau", "", "M/D"),
        "C": ("Culture", "13000766900018", "M/D"),
    }
    assert AuditEntry.objects.filter(action="organisation_created").count() == 4
    assert verify().count == 6
    assert import_(OFFICE, DIRECTORATE, MINISTRY).counts == {"unchanged": 3}


def test_a_move_takes_along_what_is_below_also_of_others(import_: Import) -> None:
    import_(MINISTRY, "N;Autre;;;", DIRECTORATE, OFFICE)
    bureau = Organisation.objects.get(external_id="B")
    Organisation.objects.create(name="Par main", parent=bureau)
    said = import_(MINISTRY, "N;Autre;;;", "D;Direction;;N;", "B;Bureau neuf;;D;")
    assert said.counts == {"moved": 1, "updated": 1, "unchanged": 2}
    assert tree()["Par main"] == ("Par main", "", "N/D/B")
    before = tree()
    assert import_("M;Ministère;;D;", "N;Autre;;;", apply=False).counts == {"moved": 1, "unchanged": 1}
    assert tree() == before


def test_undone_the_tree_is_as_it_was(import_: Import) -> None:
    import_(MINISTRY, DIRECTORATE, OFFICE)
    before = tree()
    said = import_(MINISTRY, "D;Nouveau nom;;;", "B;Bureau;13000766900018;M;", "X;Neuf;;D;", "Y;Plus bas;;X;")
    assert said.counts == {"moved": 2, "created": 2, "unchanged": 1}
    assert tree() != before
    again = undo(said.facts["run"])
    assert (again.code, again.facts["left"]) == (0, [])
    assert tree() == before
    assert undo(said.facts["run"]).code == 7
    assert undo_people(said.facts["run"]).code == 7  # is none of people


def test_what_is_in_use_or_was_changed_since_stays(import_: Import) -> None:
    import_(MINISTRY)
    run = import_("M;Nouveau;;;", DIRECTORATE, OFFICE, "Z;Vide;;M;").facts["run"]
    Membership.objects.create(user=User.objects.create_user("a@m.example"), organisation_id=_key("B"))
    Organisation.objects.filter(external_id="M").update(name="Par main")
    said = undo(run)
    assert said.code == 7
    assert {one["key"] for one in said.facts["left"]} == {"M", "D", "B"}
    assert set(tree()) == {"M", "D", "B"}
    assert tree()["M"][0] == "Par main"


def test_wrong_rows_are_told_and_take_along_what_is_below_them_only(import_: Import) -> None:
    rows = [
        MINISTRY,
        "A;;;M;",  # no name
        "B;Bureau;123;M;",
        "C;Sous-bureau;;B;",  # of a wrong one
        "D;Direction;;nowhere;",
        "E;Eux;;F;",
        "F;Elles;;E;",  # a circle
        "M;Encore;;;",
        "=G;Formule;;;",
        "H;Date;;M;31/02/2026",
        ";Sans clé;;M;",
        "I;Bon;;M;",
        "J;Trop;;M;;x",
    ]
    said = import_(*rows)
    assert (said.code, said.counts) == (1, {"created": 2, "refused": 11})
    assert set(tree()) == {"M", "I"}
    assert sorted(int(row[0]) for row in said.wrong) == [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14]
    assert all(row[3] and row[4] for row in said.wrong)
    assert import_(*rows, options=("--strict",)).code == 6


def test_a_tree_has_sixteen_levels_at_most(import_: Import) -> None:
    rows = [f"L{n};Niveau {n};;{f'L{n - 1}' if n else ''};" for n in range(MAX_DEPTH + 1)]
    said = import_(*rows)
    assert said.counts == {"created": MAX_DEPTH, "refused": 1}
    assert len(tree()["L15"][2].split("/")) == MAX_DEPTH - 1


def test_those_missing_from_a_full_file_are_closed_unless_too_many(import_: Import) -> None:
    import_(MINISTRY, DIRECTORATE, OFFICE)
    Organisation.objects.create(name="Par main")
    assert import_(MINISTRY, DIRECTORATE, options=("--full",)).code == 4
    said = import_(MINISTRY, DIRECTORATE, options=("--full", "--max-closed", "50"))
    assert said.counts == {"left": 1, "unchanged": 2}
    assert list(Organisation.objects.filter(closed_on__isnull=False).values_list("external_id", flat=True)) == ["B"]
    withheld = import_(MINISTRY, ";X;;;", options=("--full", "--max-closed", "100"))
    assert (withheld.code, withheld.facts["closing_withheld"]) == (1, 1)


def test_one_that_stands_below_one_made_by_hand_stays_there(import_: Import) -> None:
    import_(MINISTRY)
    state = Organisation.objects.create(name="État")
    Organisation.objects.filter(external_id="M").update(parent=state, lineage=state.lineage_below)
    assert import_(MINISTRY, DIRECTORATE).counts == {"created": 1, "unchanged": 1}
    assert tree()["D"][2] == "État/M"


def test_people_of_a_file_find_the_organisations_of_the_other(import_: Import, tmp_path: Path) -> None:
    run = import_(MINISTRY, DIRECTORATE).facts["run"]
    file = tmp_path / "hr.csv"
    file.write_text("Matricule;Courriel;Service\n1;a@m.example;D\n")
    people = command("provision_users", str(file), "--source", "sirh", "--apply", "--json")
    assert Employment.objects.get().organisation_id == _key("D")
    assert undo(run).code == 7  # people came after it
    assert undo_people(people.facts["run"]).code == 0
    assert undo(run).code == 0
    assert tree() == {}


def _key(external_id: str) -> int:
    return Organisation.objects.get(external_id=external_id).pk
