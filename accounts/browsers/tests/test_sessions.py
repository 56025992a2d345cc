"""Where one is signed in: seen on the profile, ended one by one, forgotten when it is over."""

from __future__ import annotations

import json
import re
from importlib import import_module
from io import StringIO
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from pytest_django import Settings

from accounts.browsers.names import browser_name
from accounts.browsers.sessions import end_sessions, sessions_of
from accounts.models import AuditEntry, BrowserSession, User
from jobs.queue import enqueue
from jobs.worker import Worker

pytestmark = pytest.mark.django_db

EMAIL = "alice@culture.example"
PASSWORD = "un bien long secret"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36 Edg/141.0"


@pytest.fixture(autouse=True)
def alice() -> User:
    cache.clear()
    return User.objects.create_user(EMAIL, PASSWORD, first_name="Alice", last_name="Martin")


def signed_in(agent: str = FIREFOX, address: str = "192.0.2.1") -> Client:
    client = Client(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
    assert client.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD}).status_code == 302
    return client


def acts(client: Client) -> list[str]:
    return re.findall(
        r'action="(/accounts/profile/browsers/[\w-]+/end/)"', client.get("/accounts/profile/").content.decode()
    )


def test_who_was_signed_in_before_there_was_a_list_is_in_it_and_signed_out_by_it(alice: User) -> None:
    before = signed_in()
    Client().get("/accounts/login/")
    BrowserSession.objects.all().delete()
    note = import_module("accounts.migrations.0009_browser_sessions").note_open_sessions
    note(apps, None)
    note(apps, None)
    assert BrowserSession.objects.get().user == alice
    end_sessions(alice, acting_user=None)
    assert before.get("/accounts/profile/").status_code == 302


def test_a_session_under_a_former_key_is_listed_as_long_as_it_opens(alice: User, settings: Settings) -> None:
    here = signed_in()
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another-key-" + "2" * 40
    assert sessions_of(alice) == []
    settings.SECRET_KEY_FALLBACKS = [former]
    assert [one.browser for one in sessions_of(alice)] == ["Firefox · Windows"]
    assert here.get("/accounts/profile/").status_code == 200


def test_each_browser_is_listed_and_signed_out_alone(alice: User) -> None:
    here, there, third = signed_in(), signed_in(EDGE, "192.0.2.2"), signed_in(EDGE, "192.0.2.3")
    page = here.get("/accounts/profile/").content.decode()
    assert "Firefox · Windows" in page
    assert "Edge · Windows" in page
    assert "192.0.2.2" in page
    assert len(acts(here)) == 2
    target = BrowserSession.objects.get(address="192.0.2.2")
    assert here.post(f"/accounts/profile/browsers/{target.public_id}/end/").status_code == 302
    assert there.get("/accounts/profile/").status_code == 302
    assert third.get("/accounts/profile/").status_code == here.get("/accounts/profile/").status_code == 200
    assert len(acts(here)) == 1
    entry = AuditEntry.objects.get(action="session_ended")
    assert entry.values_after == {"browser": "Edge · Windows", "address": "192.0.2.2"}


def test_nobody_ends_a_session_of_somebody_else(alice: User) -> None:
    here = signed_in()
    eve = User.objects.create_user("eve@culture.example", PASSWORD)
    other = Client()
    other.post("/accounts/login/", {"login": eve.email, "password": PASSWORD})
    mine = BrowserSession.objects.get(user=alice)
    assert mine.session_key not in here.get("/accounts/profile/").content.decode()
    for public_id in (mine.public_id, uuid4()):
        assert other.post(f"/accounts/profile/browsers/{public_id}/end/").status_code == 302
    assert here.get("/accounts/profile/").status_code == 200
    assert Client().post(f"/accounts/profile/browsers/{mine.public_id}/end/")["Location"].startswith("/accounts/login/")


def test_a_session_that_changes_its_key_stays_one_line(alice: User) -> None:
    here = signed_in()
    first = BrowserSession.objects.get()
    new = "un autre bien long secret"
    here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    row = BrowserSession.objects.get()
    assert (row.public_id, row.session_key) == (first.public_id, here.cookies["visio_session"].value)
    assert row.session_key != first.session_key
    assert [one.is_here for one in sessions_of(User.objects.get(pk=alice.pk), here=row.session_key)] == [True]


def test_what_a_changed_password_ended_is_listed_no_more(alice: User) -> None:
    here, elsewhere = signed_in(), signed_in(EDGE)
    new = "un autre bien long secret"
    here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert elsewhere.get("/accounts/profile/").status_code == 302
    assert acts(here) == []


def test_signing_out_and_the_night_forget_them(alice: User) -> None:
    leaver = signed_in()
    leaver.post("/accounts/logout/")
    assert BrowserSession.objects.count() == 0
    stays, expires = signed_in(), signed_in(EDGE)
    Session.objects.filter(session_key=expires.cookies["visio_session"].value).delete()
    enqueue("accounts.purge_sessions")
    assert Worker().work_once()
    assert BrowserSession.objects.get().session_key == stays.cookies["visio_session"].value


def test_an_administrator_signs_a_person_out_everywhere(alice: User) -> None:
    browsers = [signed_in(), signed_in(EDGE)]
    boss = User.objects.create_superuser("boss@culture.example")
    client = Client()
    client.force_login(boss, "django.contrib.auth.backends.ModelBackend")
    client.post("/admin/accounts/user/", {"action": "sign_out_everywhere", "_selected_action": [alice.pk]})
    assert [browser.get("/accounts/profile/").status_code for browser in browsers] == [302, 302]
    entry = AuditEntry.objects.get(action="sessions_ended")
    assert (entry.actor_label, entry.values_after) == (boss.display_name, {"count": 2})
    assert end_sessions(alice, acting_user=None) == 0


def test_a_clerk_signs_no_superuser_out(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_superuser=True, is_staff=True)
    here = signed_in()
    clerk = User.objects.create_user("clerk@culture.example", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    client = Client()
    client.force_login(clerk, "django.contrib.auth.backends.ModelBackend")
    client.post("/admin/accounts/user/", {"action": "sign_out_everywhere", "_selected_action": [alice.pk]})
    assert here.get("/accounts/profile/").status_code == 200
    assert not AuditEntry.objects.filter(action="sessions_ended").exists()


def test_last_seen_costs_one_write_in_five_minutes(alice: User, django_assert_num_queries: object) -> None:
    here = signed_in()
    here.get("/legal/")
    with django_assert_num_queries(3):  # type: ignore[operator]  # session, person, what they manage
        here.get("/legal/")


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox · Windows"),
        (EDGE, "Edge · Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari · iPhone"),
        ("", "Navigateur inconnu"),
        ("<script>alert(1)</script>", "Navigateur inconnu"),
        ("x" * 100_000 + "Firefox/1", "Firefox"),
    ],
)
def test_a_browser_is_called_by_a_word_of_ours(agent: str, name: str) -> None:
    from django.utils import translation

    with translation.override("fr"):
        assert browser_name(agent) == name


def test_operators_list_who_is_signed_in_where_and_it_is_in_the_audit_log(alice: User) -> None:
    signed_in()
    signed_in(EDGE, "192.0.2.2")
    User.objects.create_user("bob@culture.example")
    out = StringIO()
    call_command("list_sessions", "--json", stdout=out, stderr=StringIO())
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {(one["email"], one["browser"], one["address"]) for one in told} == {
        (EMAIL, "Firefox · Windows", "192.0.2.1"),
        (EMAIL, "Edge · Windows", "192.0.2.2"),
    }
    assert not any(row.session_key in out.getvalue() for row in BrowserSession.objects.all())
    out = StringIO()
    call_command("list_sessions", "BOB@culture.example", stdout=out, stderr=StringIO())
    assert out.getvalue() == ""
    entries = AuditEntry.objects.filter(action="sessions_listed").order_by("seq")
    assert [entry.object_label for entry in entries] == ["", "bob"]
    with pytest.raises(CommandError, match="Nobody has an account"):
        call_command("list_sessions", "nobody@culture.example")
