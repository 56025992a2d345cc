"""The admin of people: useful to those who may, and no ladder for those who may not."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Invitation, User

pytestmark = pytest.mark.django_db


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss@culture.example", "un bien long secret")


@pytest.fixture
def clerk() -> User:
    clerk = User.objects.create_user("clerk@culture.example", "un bien long secret", is_staff=True)
    names = ("view_user", "add_user", "change_user", "view_invitation", "add_invitation")
    clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
    return clerk


@pytest.mark.parametrize("page", ["user/", "user/add/", "invitation/", "invitation/add/"])
def test_the_pages_open_for_administrators_only(page: str, boss: User) -> None:
    assert client_of(boss).get(f"/admin/accounts/{page}").status_code == 200
    someone = User.objects.create_user("someone@culture.example", "un bien long secret")
    assert client_of(someone).get(f"/admin/accounts/{page}").status_code in (302, 403)


def test_a_new_person_comes_with_a_link_that_is_shown_once(boss: User) -> None:
    client = client_of(boss)
    form = {"email": "New@Culture.example", "first_name": "Nina", "last_name": "Neuve"}
    page = client.post("/admin/accounts/user/add/", form, follow=True).content.decode()
    assert re.search(r"/accounts/invitation/\?token=[\w-]{43}", page)
    person = User.objects.get(email="new@culture.example")
    assert not person.has_usable_password()
    assert "token=" not in client.get("/admin/accounts/invitation/").content.decode()
    assert Invitation.objects.get().created_by == boss


def test_a_link_can_be_given_again_and_taken_back(boss: User) -> None:
    person = User.objects.create_user("nina@culture.example")
    client = client_of(boss)
    action = {"action": "give_link", "_selected_action": [person.pk]}
    assert "token=" in client.post("/admin/accounts/user/", action, follow=True).content.decode()
    assert "token=" in client.post("/admin/accounts/invitation/add/", {"user": person.pk}, follow=True).content.decode()
    assert Invitation.objects.usable().count() == 1
    action = {"action": "revoke", "_selected_action": [Invitation.objects.usable().get().pk]}
    client.post("/admin/accounts/invitation/", action)
    assert Invitation.objects.usable().count() == 0


def test_nobody_chooses_a_password_for_somebody_else(boss: User) -> None:
    person = User.objects.create_user("nina@culture.example")
    answer = client_of(boss).get(f"/admin/accounts/user/{person.pk}/password/", follow=True)
    assert 'type="password"' not in answer.content.decode()


def test_a_clerk_cannot_climb(clerk: User, boss: User) -> None:
    client = client_of(clerk)
    form = {"email": clerk.email, "first_name": "", "last_name": "", "is_active": "on", "is_staff": "on"}
    client.post(f"/admin/accounts/user/{clerk.pk}/change/", {**form, "is_superuser": "on"})
    clerk.refresh_from_db()
    assert not clerk.is_superuser

    answer = client.post(f"/admin/accounts/user/{boss.pk}/change/", {**form, "email": "mine@culture.example"})
    boss.refresh_from_db()
    assert (answer.status_code, boss.email) == (403, "boss@culture.example")

    for path, data in (
        ("/admin/accounts/user/", {"action": "give_link", "_selected_action": [boss.pk]}),
        ("/admin/accounts/invitation/add/", {"user": boss.pk}),
    ):
        assert "token=" not in client.post(path, data, follow=True).content.decode()
    assert not Invitation.objects.filter(user=boss).exists()


def test_people_are_suspended_and_never_deleted(boss: User) -> None:
    person = User.objects.create_user("nina@culture.example")
    assert client_of(boss).post(f"/admin/accounts/user/{person.pk}/delete/", {"post": "yes"}).status_code == 403
