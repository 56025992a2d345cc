"""`manage.py merge_users FROM INTO`: what goes over, what stays, who is left alone, and all of it taken back."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command

from accounts.audit.verify import verify
from accounts.merging import movable
from accounts.merging.tests.conftest import EMAIL, OTHER_SIRET, Pair, signed_in_as
from accounts.models import (
    AuditEntry,
    BrowserSession,
    Employment,
    Group,
    HrDuty,
    Membership,
    MergeProposal,
    Organisation,
    ProvisioningRun,
    SignInIdentity,
    User,
)
from accounts.models.identity import MergeState
from accounts.models.organisation import MembershipRole
from accounts.models.user import is_placeholder
from accounts.proconnect.tests.hostile_provider import HostileProvider, Visit
from accounts.provisioning.tests.conftest import Said, command
from accounts.services.leavers import suspend

pytestmark = pytest.mark.django_db


def merge(pair: Pair, *options: str) -> Said:
    return command("merge_users", str(pair.fresh.public_id), pair.known.email, "--json", *(options or ("--apply",)))


def undo(run: str) -> Said:
    return command("merge_users", "--undo", run, "--json")


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Of both accounts, but for what a sign-in writes."""
    people = ("pk", "email", "is_active", "is_staff", "is_superuser", "password", "first_name", "last_name")
    return {
        "people": list(User.objects.order_by("pk").values_list(*people)),
        **{
            model.__name__: list(model._base_manager.order_by("pk").values_list("pk", field))
            for model, field in (
                (SignInIdentity, "user"),
                (Membership, "user"),
                (Employment, "user"),
                (Group.members.through, "user"),
                (EmailAddress, "user"),
            )
        },
        "proposals": list(MergeProposal.objects.values_list("pk", "state", "decided_at", "run")),
    }


def test_a_dry_run_says_what_would_go_over_and_changes_nothing(pair: Pair) -> None:
    before = everything()
    said = merge(pair, "--dry-run")
    assert (said.code, said.facts["state"], said.counts) == (0, "dry run", {"identities": 1})
    assert everything() == before
    assert not ProvisioningRun.objects.exists()
    assert EMAIL in command("merge_users", str(pair.fresh.public_id), EMAIL).text


def test_the_person_signs_in_with_the_new_key_and_is_in_the_known_account(
    pair: Pair, provider: HostileProvider
) -> None:
    said = merge(pair)
    assert (said.code, said.facts["state"]) == (0, "applied")
    assert signed_in_as(pair.visit) is None
    assert not BrowserSession.objects.filter(user=pair.fresh).exists()
    again = Visit(provider)
    again.sign_in()
    assert signed_in_as(again) == pair.known
    assert "appartient déjà à un autre compte" not in again.client.get("/rooms/").content.decode()
    assert set(pair.known.identities.values_list("sub", flat=True)) == {"marie", "marie anew"}
    proposal = pair.proposal
    assert (proposal.state, proposal.run) == (MergeState.DONE, said.facts["run"])


def test_what_belongs_to_the_person_goes_over_and_the_dead_account_keeps_no_right(pair: Pair) -> None:
    ministry = Organisation.objects.create(name="Arts")
    Membership.objects.create(user=pair.fresh, organisation=ministry, role=MembershipRole.MANAGER)
    Membership.objects.create(user=pair.fresh, organisation=pair.office)  # as the known account has
    Employment.objects.create(user=pair.fresh, source="other", hr_id="9")
    both, one = Group.objects.create(name="Both"), Group.objects.create(name="One")
    both.members.add(pair.known, pair.fresh)
    one.members.add(pair.fresh)
    said = merge(pair)
    assert said.counts == {"identities": 1, "hr_records": 1, "memberships": 1, "groups": 1}
    assert said.facts["staying"] == {"memberships": 1, "groups": 1}
    assert set(pair.known.memberships.values_list("organisation__name", flat=True)) == {"Culture", "Arts"}
    assert set(pair.known.employments.values_list("source", flat=True)) == {"sirh", "other"}
    assert set(pair.known.people_groups.values_list("name", flat=True)) == {"Both", "One"}
    dead = User.objects.get(pk=pair.fresh.pk)
    assert not dead.is_active
    assert not dead.identities.exists()


def test_both_accounts_have_an_entry_in_the_audit_log(pair: Pair) -> None:
    run = merge(pair).facts["run"]
    ended = AuditEntry.objects.get(action="account_merged")
    assert ended.object_id == str(pair.fresh.public_id)
    assert ended.values_after == {"into": str(pair.known.public_id), "run": run, "moved": {"identities": 1}}
    kept = AuditEntry.objects.get(action="account_took_over")
    assert kept.object_id == str(pair.known.public_id)
    undo(run)
    back = AuditEntry.objects.get(action="account_unmerged")
    assert (back.object_id, back.values_after["run"]) == (str(pair.fresh.public_id), run)
    assert AuditEntry.objects.get(action="account_gave_back").object_id == str(pair.known.public_id)
    assert verify().count > 0


def test_an_address_of_its_own_is_free_for_others_and_comes_back(pair: Pair) -> None:
    second = User.objects.create_user("m.durand@culture.example", "un bien long secret", first_name="M.")
    EmailAddress.objects.create(user=second, email=second.email, verified=True, primary=True)
    before = everything()
    run = command("merge_users", second.email, EMAIL, "--apply", "--json").facts["run"]
    assert is_placeholder(User.objects.get(pk=second.pk).email)
    assert not EmailAddress.objects.filter(email=second.email).exists()
    assert undo(run).code == 0
    assert everything() | {"EmailAddress": []} == before | {"EmailAddress": []}
    assert EmailAddress.objects.get().verified


def test_undoing_gives_everything_back_and_signs_out_whoever_came_in(pair: Pair, provider: HostileProvider) -> None:
    Membership.objects.create(user=pair.fresh, organisation=pair.office, from_on=date(2020, 1, 1))
    before = everything()
    run = merge(pair).facts["run"]
    again = Visit(provider)
    again.sign_in()
    said = undo(run)
    assert (said.code, said.facts["left"]) == (0, [])
    assert everything() == before
    assert signed_in_as(again) is None
    again.sign_in()
    assert signed_in_as(again) == pair.fresh
    assert undo(run).code == 7
    assert merge(pair).code == 0  # and again


def test_undoing_leaves_what_changed_since_and_says_so(pair: Pair) -> None:
    run = merge(pair).facts["run"]
    SignInIdentity.objects.get(sub="marie anew").delete()
    said = undo(run)
    assert said.code == 7
    [left] = said.facts["left"]
    assert left["person"] == EMAIL
    assert User.objects.get(pk=pair.fresh.pk).is_active


def test_undoing_lets_nobody_in_who_was_put_out_meanwhile(pair: Pair, provider: HostileProvider) -> None:
    run = merge(pair).facts["run"]
    suspend(pair.known, acting_user=None)
    assert undo(run).code == 7
    assert not User.objects.get(pk=pair.fresh.pk).is_active
    assert Visit(provider).sign_in().status_code == 403


def test_an_account_that_was_merged_on_is_given_back_first(pair: Pair) -> None:
    first = merge(pair).facts["run"]
    other = User.objects.create_user("other@culture.example")
    second = command("merge_users", EMAIL, other.email, "--apply", "--json").facts["run"]
    said = undo(first)
    assert said.code == 7
    assert second in said.facts["text"]
    assert undo(second).code == undo(first).code == 0


def _two_hr_records(pair: Pair) -> None:
    Employment.objects.create(user=pair.fresh, source="sirh", hr_id="8")


def _hr_duty(pair: Pair) -> None:
    HrDuty.objects.create(user=pair.known, source="sirh")


def _other_organisation(pair: Pair) -> None:
    SignInIdentity.objects.filter(user=pair.fresh).update(siret=OTHER_SIRET)


def _other_organisation_without_siret(pair: Pair) -> None:
    SignInIdentity.objects.update(siret="")
    Membership.objects.create(user=pair.fresh, organisation=Organisation.objects.create(name="Elsewhere"))


def _set(which: str, **values: bool) -> Any:
    def change(pair: Pair) -> None:
        User.objects.filter(pk=getattr(pair, which).pk).update(**values)

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_set("fresh", is_active=False), "suspended"),
        (_set("known", is_active=False), "suspended"),
        (_set("fresh", is_staff=True), "administrator"),
        (_set("known", is_superuser=True), "administrator"),
        (_hr_duty, "administrator"),
        (_two_hr_records, "two_hr_records"),
        (_other_organisation, "other_organisation"),
        (_other_organisation_without_siret, "other_organisation"),
    ],
)
def test_some_are_never_merged_and_the_reason_is_said(change: Any, code: str, pair: Pair) -> None:
    change(pair)
    before = everything()
    for option in ("--dry-run", "--apply"):
        said = merge(pair, option)
        assert (said.code, said.facts["state"], said.facts["code"]) == (1, "refused", code)
        assert said.facts["remedy"]
    assert everything() == before
    assert not ProvisioningRun.objects.exists()


def test_into_itself_and_whom_nobody_knows(pair: Pair) -> None:
    itself = command("merge_users", EMAIL, "sirh:7", "--apply", "--json")
    assert (itself.code, itself.facts["code"]) == (1, "itself")
    for name in ("guest@nowhere.example", "sirh:99", "7d1f"):
        unknown = command("merge_users", name, EMAIL, "--apply", "--json")
        assert (unknown.code, unknown.facts["code"]) == (1, "unknown")
        assert unknown.facts["text"].startswith(name)
    assert undo("2020-01-01-1").code == 7
    with pytest.raises(CommandError) as wrong:
        call_command("merge_users", EMAIL)
    assert wrong.value.returncode == 2


STAYS = {
    "accounts.BrowserSession.user": "ended",
    "accounts.Invitation.user": "a link sets the password of the account for which it was made: worthless now",
    "accounts.Invitation.created_by": "who did what does not change",
    "accounts.MergeProposal.fresh": "what was decided",
    "accounts.MergeProposal.known": "what was decided",
    "accounts.User_groups.user": "rights in the administration: such accounts are not merged",
    "accounts.User_user_permissions.user": "as above",
    "accounts.ApiToken.owner": "ended: whoever is there gets new ones",
    "accounts.ApiToken.created_by": "who did what does not change",
    "accounts.HrDuty.user": "a right over others: such accounts are not merged",
    "accounts.HrFile.uploaded_by": "who did what does not change",
    "accounts.HrFile.confirmed_by": "who did what does not change",
    "accounts.HrUndo.ordered_by": "who did what does not change",
    "admin.LogEntry.user": "who did what does not change",
    "account.EmailAddress.user": "taken away with the address",
    "mfa.Authenticator.user": "the other account has factors of its own",
}


def test_each_thing_that_hangs_on_an_account_goes_over_or_stays_for_a_reason() -> None:
    going = {f"{one.model._meta.label}.{one.field}" for one in movable.movables()}
    found = set()
    for relation in User._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete and not relation.many_to_many:
            field = relation.field  # type: ignore[union-attr]  # a reverse relation
            found.add(f"{field.model._meta.label}.{field.name}")
    assert going <= found
    assert found - going <= set(STAYS)


def test_whoever_knew_a_password_of_an_account_that_waited_does_not_get_in_any_more(
    provider: HostileProvider, visit: Visit
) -> None:
    """A manager saw the one-time link; the account's person came later, and stood apart until this merge."""
    known = User.objects.create_user(EMAIL, "known to another")
    visit.sign_in()
    fresh = User.objects.get(pk=visit.client.session["_auth_user_id"])
    assert fresh != known
    assert command("merge_users", str(fresh.public_id), EMAIL, "--apply").code == 0
    known.refresh_from_db()
    assert known.identities.exists()
    assert not known.has_usable_password()
