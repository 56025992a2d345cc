"""Telephone and recovery codes are lost: how somebody gets in again, and who may help them."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.factors.tests.conftest import EMAIL, add_app, by_password
from accounts.models import AuditEntry, User

pytestmark = pytest.mark.django_db


def forced(person: User) -> Client:
    client = Client()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


def take_away(client: Client, person: User) -> None:
    action = {"action": "reset_second_factor", "_selected_action": [person.pk]}
    assert client.post("/admin/accounts/user/", action).status_code == 302


def test_an_administrator_takes_the_factors_of_a_person_away(boss: User) -> None:
    nina = User.objects.create_user("nina@culture.example", "un bien long secret")
    browser = by_password(email=nina.email)
    add_app(browser)
    take_away(forced(boss), nina)
    assert browser.get("/accounts/profile/").status_code == 302
    assert not Authenticator.objects.filter(user=nina).exists()
    assert by_password(email=nina.email).get("/accounts/profile/").status_code == 200
    entries = AuditEntry.objects.filter(action="factor_removed")
    assert {(entry.actor_label, entry.object_id) for entry in entries} == {(boss.display_name, str(nina.public_id))}


def test_a_clerk_takes_none_of_a_superuser_away(boss: User) -> None:
    add_app(by_password())
    clerk = User.objects.create_user("clerk@culture.example", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    take_away(forced(clerk), boss)
    assert Authenticator.objects.filter(user=boss).count() == 2


def test_the_only_administrator_is_helped_on_the_server(boss: User, capsys: pytest.CaptureFixture[str]) -> None:
    add_app(by_password())
    call_command("reset_second_factor", EMAIL.upper())
    assert capsys.readouterr().out.startswith("2 taken away")
    assert by_password().get("/admin/")["Location"] == "/accounts/security/"
    assert {entry.actor_type for entry in AuditEntry.objects.filter(action="factor_removed")} == {"server"}
    with pytest.raises(CommandError, match="Nobody"):
        call_command("reset_second_factor", "nobody@culture.example")
