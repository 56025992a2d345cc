"""`manage.py relink_subs --idp OLD --to NEW`: a ministry changes its identity provider; who is certain is merged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.merging import merging, relinking
from accounts.merging.refusals import Refusal
from accounts.merging.tests.conftest import OTHER_SIRET, SIRET, signed_in_as
from accounts.models import AuditEntry, Membership, MergeProposal, Organisation, ProvisioningRun, SignInIdentity, User
from accounts.models.identity import MergeState
from accounts.proconnect.tests.hostile_provider import HostileProvider, Visit
from accounts.provisioning import runs
from accounts.provisioning.importing import Watcher
from accounts.provisioning.tests.conftest import Said, command

pytestmark = pytest.mark.django_db

NAMES = ("anna", "ben", "cleo")
OLD, NEW = "idp-old", "idp-new"
Come = Callable[..., Visit]


def email_of(name: str) -> str:
    return f"{name}@culture.example"


@pytest.fixture
def come(provider: HostileProvider, folder: None) -> Come:
    """`come("anna", NEW)`: she signs in by this provider, with the key that it gave her."""

    def sign_in(name: str, idp: str, **said: Any) -> Visit:
        provider.person |= {"sub": f"{name} at {idp}", "email": email_of(name), "idp_id": idp, "uid": name}
        provider.person |= {"siret": SIRET, **said}
        visit = Visit(provider)
        visit.sign_in()
        return visit

    return sign_in


@pytest.fixture
def ministry(come: Come) -> Organisation:
    """Three people who sign in by the old provider."""
    office = Organisation.objects.create(name="Culture", siret=SIRET)
    for name in NAMES:
        Membership.objects.create(user=User.objects.create_user(email_of(name), first_name=name), organisation=office)
        come(name, OLD)
    return office


def relink(*options: str) -> Said:
    return command("relink_subs", "--idp", OLD, "--to", NEW, "--json", *options)


def file_of(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "people.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def owners() -> list[tuple[str, Any]]:
    return list(SignInIdentity.objects.order_by("sub").values_list("sub", "user__public_id"))


def pairs_of(said: Said) -> list[list[str]]:
    return [line.split(";") for line in Path(said.facts["changes"]).read_text("utf-8-sig").splitlines()[1:]]


def test_a_dry_run_tells_each_pair_and_changes_nothing(ministry: Organisation, come: Come) -> None:
    come("anna", NEW)
    come("ben", NEW)
    before = owners()
    said = relink()
    assert (said.code, said.counts, said.facts["not_come_yet"]) == (0, {"merged": 2}, 1)
    assert owners() == before
    assert not ProvisioningRun.objects.exists()
    fresh = MergeProposal.objects.get(known__email=email_of("anna")).fresh
    known = User.objects.get(email=email_of("anna"))
    assert pairs_of(said)[0] == ["1", email_of("anna"), str(fresh.public_id), str(known.public_id), "1 identities"]


def test_everybody_who_came_is_back_in_their_account_and_all_of_it_is_undone(
    ministry: Organisation, come: Come
) -> None:
    visits = {name: come(name, NEW) for name in NAMES}
    before = owners()
    said = relink("--apply")
    assert (said.code, said.counts) == (0, {"merged": 3})
    for name in NAMES:
        assert signed_in_as(visits[name]) is None
        assert signed_in_as(come(name, NEW)) == User.objects.get(email=email_of(name))
        assert signed_in_as(come(name, OLD)) == User.objects.get(email=email_of(name))
    again = relink("--apply")
    assert (again.code, again.counts, again.facts["run"]) == (0, {}, "")
    undone = command("relink_subs", "--undo", said.facts["run"], "--json")
    assert (undone.code, undone.counts) == (0, {"merged": 3})
    assert owners() == before
    assert MergeProposal.objects.filter(state=MergeState.OPEN).count() == 3
    assert AuditEntry.objects.filter(action="account_unmerged").count() == 3
    assert command("relink_subs", "--undo", said.facts["run"], "--json").code == 7


def test_only_those_of_a_file_and_each_refused_line_says_why(
    ministry: Organisation, come: Come, tmp_path: Path
) -> None:
    come("anna", NEW)
    come("ben", NEW)
    boss = User.objects.get(email=email_of("ben"))
    boss.is_staff = True
    boss.save()
    User.objects.create_user("dora@culture.example")
    file = file_of(
        tmp_path,
        "Nom;Courriel",
        f"A;{email_of('anna').upper()}",
        f"B;{email_of('ben')}",
        f"C;{email_of('cleo')}",
        "D;dora@culture.example",
        "E;no address",
        f"A;{email_of('anna')}",
        '"F;open',
    )
    said = relink(file, "--apply")
    assert (said.code, said.counts) == (1, {"merged": 1, "refused": 6})
    codes = ("administrator", "not_come", "no_account", "no_address", "line_twice", "line_damaged")
    found = {line[0]: line[3] for line in said.wrong}
    assert found == {str(number): Refusal(code).text for number, code in enumerate(codes, 3)}
    again = relink(file, "--apply")
    assert again.counts == {"unchanged": 1, "refused": 6}


def _another_siret(come: Come) -> None:
    SignInIdentity.objects.filter(sub="anna at idp-new").update(siret=OTHER_SIRET)


def _another_address(come: Come) -> None:
    come("anna", NEW, email="anna.martin@culture.example")


def _a_second_key(come: Come) -> None:
    come("anna", NEW, sub="anna's other key")


def _two_known(come: Come) -> None:
    fresh = SignInIdentity.objects.get(sub="anna at idp-new").user
    MergeProposal.objects.create(fresh=fresh, known=User.objects.get(email=email_of("ben")), reason="new_sub")


def _a_key_of_elsewhere(come: Come) -> None:
    fresh = SignInIdentity.objects.get(sub="anna at idp-new").user
    SignInIdentity.objects.create(user=fresh, issuer="https://other.example", sub="a", idp_id="idp-third")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_another_siret, "siret_differs"),
        (_another_address, "address_differs"),
        (_a_second_key, "several_keys"),
        (_two_known, "several_accounts"),
        (_a_key_of_elsewhere, "several_accounts"),
    ],
)
def test_who_is_not_certain_is_refused_with_the_reason(
    change: Callable[[Come], None], code: str, ministry: Organisation, come: Come
) -> None:
    come("anna", NEW)
    change(come)
    before = owners()
    said = relink("--apply")
    assert said.code == 1
    assert "merged" not in said.counts
    assert owners() == before
    assert [email_of("anna"), Refusal(code).text] in [line[2:4] for line in said.wrong]


def test_people_of_another_provider_are_none_of_this_run(ministry: Organisation, come: Come) -> None:
    come("anna", NEW)
    SignInIdentity.objects.filter(idp_id=OLD, uid="anna").update(idp_id="idp-elsewhere")
    said = relink("--apply")
    assert (said.code, said.counts) == (0, {})


def test_strict_changes_nothing_if_any_line_is_refused(ministry: Organisation, come: Come, tmp_path: Path) -> None:
    come("anna", NEW)
    before = owners()
    said = relink(file_of(tmp_path, "email", email_of("anna"), email_of("cleo")), "--apply", "--strict")
    assert said.code == 6
    assert owners() == before


def test_a_run_that_was_killed_goes_on_as_the_same_run(ministry: Organisation, come: Come) -> None:
    for name in NAMES:
        come(name, NEW)

    class Killed(BaseException):
        pass

    class Killer(Watcher):
        def progress(self, rows: int) -> None:
            raise Killed

    with pytest.raises(Killed):
        relinking.apply(OLD, NEW, None, lambda _line: None, Killer())
    [begun] = ProvisioningRun.objects.all()
    assert MergeProposal.objects.filter(state=MergeState.DONE).count() == 1
    said = relink("--apply")
    assert (said.facts["run"], said.facts["resumed"], said.counts) == (begun.key, True, {"merged": 2})
    undone = command("relink_subs", "--undo", begun.key, "--json")
    assert undone.counts == {"merged": 3}


def test_a_run_for_each_time_and_files_that_cannot_be_read(ministry: Organisation, come: Come, tmp_path: Path) -> None:
    come("anna", NEW)
    with runs.only_one():
        assert relink("--apply").code == 5
        assert command("relink_subs", "--undo", "2026-01-01-1", "--json").code == 5
    assert relink(str(tmp_path / "none.csv")).code == 3
    assert relink(file_of(tmp_path, "Nom;Service", "A;B")).code == 3
    for arguments in ([], ["--idp", OLD], ["--idp", OLD, "--to", OLD]):
        with pytest.raises(CommandError) as wrong:
            call_command("relink_subs", *arguments)
        assert wrong.value.returncode == 2


def test_a_decision_between_plan_and_act_is_kept(ministry: Organisation, come: Come) -> None:
    come("anna", NEW)
    come("ben", NEW)

    class Quick(Watcher):
        def step(self, name: str, total: int) -> None:
            proposal = MergeProposal.objects.get(known__email=email_of("anna"))
            merging.merge(proposal.fresh, proposal.known, acting_user=None)

    told: list[relinking.Line] = []
    outcome = relinking.apply(OLD, NEW, None, told.append, Quick())
    assert dict(outcome.counts) == {"refused": 1, "merged": 1}
    assert [line.refusal.code for line in told if line.refusal] == ["decided"]
