"""API tokens in the administration: given by who may, shown once, revoked, never changed or deleted."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.api.tests.callers import Program, code_of, token_for
from accounts.models import ApiToken, AuditEntry, User

pytestmark = pytest.mark.django_db
ADD, LIST = "/admin/accounts/apitoken/add/", "/admin/accounts/apitoken/"


def signed_in(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice@culture.example", first_name="Alice")


@pytest.fixture
def boss() -> Client:
    return signed_in(User.objects.create_superuser("boss@culture.example"))


def clerk(*names: str) -> Client:
    user = User.objects.create_user("clerk@culture.example", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return signed_in(user)


def form(person: User, **fields: Any) -> dict[str, Any]:
    day = timezone.localtime() + timedelta(days=30)
    values = {"name": "Room booking", "owner": person.email.upper(), "scopes": ["rooms:read", "people:read"]}
    return {**values, "expires_at": f"{day:%Y-%m-%dT%H:%M}", "requests_per_minute": 60, **fields}


def shown(page: Any) -> list[str]:
    return re.findall(r"visio_[a-z0-9]{10}_[\w-]{43}", page.content.decode())


def test_a_token_is_shown_once_and_works(boss: Client, alice: User) -> None:
    assert boss.get(ADD).status_code == 200
    page = boss.post(ADD, form(alice), follow=True)
    [secret] = shown(page)
    assert Program(secret).get("people").status_code == 200
    token = ApiToken.objects.get()
    assert (token.owner, token.created_by, token.requests_per_minute) == (
        alice,
        User.objects.get(email="boss@culture.example"),
        60,
    )
    for path in (LIST, f"{LIST}{token.pk}/change/"):
        page = boss.get(path)
        assert page.status_code == 200
        assert token.prefix in page.content.decode()
        assert not shown(page)
    for entry in AuditEntry.objects.all():
        assert secret[-43:] not in f"{entry.before}{entry.after}{entry.object_label}"
    assert AuditEntry.objects.filter(action="api_token_created", object_id=str(token.public_id)).count() == 1


def test_it_is_revoked_in_the_list(boss: Client, alice: User) -> None:
    given = token_for(alice)
    page = boss.post(LIST, {"action": "revoke", "_selected_action": [given.token.pk]}, follow=True)
    assert "1 tokens no longer work." in page.content.decode()
    assert "Revoked" in page.content.decode()
    assert code_of(Program(given.secret).get("token")) == "token_revoked"
    assert AuditEntry.objects.filter(action="api_token_revoked", actor_label="boss").count() == 1


def test_it_is_neither_changed_nor_deleted(boss: Client, alice: User) -> None:
    token = token_for(alice).token
    assert boss.post(f"{LIST}{token.pk}/change/", form(alice, name="Other")).status_code == 403
    assert boss.post(f"{LIST}{token.pk}/delete/", {"post": "yes"}).status_code == 403
    token.refresh_from_db()
    assert token.name == "Room booking"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"scopes": []}, "This field is required"),
        ({"scopes": ["rooms:fly"]}, "rooms:fly is not one of the available choices"),
        ({"expires_at": "2020-01-01T00:00"}, "between now and a year from now"),
        ({"expires_at": "2999-01-01T00:00"}, "between now and a year from now"),
        ({"owner": "nobody@culture.example"}, "Nobody has an account with this address."),
        ({"requests_per_minute": 0}, "greater than or equal to 1"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(boss: Client, alice: User, fields: dict[str, Any], said: str) -> None:
    page = boss.post(ADD, form(alice, **fields))
    assert said in page.content.decode()
    assert not ApiToken.objects.exists()


def test_none_is_given_that_acts_for_who_is_suspended(boss: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert "This account is suspended" in boss.post(ADD, form(alice)).content.decode()
    assert not ApiToken.objects.exists()


def test_a_clerk_gives_none_that_acts_for_staff_and_without_the_right_none_at_all(alice: User) -> None:
    boss = User.objects.create_superuser("boss@culture.example")
    other = User.objects.create_user("other@culture.example", is_staff=True)
    client = clerk("add_apitoken", "view_apitoken", "view_user")
    for owner in (boss, other):
        assert "Only a superuser gives tokens that act for staff." in client.post(ADD, form(owner)).content.decode()
    assert not ApiToken.objects.exists()
    assert shown(client.post(ADD, form(alice), follow=True))
    User.objects.filter(email="clerk@culture.example").update(is_staff=False)
    assert client.get(ADD).status_code == 302


def test_who_may_only_look_neither_gives_nor_revokes(alice: User) -> None:
    token = token_for(alice).token
    client = clerk("view_apitoken")
    assert client.get(LIST).status_code == 200
    assert client.get(ADD).status_code == 403
    client.post(LIST, {"action": "revoke", "_selected_action": [token.pk]})
    token.refresh_from_db()
    assert token.revoked_at is None


def test_its_pages_open_with_a_second_factor_only(boss: Client, alice: User) -> None:
    token = token_for(alice).token
    Authenticator.objects.all().delete()
    for path in (ADD, LIST, f"{LIST}{token.pk}/change/"):
        assert boss.get(path).headers["Location"] == "/accounts/security/"
    assert boss.post(ADD, form(alice)).status_code == 302
    boss.post(LIST, {"action": "revoke", "_selected_action": [token.pk]})
    token.refresh_from_db()
    assert (token.revoked_at, ApiToken.objects.count()) == (None, 1)


def test_suspending_a_person_here_ends_their_tokens(boss: Client, alice: User) -> None:
    given = token_for(alice)
    inlines = {
        f"{name}-{key}": 0
        for name in ("memberships", "employments", "identities", "hr_duties")
        for key in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
    data = {"email": alice.email, "first_name": "Alice", "last_name": "", **inlines}
    answer = boss.post(f"/admin/accounts/user/{alice.pk}/change/", data)
    assert answer.status_code == 302, answer.content.decode()
    given.token.refresh_from_db()
    assert given.token.revoked_at is not None


def test_the_list_costs_the_same_however_long_it_is(
    boss: Client, alice: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(10):
        token_for(alice)
    with django_assert_max_num_queries(8):
        boss.get(LIST)
