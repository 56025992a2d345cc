"""Signing in with a second factor: the app's code once, a recovery code once, and neither by guessing."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.factors.tests.codes import code_of
from accounts.factors.tests.conftest import EMAIL, PASSWORD, add_app, by_password
from accounts.models import AuditEntry, User
from accounts.services.invitations import create_invitation

pytestmark = pytest.mark.django_db

CODE = "/accounts/security/code/"
CODES = "/accounts/security/recovery-codes/"


def is_in(client: Client) -> bool:
    return client.get("/accounts/profile/").status_code == 200


def recovery_codes(client: Client) -> list[str]:
    return re.findall(r"<code>(\d{8})</code>", client.get(CODES).content.decode())


def test_the_password_alone_opens_nothing_and_the_apps_code_does(boss: User) -> None:
    secret = add_app(by_password())
    client = by_password()
    assert not is_in(client)
    assert client.post(CODE, {"code": "000000"}).status_code == 200
    assert not is_in(client)
    assert client.post(CODE, {"code": code_of(secret)}).status_code == 302
    assert is_in(client)


def test_a_code_that_somebody_saw_is_worth_nothing_anywhere(boss: User) -> None:
    secret = add_app(by_password())
    code = code_of(secret, steps=1)  # the telephone's clock is fast
    assert by_password().post(CODE, {"code": code}).status_code == 302
    thief = by_password()
    assert thief.post(CODE, {"code": code}).status_code == 200
    assert thief.post(CODE, {"code": f"{code[:3]} {code[3:]}"}).status_code == 200
    assert not is_in(thief)


@pytest.mark.parametrize("steps", [-3, 3])
def test_a_code_of_another_time_is_refused(boss: User, steps: int) -> None:
    secret = add_app(by_password())
    assert by_password().post(CODE, {"code": code_of(secret, steps=steps)}).status_code == 200


def test_each_recovery_code_opens_the_account_once(boss: User) -> None:
    owner = by_password()
    add_app(owner)
    codes = recovery_codes(owner)
    assert len(set(codes)) == 10
    first, second = by_password(), by_password()
    assert first.post(CODE, {"code": codes[0]}).status_code == 302
    assert second.post(CODE, {"code": codes[0]}).status_code == 200
    assert not is_in(second)
    assert codes[0] not in recovery_codes(first)
    assert len(recovery_codes(first)) == 9


def test_new_recovery_codes_make_the_ones_of_before_worthless(boss: User) -> None:
    owner = by_password()
    add_app(owner)
    before = recovery_codes(owner)
    assert owner.post("/accounts/security/recovery-codes/new/").status_code == 302
    assert not set(before) & set(recovery_codes(owner))
    assert by_password().post(CODE, {"code": before[0]}).status_code == 200


def test_codes_are_not_guessed(boss: User) -> None:
    secret = add_app(by_password())
    thief = by_password()
    for number in range(6):
        assert thief.post(CODE, {"code": f"{number:06}"}).status_code == 200
    assert thief.post(CODE, {"code": code_of(secret)}).status_code == 200
    assert not is_in(thief)


def test_secrets_are_encrypted_where_they_are_kept(boss: User) -> None:
    owner = by_password()
    secret = add_app(owner)
    kept = " ".join(str(row.data) for row in Authenticator.objects.all())
    assert secret not in kept
    assert not any(code in kept for code in recovery_codes(owner))


def test_under_another_key_no_code_fits_and_nothing_breaks(boss: User, settings: object) -> None:
    secret = add_app(by_password())
    settings.SECRET_KEY = "another-key-" + "2" * 40  # type: ignore[attr-defined]  # pytest-django's
    client = by_password()
    assert client.post(CODE, {"code": code_of(secret)}).status_code == 200
    settings.SECRET_KEY_FALLBACKS = ["only-for-tests-" + "0" * 40]  # type: ignore[attr-defined]  # as above
    assert client.post(CODE, {"code": code_of(secret)}).status_code == 302


def test_a_one_time_link_does_not_go_round_the_second_factor(boss: User) -> None:
    secret = add_app(by_password())
    link = create_invitation(EMAIL)
    client = Client()
    client.get("/accounts/invitation/?" + link.partition("?")[2])
    fields = {"first_name": "C", "last_name": "D", "new_password1": PASSWORD * 2, "new_password2": PASSWORD * 2}
    assert client.post("/accounts/invitation/", fields)["Location"] == CODE
    assert not is_in(client)
    assert client.post(CODE, {"code": code_of(secret)}).status_code == 302
    assert is_in(client)


def test_a_suspended_person_does_not_get_past_the_code(boss: User) -> None:
    secret = add_app(by_password())
    client = by_password()
    User.objects.update(is_active=False)
    client.post(CODE, {"code": code_of(secret)})
    assert not is_in(client)


def test_lesson_17_the_session_gets_another_key_with_each_privilege_that_it_gains(boss: User) -> None:
    """Nextcloud CVE-2021-32676: the key that somebody learnt before was good afterwards, too."""
    client = by_password()
    keys = [client.cookies["visio_session"].value]
    secret = add_app(client)
    keys.append(client.cookies["visio_session"].value)
    other = by_password()
    keys.append(other.cookies["visio_session"].value)  # waits for its code
    other.post(CODE, {"code": code_of(secret)})
    keys.append(other.cookies["visio_session"].value)
    code = recovery_codes(other)[0]
    other.post("/accounts/security/confirm/code/", {"code": code})
    keys.append(other.cookies["visio_session"].value)
    assert len(set(keys)) == len(keys)
    for stale in keys[:1] + keys[2:4]:
        thief = Client()
        thief.cookies["visio_session"] = stale
        assert not is_in(thief)


def test_lesson_18_an_address_that_is_given_to_somebody_else_brings_them_no_factor(boss: User) -> None:
    """Nextcloud CVE-2021-32689: rights hung on the name. A new holder of the address is another person."""
    secret = add_app(by_password())
    boss.email = "boss.former@culture.example"
    boss.save()
    User.objects.create_user(EMAIL, PASSWORD)
    successor = by_password()
    assert is_in(successor)  # has set up none
    former = by_password(email="boss.former@culture.example")
    assert not is_in(former)
    assert former.post(CODE, {"code": code_of(secret)}).status_code == 302


def test_the_audit_log_tells_of_factors_and_of_codes_that_were_wrong(boss: User) -> None:
    owner = by_password()
    secret = add_app(owner)
    client = by_password()
    client.post(CODE, {"code": "000000"})
    client.post(CODE, {"code": code_of(secret)})
    client.post("/accounts/security/app/remove/")
    told = [(entry.action, entry.values_after or entry.values_before) for entry in AuditEntry.objects.order_by("seq")]
    assert [action for action, _ in told] == [
        "signed_in",
        "factor_added",
        "factor_added",
        "factor_failed",
        "signed_in",
        "factor_removed",
        "factor_removed",
    ]
    assert told[4][1]["factor"] == "totp"
    assert secret not in str(told)
    assert not Authenticator.objects.exists()
