"""No page of the administration without a second factor, and no administrator before a wall."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from accounts.assurance import acr_of
from accounts.factors.tests.codes import code_of
from accounts.factors.tests.conftest import EMAIL, PASSWORD, add_app, by_password
from accounts.models import AuditEntry, User
from accounts.services.invitations import create_invitation, ensure_admin
from jobs.worker import Worker

pytestmark = pytest.mark.django_db

SETUP = "/accounts/security/"


def admin_paths() -> list[str]:
    """One of each address in the URL table, whoever put it there."""
    admin = next(
        one for one in get_resolver().url_patterns if isinstance(one, URLResolver) and one.namespace == "admin"
    )
    return sorted({f"/admin/{path}" for path in _paths(admin.url_patterns, "")} - {"/admin/login/", "/admin/logout/"})


def _paths(patterns: list[URLPattern | URLResolver], before: str) -> list[str]:
    found = []
    for pattern in patterns:
        route = before + str(pattern.pattern).replace("<path:object_id>", "1")
        found += _paths(pattern.url_patterns, route) if isinstance(pattern, URLResolver) else [route]
    return [path if path.isprintable() and "(?P" not in path else "r/1/1/" for path in found]


def test_each_address_of_the_administration_asks_for_a_second_factor(boss: User) -> None:
    client = by_password()
    paths = admin_paths()
    assert len(paths) > 40
    for path in paths:
        for answer in (client.get(path), client.post(path, {"action": "give_link"})):
            assert (answer.status_code, answer.headers.get("Location")) == (302, SETUP), path
    assert User.objects.count() == 1


def test_who_has_a_factor_but_did_not_show_it_here_is_asked_and_led_back(boss: User) -> None:
    old = by_password()  # a session of before
    secret = add_app(by_password())
    answer = old.get("/admin/accounts/user/?q=a")
    assert answer["Location"] == "/accounts/security/confirm/code/?next=%2Fadmin%2Faccounts%2Fuser%2F%3Fq%3Da"
    assert old.get(answer["Location"]).status_code == 200
    shown = old.post(answer["Location"], {"code": code_of(secret)})
    assert shown["Location"] == "/admin/accounts/user/?q=a"
    assert old.get(shown["Location"]).status_code == 200


def test_the_first_administrator_is_led_from_the_link_into_the_administration(client: Client) -> None:
    link = ensure_admin()
    assert link is not None
    page = client.get("/accounts/invitation/?" + link.partition("?")[2], follow=True)
    assert page.status_code == 200
    fields = {"first_name": "A", "last_name": "B", "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert client.post("/accounts/invitation/", fields)["Location"] == SETUP
    assert "/accounts/security/app/add/" in client.get(SETUP).content.decode()
    add_app(client)  # the password of a moment ago is not asked for again
    page = client.get("/accounts/security/recovery-codes/")
    assert 'href="/admin/"' in page.content.decode()
    assert client.get("/admin/").status_code == 200


def test_who_is_no_administrator_is_led_nowhere_and_needs_none(client: Client) -> None:
    link = create_invitation("alice@culture.example")
    client.get("/accounts/invitation/?" + link.partition("?")[2])
    fields = {"first_name": "A", "last_name": "B", "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert client.post("/accounts/invitation/", fields)["Location"] == "/"


def test_with_the_last_factor_the_administration_closes_in_every_session(boss: User) -> None:
    here = by_password()
    secret = add_app(here)
    elsewhere = by_password()
    elsewhere.post("/accounts/security/code/", {"code": code_of(secret)})
    assert elsewhere.get("/admin/").status_code == 200
    here.post("/accounts/security/app/remove/")
    assert here.get("/admin/")["Location"] == SETUP
    assert elsewhere.get("/admin/")["Location"] == SETUP


def test_a_factor_that_was_taken_away_counts_no_more_when_another_one_is_set_up(boss: User) -> None:
    here = by_password()
    secret = add_app(here)
    thief = by_password()
    thief.post("/accounts/security/code/", {"code": code_of(secret)})
    assert thief.get("/admin/").status_code == 200
    here.post("/accounts/security/app/remove/")
    add_app(here)
    assert here.get("/admin/").status_code == 200
    assert thief.get("/admin/").status_code == 302
    assert acr_of(thief.session) == ""


@pytest.mark.parametrize(("acr", "status"), [("eidas1", 302), ("", 302), ("eidas1-mfa", 200), ("eidas2", 200)])
def test_whom_the_sign_in_service_asked_for_two_factors_is_not_asked_again(acr: str, status: int, boss: User) -> None:
    client = by_password()
    session = Session.objects.get(session_key=client.cookies["visio_session"].value)
    store = client.session
    store["oidc"] = {"acr": acr, "amr": ["pwd"]}
    store.save()
    assert store.session_key == session.session_key
    assert client.get("/admin/").status_code == status


def test_signing_out_needs_no_factor_and_a_refusal_is_in_the_audit_log(boss: User) -> None:
    client = by_password()
    client.get("/admin/")
    refusal = AuditEntry.objects.get(action="sign_in_refused")
    assert (refusal.values_after, refusal.object_label) == ({"reason": "no_second_factor"}, boss.display_name)
    assert client.post("/admin/logout/").status_code in (200, 302)
    assert client.get("/accounts/profile/").status_code == 302


def test_changing_factors_asks_who_sits_there_and_then_by_the_factor(boss: User) -> None:
    client = by_password()
    secret = add_app(client)
    _grow_old(client)
    for path in ("app/remove/", "passkeys/add/", "recovery-codes/", "recovery-codes/new/", "recovery-codes/download/"):
        answer = client.get(f"/accounts/security/{path}")
        assert answer["Location"].startswith("/accounts/security/confirm/code/?next="), path
    # The password is no way round it.
    assert client.get("/accounts/security/confirm/")["Location"].startswith("/accounts/security/confirm/code/")
    client.post("/accounts/security/confirm/", {"password": PASSWORD})
    removal = client.post("/accounts/security/app/remove/")
    assert removal["Location"].startswith("/accounts/security/confirm/code/")
    assert Authenticator.objects.filter(type="totp").exists()
    client.post("/accounts/security/confirm/code/?next=/accounts/security/", {"code": code_of(secret)})
    assert client.get("/accounts/security/app/remove/").status_code == 200


def test_who_has_none_yet_confirms_by_the_password(boss: User) -> None:
    client = by_password()
    _grow_old(client)
    answer = client.get("/accounts/security/app/add/")
    assert answer["Location"] == "/accounts/security/confirm/?next=%2Faccounts%2Fsecurity%2Fapp%2Fadd%2F"
    assert client.post(answer["Location"], {"password": "wrong"}).status_code == 200
    assert client.post(answer["Location"], {"password": PASSWORD})["Location"] == "/accounts/security/app/add/"
    add_app(client)


def test_the_person_is_told_by_mail_which_no_mail_server_can_hold_up(
    boss: User, mailoutbox: list[EmailMessage], settings: Settings
) -> None:
    settings.MAIL_DELIVERY_BACKEND, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "jobs.mail.QueuedBackend"
    client = by_password()
    add_app(client)
    client.post("/accounts/security/recovery-codes/new/")
    client.post("/accounts/security/app/remove/")
    assert mailoutbox == []
    while Worker().work_once():
        pass
    # (Those of setting up come after the commit, which a test's transaction has none of.)
    assert [mail.to for mail in mailoutbox] == [[EMAIL]]
    assert "testserver" in mailoutbox[0].body


def _grow_old(client: Client) -> None:
    session = client.session
    session["account_authentication_methods"] = [
        {**one, "at": one["at"] - 3600} for one in session["account_authentication_methods"]
    ]
    session.save()
