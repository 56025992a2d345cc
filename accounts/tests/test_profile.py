"""The profile: the own name, and an end to sessions elsewhere."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.views import PROOFS_PER_MINUTE

pytestmark = pytest.mark.django_db

EMAIL = "alice@culture.example"
PASSWORD = "un bien long secret"


@pytest.fixture
def alice() -> User:
    return User.objects.create_user(EMAIL, PASSWORD, first_name="Alice", last_name="Martin")


def signed_in() -> Client:
    client = Client()
    assert client.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD}).status_code == 302
    return client


def test_a_person_changes_the_name_that_others_read(alice: User) -> None:
    client = signed_in()
    answer = client.post("/accounts/profile/", {"first_name": " Alíce\u202e ", "last_name": "Petit", "email": "x@y.z"})
    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.display_name, alice.email) == ("Alíce Petit", EMAIL)
    assert "Alíce Petit" in client.get("/").content.decode()


@pytest.mark.parametrize("name", ["", "\u200b\u200b", "x" * 101])
def test_a_name_that_nobody_can_read_is_refused_and_the_old_one_stays(name: str, alice: User) -> None:
    answer = signed_in().post("/accounts/profile/", {"first_name": name, "last_name": "Petit"})
    assert answer.status_code == 200
    assert "Alice Martin" in answer.content.decode()  # in the page's head
    alice.refresh_from_db()
    assert alice.display_name == "Alice Martin"


def test_signing_out_elsewhere_ends_all_sessions_but_this_one(alice: User) -> None:
    here, elsewhere = signed_in(), signed_in()
    assert here.post("/accounts/profile/sign-out-elsewhere/", {"password": PASSWORD}).status_code == 302
    assert here.get("/accounts/profile/").status_code == 200
    assert elsewhere.get("/accounts/profile/").status_code == 302
    assert signed_in().get("/accounts/profile/").status_code == 200  # the password is the same


def test_a_wrong_password_ends_no_session_and_cannot_be_guessed(alice: User) -> None:
    here, elsewhere = signed_in(), signed_in()
    path = "/accounts/profile/sign-out-elsewhere/"
    refused = here.post(path, {"password": "wrong"})
    assert refused.status_code == 400
    assert "id_password-desc-error" in refused.content.decode()
    tries = [here.post(path, {"password": "wrong"}).status_code for _ in range(PROOFS_PER_MINUTE)]
    assert tries[-1] == 429
    assert here.post(path, {"password": PASSWORD}).status_code == 429
    assert elsewhere.get("/accounts/profile/").status_code == 200


def test_the_profile_is_for_signed_in_people_only(client: Client) -> None:
    for path in ("/accounts/profile/", "/accounts/profile/sign-out-elsewhere/"):
        assert client.post(path)["Location"].startswith("/accounts/login/")


def test_a_changed_password_leads_back_to_the_profile(alice: User) -> None:
    new = "un autre bien long secret"
    fields = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert signed_in().post("/accounts/password/change/", fields)["Location"] == "/accounts/profile/"


def test_who_has_no_password_is_told_so_and_gets_none() -> None:
    person = User.objects.create_user("nina@culture.example")
    client = Client(headers={"accept-language": "en"})
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    for answer in (client.get("/accounts/password/change/"), client.post("/accounts/password/change/", {})):
        assert (answer.status_code, answer["Location"]) == (302, "/accounts/profile/")
    assert "there is none to change here" in client.get("/accounts/profile/").content.decode()
    person.refresh_from_db()
    assert not person.has_usable_password()
