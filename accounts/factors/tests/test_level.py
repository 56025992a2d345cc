"""A policy that asks for a level is kept where one signs in at the portal itself, too."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.factors.tests.codes import code_of
from accounts.factors.tests.conftest import PASSWORD, add_app, by_password
from accounts.models import AuditEntry, Membership, Organisation, Policy, User
from accounts.models.policy import SignInLevel

pytestmark = pytest.mark.django_db
EMAIL = "alice@culture.example"
PROFILE, SETUP, CODE = "/accounts/profile/", "/accounts/security/", "/accounts/security/code/"


@pytest.fixture
def ministry() -> Organisation:
    ministry = Organisation.objects.create(name="Culture")
    alice = User.objects.create_user(EMAIL, PASSWORD, first_name="Alice", last_name="Martin")
    Membership.objects.create(user=alice, organisation=ministry)
    return ministry


def lay_down(level: SignInLevel, organisation: Organisation | None) -> None:
    Policy.objects.create(organisation=organisation, required_acr=level)


def test_who_has_no_factor_gets_no_page_but_that_where_one_is_set_up(ministry: Organisation) -> None:
    lay_down(SignInLevel.TWO_FACTORS, ministry)
    client = by_password(email=EMAIL)
    for page in ("/", PROFILE, "/rooms/"):
        assert client.get(page)["Location"] == SETUP
    assert client.get("/rooms/", headers={"Sec-Fetch-Mode": "cors"}).status_code == 403
    assert "organisation demande un second facteur" in client.get(SETUP).content.decode()
    add_app(client)
    assert client.get(PROFILE).status_code == 200


def test_who_has_one_shows_it_and_is_in(ministry: Organisation) -> None:
    secret = add_app(by_password(email=EMAIL))
    lay_down(SignInLevel.TWO_FACTORS, ministry)
    client = by_password(email=EMAIL)
    assert client.post(CODE, {"code": code_of(secret, steps=1)}).status_code == 302
    assert client.get(PROFILE).status_code == 200


def test_one_may_sign_out_instead(ministry: Organisation) -> None:
    lay_down(SignInLevel.TWO_FACTORS, ministry)
    client = by_password(email=EMAIL)
    assert client.post("/accounts/logout/").status_code in (200, 302)
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("level", [SignInLevel.EIDAS2, SignInLevel.EIDAS3])
def test_what_no_factor_here_reaches_is_refused_with_who_laid_it_down(
    level: SignInLevel, ministry: Organisation
) -> None:
    lay_down(level, ministry)
    client = Client()
    answer = client.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "Culture" in page
    assert "_auth_user_id" not in client.session
    assert client.get(PROFILE).status_code == 302
    assert AuditEntry.objects.get(action="sign_in_refused").values_after == {"reason": "required_acr"}


def test_a_superuser_is_asked_for_two_factors_and_never_for_more(boss: User) -> None:
    lay_down(SignInLevel.EIDAS3, None)
    client = by_password()
    assert client.get(PROFILE)["Location"] == SETUP
    add_app(client)
    assert client.get("/admin/").status_code == 200


def test_without_such_a_policy_all_is_as_it_was(ministry: Organisation) -> None:
    lay_down(SignInLevel.TWO_FACTORS, Organisation.objects.create(name="Elsewhere"))
    assert by_password(email=EMAIL).get(PROFILE).status_code == 200
