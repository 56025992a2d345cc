"""Which account a sign-in leads to: never one of somebody else, however alike the two look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import (
    AuditEntry,
    BrowserSession,
    Employment,
    Membership,
    MergeProposal,
    Organisation,
    Policy,
    SignInIdentity,
    User,
)
from accounts.models.employment import EmploymentStatus
from accounts.models.identity import MergeReason, MergeState
from accounts.models.policy import SignInLevel
from accounts.models.user import is_placeholder
from accounts.proconnect.tests.hostile_provider import MARIE, HostileProvider, Visit
from accounts.services.invitations import InvitationInvalid, create_invitation, find_invitation

pytestmark = pytest.mark.django_db

EMAIL, SIRET = str(MARIE["email"]), str(MARIE["siret"])
OTHER_SIRET = "11000201100044"


def account(*, siret: str = SIRET, email: str = EMAIL, **fields: Any) -> User:
    """One that an import made: it waits for its person's first sign-in."""
    organisation = Organisation.objects.create(name="Culture", siret=siret)
    user = User.objects.create_user(email, first_name="Marie", **fields)
    Membership.objects.create(user=user, organisation=organisation)
    return user


def signed_in_as(visit: Visit) -> User:
    return User.objects.get(pk=visit.client.session["_auth_user_id"])


def test_half_a_sign_in_of_another_counts_for_nothing_and_the_browser_is_listed(visit: Visit) -> None:
    session = visit.client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "at": 0, "id": 1, "type": "totp"}]
    session.save()
    visit.client.cookies["visio_session"] = str(session.session_key)
    visit.sign_in()
    assert AUTHENTICATION_METHODS_SESSION_KEY not in visit.client.session
    assert BrowserSession.objects.get().user == signed_in_as(visit)
    assert "visio_browser" in visit.client.cookies


@pytest.mark.parametrize(("acr", "status"), [("eidas1", 302), ("eidas2", 200)])
def test_two_factors_at_the_service_open_the_administration_and_one_does_not(
    acr: str, status: int, provider: HostileProvider, visit: Visit
) -> None:
    visit.sign_in()
    User.objects.update(is_staff=True, is_superuser=True)
    provider.acr = acr
    again = Visit(provider)
    again.sign_in()
    assert again.client.get("/admin/").status_code == status


def test_a_first_sign_in_makes_an_account_and_the_next_one_finds_it(provider: HostileProvider, visit: Visit) -> None:
    assert visit.sign_in("?next=/rooms/")["Location"] == "/rooms/"
    first = signed_in_as(visit)
    assert (first.email, first.first_name, first.last_name) == (EMAIL, "Marie", "Durand")
    assert not first.has_usable_password()
    provider.person["organization_label"] = "Culture et communication"
    provider.acr = "eidas2"
    again = Visit(provider)
    again.sign_in()
    assert signed_in_as(again) == first
    identity = SignInIdentity.objects.get()
    assert (identity.issuer, identity.sub, identity.user) == (provider.issuer, "marie", first)
    assert (identity.idp_id, identity.uid, identity.siret, identity.acr) == ("idp-culture", "u-1", SIRET, "eidas2")
    assert identity.organisation == "Culture et communication"


def test_the_session_is_made_anew_and_keeps_what_the_browser_did_before(
    provider: HostileProvider, visit: Visit
) -> None:
    visit.client.get("/")
    session = visit.client.session
    session["visitor_secret"] = "the same browser"
    session.save()
    visit.client.cookies["visio_session"] = session.session_key or ""
    visit.sign_in()
    assert visit.client.cookies["visio_session"].value != session.session_key
    assert visit.client.session["visitor_secret"] == "the same browser"


def test_another_person_takes_nothing_over_from_the_session_before(provider: HostileProvider, visit: Visit) -> None:
    visit.sign_in()
    session = visit.client.session
    session["of_marie"] = "hers"
    session.save()
    provider.person |= {"sub": "paul", "email": "paul@culture.example"}
    visit.sign_in()
    assert signed_in_as(visit).email == "paul@culture.example"
    assert "of_marie" not in visit.client.session


def test_a_first_sign_in_takes_over_the_account_that_waits_for_it(visit: Visit) -> None:
    waiting = account()
    visit.sign_in()
    assert signed_in_as(visit) == waiting
    assert SignInIdentity.objects.get().user == waiting
    assert AuditEntry.objects.filter(action="account_attached").count() == 1


def test_whoever_knew_a_password_of_it_before_does_not_get_in_any_more(visit: Visit) -> None:
    """A manager sees the one-time link that they make: nothing set up by it may outlive the person's own sign-in."""
    waiting = account(password="set by another")
    Authenticator.objects.create(user=waiting, type="totp", data={"secret": "x"})
    other = Client()
    other.force_login(waiting, "django.contrib.auth.backends.ModelBackend")
    assert other.get("/accounts/profile/").status_code == 200
    link = create_invitation(waiting.email)
    visit.sign_in()
    assert signed_in_as(visit) == waiting
    assert not User.objects.get(pk=waiting.pk).has_usable_password()
    assert not Authenticator.objects.exists()
    assert other.get("/accounts/profile/").status_code == 302
    with pytest.raises(InvitationInvalid):
        find_invitation(link.partition("token=")[2])
    assert visit.client.get("/accounts/profile/").status_code == 200


def test_the_siret_may_be_that_of_what_the_office_is_a_part_of(visit: Visit) -> None:
    ministry = Organisation.objects.create(name="Ministry", siret=SIRET)
    office = Organisation.objects.create(name="Office 1", parent=ministry)
    waiting = User.objects.create_user(EMAIL)
    Employment.objects.create(user=waiting, source="hr", hr_id="1", organisation=office)
    visit.sign_in()
    assert signed_in_as(visit) == waiting


def stands_apart(visit: Visit, known: User, *, proposed: bool) -> None:
    """A fresh account without anything of the known one, and the person is told so in a sentence."""
    fresh = signed_in_as(visit)
    assert fresh != known
    assert is_placeholder(fresh.email)
    assert not fresh.memberships.exists()
    assert not fresh.is_staff
    assert not fresh.is_superuser
    page = visit.client.get("/rooms/").content.decode()
    assert "appartient déjà à un autre compte" in page
    assert ("Un administrateur" in page) is proposed
    assert MergeProposal.objects.filter(fresh=fresh, known=known).exists() is proposed
    assert not is_placeholder(known.email)


def test_another_siret_takes_nothing_over_and_nothing_is_proposed(visit: Visit) -> None:
    """The address was given to somebody else, elsewhere."""
    known = account(siret=OTHER_SIRET)
    visit.sign_in()
    stands_apart(visit, known, proposed=False)


def test_a_reused_address_never_inherits(provider: HostileProvider, visit: Visit) -> None:
    known = account()
    Visit(provider).sign_in()
    assert SignInIdentity.objects.get().user == known
    provider.person |= {"sub": "another marie", "siret": OTHER_SIRET}
    visit.sign_in()
    stands_apart(visit, known, proposed=False)


def test_a_new_key_of_the_same_person_is_proposed_to_an_administrator(provider: HostileProvider, visit: Visit) -> None:
    known = account()
    Visit(provider).sign_in()
    provider.person |= {"sub": "marie at the new provider", "idp_id": "idp-new"}
    visit.sign_in()
    stands_apart(visit, known, proposed=True)
    assert MergeProposal.objects.get().reason == MergeReason.NEW_SUB
    again = Visit(provider)
    again.sign_in()
    assert signed_in_as(again) == signed_in_as(visit)
    assert MergeProposal.objects.count() == 1


def test_an_account_without_a_siret_is_proposed_and_not_taken_over(visit: Visit) -> None:
    known = User.objects.create_user(EMAIL, "a password of its own")
    visit.sign_in()
    stands_apart(visit, known, proposed=True)
    assert MergeProposal.objects.get().reason == MergeReason.NOT_ATTACHED


@pytest.mark.parametrize("right", ["is_staff", "is_superuser"])
def test_an_administrators_account_is_taken_over_by_nobody(right: str, visit: Visit) -> None:
    known = account()
    setattr(known, right, True)
    known.save()
    visit.sign_in()
    stands_apart(visit, known, proposed=True)


def test_an_address_that_nobody_verified_takes_nothing_over(
    provider: HostileProvider, visit: Visit, settings: Settings
) -> None:
    settings.OIDC_VERIFIED_EMAILS = False
    known = account()
    visit.sign_in()
    stands_apart(visit, known, proposed=False)
    provider.person |= {"sub": "verified", "email": "v@culture.example", "email_verified": True}
    waiting = User.objects.create_user("v@culture.example")
    Membership.objects.create(user=waiting, organisation=Organisation.objects.get())
    verified = Visit(provider)
    verified.sign_in()
    assert signed_in_as(verified) == waiting


def test_a_membership_or_employment_that_is_over_takes_nothing_over(visit: Visit) -> None:
    known = account()
    today = timezone.localdate()
    known.memberships.update(from_on=today - timedelta(days=9), until_on=today - timedelta(days=1))
    organisation = Organisation.objects.get()
    Employment.objects.create(
        user=known, source="hr", hr_id="1", organisation=organisation, status=EmploymentStatus.LEFT
    )
    visit.sign_in()
    assert signed_in_as(visit) != known


# --- who may not


def refused(answer: Any, code: str) -> None:
    assert answer.status_code == 403
    assert f"<code>{code}</code>" in answer.content.decode()


def test_a_suspended_account_signs_in_by_no_key(provider: HostileProvider, visit: Visit) -> None:
    known = account()
    Visit(provider).sign_in()
    known.is_active = False
    known.save()
    refused(visit.sign_in(), "suspended")
    provider.person["sub"] = "a new key"
    refused(visit.sign_in(), "suspended")
    assert not visit.is_signed_in
    assert User.objects.count() == 1
    assert AuditEntry.objects.filter(action="sign_in_refused", object_id=str(known.public_id)).count() == 2


def test_who_is_suspended_is_out_at_the_next_click(visit: Visit) -> None:
    visit.sign_in()
    assert visit.client.get("/rooms/").status_code == 200
    User.objects.update(is_active=False)
    assert visit.client.get("/rooms/").status_code == 302


def test_taking_the_provider_away_ends_its_sessions(visit: Visit, settings: Settings) -> None:
    visit.sign_in()
    settings.OIDC_ISSUER = ""
    assert visit.client.get("/rooms/").status_code == 302
    assert visit.client.get("/accounts/proconnect/").status_code == 404


RULES: list[tuple[str, list[str], bool]] = [
    ("OIDC_ALLOWED_EMAIL_DOMAINS", ["culture.example"], True),
    ("OIDC_ALLOWED_EMAIL_DOMAINS", ["@Culture.example"], True),
    ("OIDC_ALLOWED_EMAIL_DOMAINS", ["example"], False),
    ("OIDC_ALLOWED_EMAIL_DOMAINS", ["finances.example"], False),
    ("OIDC_ALLOWED_IDENTITY_PROVIDERS", ["idp-culture"], True),
    ("OIDC_ALLOWED_IDENTITY_PROVIDERS", ["another"], False),
    ("OIDC_ALLOWED_SIRETS", [SIRET], True),
    ("OIDC_ALLOWED_SIRETS", [OTHER_SIRET], False),
    ("OIDC_ALLOWED_ROLES", ["agent_public", "dirigeant"], True),
    ("OIDC_ALLOWED_ROLES", ["dirigeant"], False),
]


@pytest.mark.parametrize(("name", "values", "is_let_in"), RULES)
def test_the_portals_own_rules_hold_for_what_the_provider_verified(
    name: str, values: list[str], is_let_in: bool, visit: Visit, settings: Settings
) -> None:
    setattr(settings, name, values)
    answer = visit.sign_in()
    assert visit.is_signed_in is is_let_in
    assert User.objects.exists() is is_let_in
    if not is_let_in:
        refused(answer, "not_allowed")


def test_where_accounts_are_not_made_only_those_that_wait_are_signed_in(
    provider: HostileProvider, visit: Visit, settings: Settings
) -> None:
    settings.OIDC_CREATES_ACCOUNTS = False
    refused(visit.sign_in(), "no_account")
    waiting = account()
    visit.sign_in()
    assert signed_in_as(visit) == waiting


def test_a_policy_asks_for_a_stronger_sign_in(provider: HostileProvider, visit: Visit) -> None:
    waiting = account()
    Policy.objects.create(organisation=Organisation.objects.get(), required_acr=SignInLevel.EIDAS2)
    answer = visit.sign_in("?next=/rooms/")
    refused(answer, "required_acr")
    page = answer.content.decode()
    assert "Culture" in page  # who laid it down
    assert "/accounts/proconnect/?next=%2Frooms%2F&amp;level=eidas2" in page
    assert not visit.is_signed_in
    provider.acr = "eidas2"
    assert visit.sign_in("?next=/rooms/&level=eidas2")["Location"] == "/rooms/"
    assert signed_in_as(visit) == waiting


def test_another_providers_claims_are_read_by_their_names(
    provider: HostileProvider, visit: Visit, settings: Settings
) -> None:
    settings.OIDC_PROVIDER_NAME = "Keycloak"
    settings.OIDC_ACR_VALUES = []
    settings.OIDC_SCOPES = "openid profile email"
    settings.OIDC_CLAIMS = ["email=mail", "organisation=company"]
    provider.acr = None
    provider.person = {"sub": "k-1", "mail": "K@Culture.example", "family_name": "Petit", "given_name": "Karim"}
    sent = visit.start()
    assert "claims" not in sent
    assert sent["scope"] == "openid profile email"
    assert visit.back(code=provider.code_for(sent), state=visit.state).status_code == 302
    user = signed_in_as(visit)
    assert (user.email, user.get_full_name()) == ("k@culture.example", "Karim Petit")


def test_an_address_that_changed_is_followed_where_nothing_hangs_on_the_old_one(
    provider: HostileProvider, visit: Visit
) -> None:
    visit.sign_in()
    provider.person["email"] = "marie.petit@culture.example"
    visit.sign_in()
    assert signed_in_as(visit).email == "marie.petit@culture.example"
    account(email="taken@culture.example")
    provider.person["email"] = "taken@culture.example"
    visit.sign_in()
    assert signed_in_as(visit).email == "marie.petit@culture.example"


def test_the_sign_in_is_in_the_audit_log_with_its_way(visit: Visit) -> None:
    visit.sign_in()
    entry = AuditEntry.objects.get(action="signed_in")
    assert "ProConnectBackend" in entry.after


# --- what administrators see


def test_administrators_see_keys_and_proposals_and_decline_those_of_two_people(
    provider: HostileProvider, visit: Visit
) -> None:
    known = account()
    Visit(provider).sign_in()
    provider.person["sub"] = "a new key"
    visit.sign_in()
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss@culture.example"))
    assert "marie" in boss.get(f"/admin/accounts/user/{known.pk}/change/").content.decode()
    listed = "/admin/accounts/mergeproposal/"
    assert EMAIL in boss.get(listed).content.decode()
    proposal = MergeProposal.objects.get()
    for _ in range(2):  # the second time it is decided already
        boss.post(listed, {"action": "decline", "_selected_action": [proposal.pk]})
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decided_at is not None) == (MergeState.DECLINED, True)
    assert AuditEntry.objects.filter(action="merge_declined").count() == 1
    assert boss.get(f"{listed}add/").status_code == 403


def test_a_suspended_account_without_an_office_is_not_come_round_by_a_new_key(
    provider: HostileProvider, visit: Visit
) -> None:
    visit.sign_in()
    User.objects.filter(pk=signed_in_as(visit).pk).update(is_active=False)
    provider.person["sub"] = "new key"
    again = Visit(provider)
    assert again.sign_in().status_code == 403
    assert not again.is_signed_in
    assert SignInIdentity.objects.count() == 1


def test_the_next_holder_of_a_leavers_address_comes_in_apart(visit: Visit) -> None:
    known = account(siret=OTHER_SIRET)
    User.objects.filter(pk=known.pk).update(is_active=False)
    visit.sign_in()
    stands_apart(visit, known, proposed=False)


def test_a_new_key_is_proposed_by_the_siret_of_the_former_sign_ins(provider: HostileProvider, visit: Visit) -> None:
    visit.sign_in()
    known = signed_in_as(visit)
    provider.person["sub"] = "new key"
    again = Visit(provider)
    again.sign_in()
    stands_apart(again, known, proposed=True)


def test_whom_the_portal_knows_comes_in_with_a_new_key_also_where_no_accounts_are_made(
    provider: HostileProvider, visit: Visit, settings: Settings
) -> None:
    settings.OIDC_CREATES_ACCOUNTS = False
    known = account()
    visit.sign_in()
    provider.person["sub"] = "new key"
    again = Visit(provider)
    again.sign_in()
    stands_apart(again, known, proposed=True)


def test_an_address_that_nobody_verified_is_nobodys(
    provider: HostileProvider, visit: Visit, settings: Settings
) -> None:
    settings.OIDC_VERIFIED_EMAILS = False
    provider.person |= {"email": "minister@interieur.example", "email_verified": False}
    visit.sign_in()
    assert is_placeholder(signed_in_as(visit).email)
    visit.sign_in()
    assert is_placeholder(signed_in_as(visit).email)
    provider.person["email_verified"] = True
    visit.sign_in()
    assert signed_in_as(visit).email == "minister@interieur.example"


def test_invented_errors_do_not_fill_the_audit_log(visit: Visit) -> None:
    for number in range(12):
        visit.start()
        visit.back(state=visit.state, error=f"e{number}")
    assert AuditEntry.objects.filter(action="sign_in_refused").count() == 3


def test_who_may_only_look_decides_on_no_proposal(provider: HostileProvider, visit: Visit, client: Client) -> None:
    account()
    visit.sign_in()
    provider.person["sub"] = "new key"
    Visit(provider).sign_in()
    viewer = User.objects.create_user("viewer@m.example", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_mergeproposal"))
    proposal = MergeProposal.objects.get()
    chosen = {"action": "decline", "_selected_action": [proposal.pk]}
    client.force_login(viewer)
    client.post("/admin/accounts/mergeproposal/", chosen)
    assert MergeProposal.objects.get().state == MergeState.OPEN
    viewer.user_permissions.add(Permission.objects.get(codename="change_mergeproposal"))
    client.post("/admin/accounts/mergeproposal/", chosen)
    assert MergeProposal.objects.get().state == MergeState.DECLINED


@pytest.mark.parametrize("address", ["http://testserver:80", "http://TestServer"])
def test_an_address_of_the_portal_in_other_letters_is_the_same(
    provider: HostileProvider, client: Client, settings: Settings, address: str
) -> None:
    settings.PORTAL_URL = address
    answer = client.get("/accounts/proconnect/?next=/rooms/", headers={"host": "testserver"})
    assert answer["Location"].startswith(provider.issuer)
