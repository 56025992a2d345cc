"""Local sign-in: what is open, what is not, and how often one may try."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.django_db

EMAIL = "alice@culture.example"
PASSWORD = "un bien long secret"


@pytest.fixture
def alice() -> User:
    return User.objects.create_user(EMAIL, PASSWORD, first_name="Alice")


def sign_in(client: Client, password: str = PASSWORD, email: str = EMAIL, path: str = "/accounts/login/") -> int:
    return client.post(path, {"login": email, "password": password}).status_code


def test_signing_in_makes_the_session_anew_and_signing_out_ends_it(client: Client, alice: User) -> None:
    session = client.session
    session["from"] = "before"
    session.save()
    client.cookies["visio_session"] = session.session_key or ""
    assert sign_in(client) == 302
    assert client.cookies["visio_session"].value != session.session_key
    assert client.get("/rooms/").status_code == 200
    assert client.get("/accounts/logout/").status_code == 200  # a link cannot sign anybody out
    assert client.get("/rooms/").status_code == 200
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/rooms/").status_code == 302


def test_signing_in_shows_nobodys_address_on_the_page(client: Client, alice: User) -> None:
    sign_in(client)
    page = client.get("/").content.decode()
    assert "Alice" in page
    assert EMAIL not in page


def test_the_address_may_be_spelt_in_capitals(client: Client, alice: User) -> None:
    assert sign_in(client, email=EMAIL.upper()) == 302


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client: Client, alice: User) -> None:
    wrong = client.post("/accounts/login/", {"login": EMAIL, "password": "wrong"})
    unknown = client.post("/accounts/login/", {"login": "eve@culture.example", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 200
    assert wrong.context["form"].errors == unknown.context["form"].errors


def test_guessing_a_password_ends_soon_even_with_the_right_one(client: Client, alice: User) -> None:
    for _ in range(6):
        sign_in(client, "wrong")
    assert sign_in(Client()) == 200
    assert Client().get("/rooms/").status_code == 302


def test_a_suspended_person_cannot_sign_in(client: Client, alice: User) -> None:
    User.objects.update(is_active=False)
    sign_in(client)
    assert client.get("/rooms/").status_code == 302


def test_a_suspended_person_is_out_at_once(client: Client, alice: User) -> None:
    sign_in(client)
    User.objects.update(is_active=False)
    assert client.get("/rooms/").status_code == 302


@pytest.mark.parametrize(
    "path", ["signup/", "password/reset/", "email/", "confirm-email/", "password/set/", "login/code/"]
)
def test_no_other_door_of_the_library_is_open(path: str, client: Client) -> None:
    assert client.get(f"/accounts/{path}").status_code == 404
    assert client.post(f"/accounts/{path}", {"email": "eve@culture.example"}).status_code == 404
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_sign_in_leads_to_no_other_site(target: str, client: Client, alice: User) -> None:
    answer = client.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD, "next": target})
    assert answer.status_code == 302
    assert answer["Location"] == "/"


def test_sign_in_leads_back_to_the_room(client: Client, alice: User) -> None:
    page = client.get("/accounts/login/?next=/r/abc-defg-hij")
    assert 'name="next" value="/r/abc-defg-hij"' in page.content.decode()
    answer = client.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD, "next": "/r/abc-defg-hij"})
    assert answer["Location"] == "/r/abc-defg-hij"


def test_a_person_changes_their_password_and_stays_in_here_only(client: Client, alice: User) -> None:
    other = Client()
    sign_in(client)
    sign_in(other)
    form = {"oldpassword": PASSWORD, "password1": "another long secret", "password2": "another long secret"}
    assert client.post("/accounts/password/change/", {**form, "oldpassword": "wrong"}).status_code == 200
    assert client.post("/accounts/password/change/", form).status_code == 302
    assert client.get("/rooms/").status_code == 200
    assert other.get("/rooms/").status_code == 302


def test_the_admin_has_no_sign_in_of_its_own(client: Client, alice: User) -> None:
    answer = client.get("/admin/login/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_the_public_id_never_changes_and_is_nobody_elses(alice: User) -> None:
    before = alice.public_id
    alice.email = "alice.new@culture.example"
    alice.save()
    successor = User.objects.create_user(EMAIL, PASSWORD)  # addresses are given to others
    alice.refresh_from_db()
    assert alice.public_id == before != successor.public_id
