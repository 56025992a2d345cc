"""Whose HR's pages are: deny by default, each source for itself, and no page without a second factor."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.hr_desk.tests.conftest import Desk, address
from accounts.models import AuditEntry, HrDuty, HrFile, Organisation, User
from accounts.models.hr_file import HrFileState
from accounts.provisioning import reading
from accounts.provisioning.tests.conftest import file_of

ANNA = "1;anna@m.example;Anna;Petit;A"


@pytest.fixture
def paths(desk: Desk) -> list[str]:
    """Each address, of a file and an import of the source "sirh"."""
    file = desk.applied(file_of(ANNA))
    assert file.run is not None
    of_file = [f"{address(file)}{what}" for what in ("", "apply/", "again/", "delete/", "changes.csv")]
    of_run = [f"/accounts/hr/runs/{file.run.key}/{what}" for what in ("", "undo/", "left.csv")]
    return ["/accounts/hr/", *of_file, *of_run]


def test_who_has_no_duty_finds_no_page_and_who_is_not_signed_in_is_asked_to(paths: list[str]) -> None:
    someone = User.objects.create_user("someone@m.example", "un bien long secret")
    clerk = User.objects.create_user("clerk@m.example", "un bien long secret", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    before = HrFile.objects.count()
    for person in (someone, clerk):
        client = Client()
        client.force_login(person)
        for path in paths:
            assert {client.get(path).status_code, client.post(path).status_code} <= {404, 405}, path
    for path in paths:
        answer = Client().get(path)
        assert answer.status_code == 405 or answer["Location"].startswith("/accounts/login/"), path
    assert HrFile.objects.count() == before


def test_another_sources_files_and_imports_are_not_there(paths: list[str]) -> None:
    elsewhere = User.objects.create_user("elsewhere@m.example", "un bien long secret")
    HrDuty.objects.create(user=elsewhere, source="other")
    other = Desk(elsewhere)
    page = other.client.get("/accounts/hr/").content.decode()
    assert "hr.csv" not in page
    assert 'value="other"' in page
    assert "sirh" not in page
    for path in paths[1:]:
        assert {other.client.get(path).status_code, other.client.post(path).status_code} <= {404, 405}, path
    assert other.bring(file_of(ANNA), source="sirh").status_code == 400


def test_no_page_without_a_second_factor(paths: list[str], desk: Desk) -> None:
    client = Client()
    client.force_login(desk.person)
    for path in paths:
        for answer in (client.get(path), client.post(path, {"sure": "on"})):
            there = answer.headers.get("Location", "")
            assert answer.status_code == 405 or there.startswith("/accounts/security/confirm/"), path
    assert client.post("/accounts/hr/")["Location"].endswith("next=%2Faccounts%2Fhr%2F")
    Authenticator.objects.filter(user=desk.person).delete()
    assert client.get("/accounts/hr/")["Location"] == "/accounts/security/"
    assert AuditEntry.objects.filter(action="sign_in_refused").exists()


def test_only_a_superuser_gives_the_duty_and_the_source_must_be_a_name(offices: dict[str, Organisation]) -> None:
    boss = User.objects.create_superuser("boss@m.example", "un bien long secret")
    person = User.objects.create_user("hr@m.example", "un bien long secret")
    clerk = User.objects.create_user("clerk@m.example", "un bien long secret", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    assert "hr_duties" in _form_of(boss, person)
    assert "hr_duties" not in _form_of(clerk, person)
    form = {"email": person.email, "first_name": "", "last_name": "", "is_active": "on", "rooms_pass_to": ""}
    for prefix in ("memberships", "employments", "identities"):
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    duty = {"hr_duties-TOTAL_FORMS": "1", "hr_duties-INITIAL_FORMS": "0", "hr_duties-0-user": str(person.pk)}
    for who, source, count in ((clerk, "sirh", 0), (boss, "two words", 0), (boss, "sirh", 1)):
        client = Client()
        client.force_login(who)
        client.post(f"/admin/accounts/user/{person.pk}/change/", {**form, **duty, "hr_duties-0-source": source})
        assert HrDuty.objects.count() == count, (who, source)
    entry = AuditEntry.objects.filter(action="admin_changed").latest("seq")
    assert "sirh" in entry.after
    assert "/accounts/hr/" in Desk(person).client.get("/accounts/profile/").content.decode()


def _form_of(who: User, person: User) -> str:
    client = Client()
    client.force_login(who)
    return client.get(f"/admin/accounts/user/{person.pk}/change/").content.decode()


def test_a_superuser_sees_each_known_source(paths: list[str]) -> None:
    boss = User.objects.create_superuser("boss@m.example", "un bien long secret")
    client = Client()
    client.force_login(boss)
    assert client.get(paths[1]).status_code == 200
    assert 'value="sirh"' in client.get("/accounts/hr/").content.decode()


def test_a_small_spreadsheet_that_unpacks_to_no_end_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES_BESIDE_SHEETS", 1 << 20)
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", b"<si><t>a</t></si>" * 200_000)
    assert len(packed.getvalue()) < 100_000
    assert desk.looked_at(packed.getvalue(), name="people.xlsx").state == HrFileState.REFUSED
